// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/interfaces/xdp_side.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <net/if.h>
#include <spdlog/spdlog.h>

#include "daemon/interfaces/attachment_world.h"
#include "daemon/net/features.h"

namespace pfild::interfaces {
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
    if (auto left = self->leave_tags(); !left) {
        return core::fail(std::move(left.error()));
    }
    if (auto served = self->serve_queues(); !served) {
        return core::fail(std::move(served.error()));
    }
    return self;
}

// Virtual devices cannot: their tags are beside the packet from the start.
core::Result<void> XdpSide::leave_tags() {
    if (!link_.is_hardware()) {
        return {};
    }
    auto were_on = net::leave_tags_in_packets(link_.name);
    if (!were_on) {
        return core::fail(std::move(were_on.error()));
    }
    for (std::string& offload : *were_on) {
        if (std::find(turned_off_.begin(), turned_off_.end(), offload) == turned_off_.end()) {
            turned_off_.push_back(std::move(offload));
        }
    }
    return {};
}

// A socket on every queue that has none. The engine is told of all at once, so that they share the packet memory
// evenly.
core::Result<void> XdpSide::serve_queues() {
    const std::uint32_t queues = queues_of(link_);
    const std::size_t served = sockets_.size();
    if (queues <= served) {
        return {};
    }
    if (queues > PFILD_MAX_QUEUES) {
        return core::fail({"serve", link_.name,
                           fmt::format("it has {} receive queues, {} can be served", queues, PFILD_MAX_QUEUES),
                           "use fewer (ethtool -L), or --mode tc", EOPNOTSUPP});
    }
    if (!world_.engine_thread.has_buffers_for(queues - served)) {
        return core::fail({"serve", link_.name,
                           fmt::format("there is not enough packet memory for its {} receive queues", queues),
                           "raise `buffers` in the configuration, or --mode tc", ENOBUFS});
    }
    while (sockets_.size() < queues) {
        const auto queue = static_cast<std::uint32_t>(sockets_.size());
        auto socket = xsk::Socket::open(world_.umem, link_.name, holder_of(slot_, queue), queue);
        if (!socket) {
            return core::fail(std::move(socket.error()));
        }
        sockets_.push_back(std::move(*socket));
    }
    std::vector<xsk::Socket*> all;
    std::transform(sockets_.begin(), sockets_.end(), std::back_inserter(all), [](auto& one) { return one.get(); });
    world_.engine_thread.set_queues(slot_, all, !link_.is_hardware());
    for (std::size_t queue = served; queue < sockets_.size(); queue++) {
        if (auto set =
                world_.programs.set_queue_socket(slot_, static_cast<std::uint32_t>(queue), sockets_[queue]->fd());
            !set) {
            return set;
        }
    }
    return {};
}

core::Result<void> XdpSide::attach_head(std::uint32_t attachment) {
    auto head = kernel::XdpHead::attach(link_.ifindex, world_.programs, slot_, attachment);
    if (!head) {
        return core::fail(std::move(head.error()));
    }
    head_.emplace(std::move(*head));
    return {};
}

core::Result<void> XdpSide::follow(const net::Link& link) {
    link_ = link;
    const std::size_t served = sockets_.size();
    auto serving = leave_tags().and_then([&] { return serve_queues(); });
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
    std::array<char, IF_NAMESIZE> name{}; // it may have been renamed a moment ago
    if (!turned_off_.empty() && ::if_indextoname(link_.ifindex, name.data()) != nullptr) {
        if (auto restored = net::turn_on(name.data(), turned_off_); !restored) {
            spdlog::error("{}: {}", name.data(), restored.error().line());
        }
    }
}

} // namespace pfild::interfaces
