// SPDX-License-Identifier: BSD-2-Clause
// What an attachment has counted, for `stats`: heads, port, engine and sockets.
#include <array>
#include <atomic>

#include <fmt/format.h>

#include "daemon/orchestrator/attachment.h"

namespace pfild {
namespace {

using core::Direction;

} // namespace

control::Counters Attachment::counters(Direction direction) const {
    static constexpr std::array<const char*, PFILD_COUNTERS> kHeadCounterNames PFILD_COUNTER_NAMES;
    control::Counters counters;
    const pfild_counters head = world_.programs.counters(slot(), direction);
    for (std::size_t i = 0; i < PFILD_COUNTERS; i++) {
        counters.emplace_back(kHeadCounterNames[i], head.count[i]);
    }
    if (only_tapped()) { // the engine has none of it
        return counters;
    }
    if (port_) {
        counters.emplace_back("port_dropped", port_dropped(direction));
    }
    const auto& engine = world_.engine_thread.engine().counters(slot(), direction);
    for (std::size_t i = 0; i < engine.size(); i++) {
        counters.emplace_back(fmt::format("engine_{}", core::kEngineCounterNames[i]),
                              engine[i].load(std::memory_order_relaxed));
    }
    const auto& up = direction == Direction::in ? socket_q_ : socket_p_;
    const auto& down = direction == Direction::in ? socket_p_ : socket_q_;
    if (up && down) {
        xsk::SocketCounters from = up->counters();
        if (xdp_ && direction == Direction::in) {
            from += xdp_->counters();
        }
        counters.emplace_back("socket_rx_ring_full", from.rx_ring_full);
        counters.emplace_back("socket_rx_fill_ring_empty", from.rx_fill_ring_empty);
        counters.emplace_back("socket_rx_invalid", from.rx_invalid);
        counters.emplace_back("socket_dropped_segments", from.dropped_segments);
        counters.emplace_back("socket_foreign_buffers", from.foreign_buffers);
        counters.emplace_back("socket_tx_invalid", down->counters().tx_invalid);
    }
    return counters;
}

} // namespace pfild
