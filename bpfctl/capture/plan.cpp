// SPDX-License-Identifier: BSD-2-Clause
// See plan.h.
#include "bpfctl/capture/plan.h"

#include <cerrno>

#include "cbpf/program.h"

namespace pfild::bpfctl {
namespace {

constexpr std::uint16_t kReturnConstant = 0x06; // BPF_RET | BPF_K

} // namespace

core::Result<std::vector<cbpf::Instruction>> CapturePlan::program(filter::LinkType link_type) const {
    if (expression.empty()) {
        return snap_length == filter::kSnapLength
                   ? std::vector<cbpf::Instruction>{}
                   : std::vector{cbpf::Instruction{kReturnConstant, 0, 0, static_cast<std::uint32_t>(snap_length)}};
    }
    auto program = filter::compile(expression, link_type, names, snap_length);
    if (!program) {
        return program;
    }
    if (const auto verified = cbpf::Program::verify(*program); !verified) {
        return core::fail({"capture", interface, "the program does not verify: " + verified.error().message(),
                           "use a shorter expression", EINVAL});
    }
    return program;
}

} // namespace pfild::bpfctl
