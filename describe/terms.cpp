// SPDX-License-Identifier: BSD-2-Clause
// See describe/terms.h.
#include "describe/terms.h"

#include <algorithm>

namespace pfild::describe {
namespace {

using Each = std::vector<core::Direction>;

tl::expected<core::Directions, std::string> directions_of(const Each& each) {
    const auto has = [&each](core::Direction direction) {
        return std::find(each.begin(), each.end(), direction) != each.end();
    };
    return core::Directions(has(core::Direction::kIn), has(core::Direction::kOut));
}

Each each_of(const core::Directions& directions) {
    Each each;
    for (const core::Direction direction : core::kEachDirection) {
        if (directions.has(direction)) {
            each.push_back(direction);
        }
    }
    return each;
}

} // namespace

Kind<core::Directions> directions(std::size_t least) {
    return via<Each>(list(word(core::kDirectionNames), core::kDirections, least).each_once(), directions_of, each_of);
}

Kind<std::vector<cbpf::Instruction>> program() {
    constexpr std::size_t kLongest = 65536; // the verifier allows fewer, and says so with the rule that it names
    return list(row(), kLongest);
}

void describe(Fields& fields, cbpf::Instruction& instruction) {
    fields.called("instruction", "One instruction of the classic BPF machine.");
    fields.required("code", instruction.code, whole(), "The operation.");
    fields.required("jt", instruction.jt, whole(), "Instructions to skip when a jump is taken.");
    fields.required("jf", instruction.jf, whole(), "Instructions to skip when it is not.");
    fields.required("k", instruction.k, whole(), "Constant, offset, index or length of a jump.");
}

} // namespace pfild::describe
