// SPDX-License-Identifier: BSD-2-Clause
// Which hooks of a lane run in the kernel, and why the others do not.
//
//     hooks that a packet of the lane meets, in order     [ kernel kernel kernel | engine engine ... ]
//
// As soon as one must run in the engine, so must all behind it. A lane whose hooks all answer per flow has none in the
// kernel: the engine is asked about the first packet of a flow, and the kernel remembers (verdict.h). One hook that
// must see every packet, or that is to run in the kernel, and the longest beginning that can be lowered is.
//
// Pure; control thread.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/chain/chain_program.h"
#include "core/direction.h"
#include "core/pfil/hook.h"
#include "core/pfil/registry.h"
#include "ebpf/place.h"

namespace pfild::core {

/// Where a hook of a lane runs.
struct PlacedHook {
    std::shared_ptr<Hook> hook;
    std::optional<std::string> because; ///< nothing: in the kernel; else in the engine, and why
};

struct LanePlacement {
    std::vector<PlacedHook> hooks;  ///< as they are met: IN link, inet, inet6; OUT inet, inet6, link
    std::optional<ChainSpec> chain; ///< nothing: no hook of the lane runs in the kernel
    std::vector<Hook*> counting;    ///< of the chain, in the order of its map

    /// A hook that is to run in the kernel and does not.
    [[nodiscard]] const PlacedHook* broken_promise() const;
};

/// The hooks of a chain that was tried and that the kernel did not take.
struct ChainLimit {
    std::size_t most = std::numeric_limits<std::size_t>::max();
    std::string because; ///< of the first that is not in it
};

[[nodiscard]] LanePlacement place_lane(const LaneHooks& hooks, Direction direction, ebpf::Place place,
                                       const ChainLimit& limit = {});

} // namespace pfild::core
