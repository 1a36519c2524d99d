// SPDX-License-Identifier: BSD-2-Clause
// What an attachment shows of itself: how it is, for `status`; what heads, port pair, engine and sockets have counted.
#include <array>
#include <atomic>

#include <fmt/format.h>

#include "daemon/interfaces/kernel_attachment.h"

namespace pfild::interfaces {
namespace {

using core::Direction;

} // namespace

control::InterfaceView KernelAttachment::view() const {
    control::InterfaceView view;
    view.name = spec_.link.name;
    view.ifindex = spec_.link.ifindex;
    view.mac = net::to_string(spec_.link.mac);
    view.mtu = spec_.link.mtu;
    view.rx_queues = spec_.link.rx_queues;
    view.up = spec_.link.up;
    view.mode = only_tapped() ? "tap" : xdp_ ? "xdp" : "tc";
    view.mode_wanted = spec_.mode;
    view.mode_because = mode_because_;
    view.queues_served = xdp_ ? xdp_->queues() : 0;
    view.turned_off = turned_off();
    view.unknown = spec_.fail.unknown;
    view.silent = spec_.fail.silent;
    view.state = coming_                              ? control::InterfaceView::State::kComing
                 : repairing_ || stood_down_ || gone_ ? control::InterfaceView::State::kRepairing
                                                      : control::InterfaceView::State::kAttached;
    if (port_) {
        view.port_pair.p = port_->port().p().name;
        view.port_pair.q = port_->port().q().name;
    }
    if (heads_) {
        view.heads.in = xdp_ ? xdp_->place() : heads_->place(Direction::kIn);
        view.heads.out = heads_->place(Direction::kOut);
        view.in_front = within(world_.stack, [&]() -> core::Result<std::vector<std::string>> {
                            return front_.in_front(*heads_);
                        }).value_or(std::vector<std::string>());
    }
    view.position = spec_.position;
    const core::Directions hooked = only_tapped() ? core::Directions() : spec_.divert;
    view.hooked = {hooked.has(Direction::kIn), hooked.has(Direction::kOut)};
    return view;
}

std::uint64_t KernelAttachment::port_dropped(Direction direction) const {
    const net::Pair& up = direction == Direction::kIn ? port_->port().q() : port_->port().p();
    return within(world_.stack,
                  [&] {
                      return net::Links::open().and_then(
                          [&](net::Links links) { return links.tx_dropped(up.stack_ifindex); });
                  })
        .value_or(0);
}

control::Counters KernelAttachment::counters(Direction direction) const {
    static constexpr std::array<const char*, PFILD_COUNTERS> kHeadCounterNames PFILD_COUNTER_NAMES;
    control::Counters counters;
    const pfild_counters head = world_.programs.counters(slot(), direction);
    for (std::size_t i = 0; i < PFILD_COUNTERS; i++) {
        counters.emplace_back(kHeadCounterNames[i], head.count[i]);
    }
    if (only_tapped()) { // the engine has none of it
        return counters;
    }
    if (port_ || coming_) {
        counters.emplace_back("port_dropped", port_ ? port_dropped(direction) : 0);
    }
    const auto& engine = world_.engine_thread.engine().counters(slot(), direction);
    for (std::size_t i = 0; i < engine.size(); i++) {
        counters.emplace_back(fmt::format("engine_{}", core::kEngineCounterNames[i]),
                              engine[i].load(std::memory_order_relaxed));
    }
    if (port_ || coming_) {
        const bool incoming = direction == Direction::kIn;
        xsk::SocketCounters from;
        if (port_) {
            from = (incoming ? port_->q() : port_->p()).counters();
        }
        if (xdp_ && incoming) {
            from += xdp_->counters();
        }
        counters.emplace_back("socket_rx_ring_full", from.rx_ring_full);
        counters.emplace_back("socket_rx_fill_ring_empty", from.rx_fill_ring_empty);
        counters.emplace_back("socket_rx_invalid", from.rx_invalid);
        counters.emplace_back("socket_dropped_buffers", from.dropped_buffers);
        counters.emplace_back("socket_foreign_buffers", from.foreign_buffers);
        counters.emplace_back("socket_tx_invalid",
                              port_ ? (incoming ? port_->p() : port_->q()).counters().tx_invalid : 0);
    }
    return counters;
}

} // namespace pfild::interfaces
