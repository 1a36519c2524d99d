// SPDX-License-Identifier: BSD-2-Clause
// The walk: one packet past every hook of every head on its way (contract PF-12, PF-20 to PF-26).
//
//     in    interface -> ethernet -> inet or inet6 ->    (stack)
//     out   interface <- ethernet <- inet or inet6 <-    (stack)
//
// The walk ends at the first hook that drops or consumes. A hook that puts another frame in place, or changes the
// length of the one there is, makes the walk look at the packet anew: later heads are chosen by what it is now, and
// later hooks of the same head are skipped if it is no longer of their type, so that no hook ever reads a header it
// does not expect. What keeps the link up meets the hooks alone that are asked about it (Hook::upkeep).
//
// run_heads: engine thread only; allocates nothing, locks nothing. foresee_heads: any thread that may read the
// snapshot.
#pragma once

#include <cstdint>

#include "core/direction.h"
#include "core/frame.h"
#include "core/packet_view.h"
#include "core/pfil/hook.h"
#include "core/pfil/snapshot.h"
#include "core/pfil/verdict.h"

namespace pfild::core {

/// Where a packet is and where it goes.
struct Passage {
    std::uint8_t interface_slot = 0; ///< of the attached interface it is seen at, < kInterfaceSlots
    Direction direction = Direction::kIn;
    bool forwarded = false;    ///< counts on output only (PF-15)
    std::uint32_t ifindex = 0; ///< of the same interface
};

/// The hook that stopped a packet.
struct Stopped {
    const Hook* hook = nullptr; ///< lives as long as the snapshot
    bool at_interface = false;  ///< at the head of the interface, not at one for all of them
};

/// Runs the heads over `frame`, of which `view` is the parsed view. => the frame is not empty.
/// pass: the frame is as it came, but for bytes that hooks changed in place. reallocated: the frame is another one or
/// has another length, and `view` was made anew. dropped, consumed: the frame is empty; its buffers were given back to
/// the pool once, or are the hook's. It lasts if every hook that was asked said that its own does.
[[nodiscard]] Verdict run_heads(const Snapshot& snapshot, const Passage& passage, Frame& frame,
                                PacketView& view) noexcept;
/// What run_heads() would say, with no consequence but that the frame is emptied when it says drop; and which hook says
/// so, if that is asked for.
[[nodiscard]] Verdict foresee_heads(const Snapshot& snapshot, const Passage& passage, Frame& frame, PacketView& view,
                                    Stopped* stopped = nullptr) noexcept;

} // namespace pfild::core
