// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/jit/graph.h"

namespace pfild::cbpf::jit {

std::optional<Variable> assigned(const Op& op) noexcept {
    using Result = std::optional<Variable>;
    return std::visit(Overloaded{
                          [](const Set& set) -> Result { return set.to; },
                          [](const Copy& copy) -> Result { return copy.to; },
                          [](const WireLength& length) -> Result { return length.to; },
                          [](const Read& /*read*/) -> Result { return Variable::kA; },
                          [](const ReadHeaderLength& /*read*/) -> Result { return Variable::kX; },
                          [](const Calculate& /*calculate*/) -> Result { return Variable::kA; },
                          [](const auto& /*require*/) -> Result { return std::nullopt; },
                      },
                      op);
}

} // namespace pfild::cbpf::jit
