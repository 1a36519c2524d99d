// SPDX-License-Identifier: BSD-2-Clause
#include "config/matchless.h"

#include <algorithm>

#include "cbpf/upkeep.h"
#include "core/pfil/cbpf_hook.h"

namespace pfild::config {
namespace {

constexpr std::uint16_t kClass = 0x07;
constexpr std::uint16_t kJumps = 0x05; ///< of a class; alone: the jump that asks nothing

bool asks(const cbpf::Program& program) {
    const auto all = program.instructions();
    return std::any_of(all.begin(), all.end(), [](const cbpf::Instruction& instruction) {
        return (instruction.code & kClass) == kJumps && instruction.code != kJumps;
    });
}

} // namespace

std::optional<std::string> matchless(const Hook& hook, const cbpf::Program& program) {
    const bool means_it = hook.compiled == core::Compiled::kUnverified && !asks(program);
    if (hook.force || means_it || !cbpf::matches_nothing(program, core::form_of(hook.type))) {
        return std::nullopt;
    }
    return "it can match no packet that hooks of type " + std::string(core::name(hook.type)) + " are shown";
}

} // namespace pfild::config
