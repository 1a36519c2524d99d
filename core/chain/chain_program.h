// SPDX-License-Identifier: BSD-2-Clause
// Hooks of one lane as one program for the kernel: what a head asks by tail call (pfild/chain.h).
//
//     look at the frame (frame_look.h) -> first hook's filter -> its action -> second hook's filter -> ...
//                                               |                  |                                   |
//     leave it to the engine <-----------------'   drop <---------'        pass, or leave it <--------'
//
// The first hook that drops ends it, as in run_heads.h, of which the order is: IN link, then inet or inet6; OUT the
// reverse. Hooks that are not here must run in the engine, and so must all behind them: then what the hooks here let
// pass is left to the engine, which asks all hooks from the first on, and these say what they said. So no packet is
// decided by halves, and as only who answers counts, none is counted twice.
//
// What the engine would see otherwise is left to it: what keeps the link up (pfild/upkeep.h), more tags than two,
// transparent ones where hooks see whole frames, extension headers, and fragments that may be without their ports;
// under TC also tags beside a frame that hooks see whole, and buffers that stand for several packets if a program looks
// at what those differ in.
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "cbpf/program.h"
#include "core/direction.h"
#include "core/pfil/hook.h"
#include "ebpf/assembler.h"
#include "ebpf/place.h"

namespace pfild::core {

/// Hooks that see the same packets, in run order.
struct ChainBlock {
    std::vector<Lowering> hooks; ///< => their programs live as long as the description
    bool whole = true;           ///< there are no other hooks for these packets on these heads
};

struct ChainSpec {
    ebpf::Place place = ebpf::Place::kTc;
    Direction direction = Direction::kIn;
    ChainBlock link; ///< of heads that show frames: those of the interface and `ethernet`
    ChainBlock inet;
    ChainBlock inet6;
    bool leave_fragments = false; ///< all of IPv4's; else those that may be without their ports
    bool uncut = false;           ///< no program looks at what segments differ in: uncut packets are answered, too

    [[nodiscard]] std::size_t size() const { return link.hooks.size() + inet.hooks.size() + inet6.hooks.size(); }
};

/// The instructions; nothing if they are too many. Its map (struct pfild_chain_hook for each hook: link, inet, inet6)
/// is where they speak of map 0. => at most PFILD_CHAIN_HOOKS.
[[nodiscard]] std::optional<std::vector<ebpf::Instruction>> chain_program(const ChainSpec& spec);

} // namespace pfild::core
