// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/orchestrator/xdp_side.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/net/features.h"
#include "daemon/orchestrator/attachment.h"

namespace pfild {
namespace {

std::uint32_t queues_of(const net::Link& link) {
    return net::receive_queues(link.name).value_or(std::max(link.rx_queues, 1U));
}

core::Holder holder_of(std::uint32_t slot, std::uint32_t queue) {
    return static_cast<core::Holder>(core::kFirstSocket + PFILD_MAX_LANES + PFILD_QUEUE_SOCKET(slot, queue));
}

} // namespace

core::Result<std::unique_ptr<XdpSide>> XdpSide::make(AttachmentWorld& world, const net::Link& link, std::uint8_t slot,
                                                     std::vector<std::string> turned_off) {
    std::unique_ptr<XdpSide> self(new XdpSide(world, link, slot));
    self->turned_off_ = std::move(turned_off);
    if (link.is_hardware()) {
        auto were_on = net::leave_tags_in_packets(link.name);
        if (!were_on) {
            return core::fail(std::move(were_on.error()));
        }
        self->turned_off_.insert(self->turned_off_.end(), were_on->begin(), were_on->end());
    }
    if (auto served = self->serve_queues(); !served) {
        return core::fail(std::move(served.error()));
    }
    return self;
}

// A socket on every queue that has none.
core::Result<void> XdpSide::serve_queues() {
    const std::uint32_t queues = queues_of(link_);
    if (queues > PFILD_MAX_QUEUES) {
        return core::fail({"serve", link_.name,
                           fmt::format("it has {} receive queues, {} can be served", queues, PFILD_MAX_QUEUES),
                           "use fewer (ethtool -L), or --mode tc", EOPNOTSUPP});
    }
    while (sockets_.size() < queues) {
        const auto queue = static_cast<std::uint32_t>(sockets_.size());
        auto socket = xsk::Socket::open(world_.umem, link_.name, holder_of(slot_, queue), queue);
        if (!socket) {
            return core::fail(std::move(socket.error()));
        }
        sockets_.push_back(std::move(*socket));
        std::vector<xsk::Socket*> all;
        std::transform(sockets_.begin(), sockets_.end(), std::back_inserter(all), [](auto& one) { return one.get(); });
        world_.engine_thread.set_queues(slot_, all, !link_.is_hardware());
        if (auto set = world_.programs.set_queue_socket(slot_, queue, sockets_.back()->fd()); !set) {
            return set;
        }
    }
    return {};
}

core::Result<void> XdpSide::attach_head() {
    auto head = kernel::XdpHead::attach(link_.ifindex, world_.programs);
    if (!head) {
        return core::fail(std::move(head.error()));
    }
    head_.emplace(std::move(*head));
    return {};
}

core::Result<void> XdpSide::follow(const net::Link& link) {
    link_ = link;
    const std::size_t served = sockets_.size();
    auto serving = serve_queues();
    if (serving && sockets_.size() != served) {
        spdlog::info("{}: serves {} receive queues now", link.name, sockets_.size());
    }
    return serving;
}

xsk::SocketCounters XdpSide::counters() const {
    xsk::SocketCounters sum;
    for (const auto& socket : sockets_) {
        sum += socket->counters();
    }
    return sum;
}

XdpSide::~XdpSide() {
    if (head_) {
        head_->detach();
    }
    world_.engine_thread.set_queues(slot_, {}, false);
    for (std::size_t queue = 0; queue < sockets_.size(); queue++) {
        world_.programs.clear_queue_socket(slot_, static_cast<std::uint32_t>(queue));
        sockets_[queue]->shut();
        world_.engine_thread.reclaim(*sockets_[queue]);
    }
    if (!turned_off_.empty()) {
        if (auto restored = net::turn_on(link_.name, turned_off_); !restored && restored.error().code != ENODEV) {
            spdlog::error("{}: {}", link_.name, restored.error().line());
        }
    }
}

} // namespace pfild
