// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/link_monitor.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <sys/epoll.h>

#include "daemon/sys/failure.h"

namespace pfild::net {
namespace {

constexpr int kMostRounds = 256;

} // namespace

core::Result<std::unique_ptr<LinkMonitor>> LinkMonitor::open(sys::Loop& loop, Events events) {
    std::unique_ptr<LinkMonitor> self(new LinkMonitor(std::move(events)));
    self->socket_.reset(nl_socket_alloc());
    nl_sock* socket = self->socket_.get();
    if (socket == nullptr) {
        return sys::failed("watch", "devices", ENOMEM);
    }
    nl_socket_disable_seq_check(socket);
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, &LinkMonitor::on_message, self.get());
    int error = nl_connect(socket, NETLINK_ROUTE);
    if (error >= 0) {
        error = nl_socket_add_memberships(socket, RTNLGRP_LINK, 0);
    }
    if (error >= 0) {
        error = nl_socket_set_nonblocking(socket);
    }
    if (error < 0) {
        return core::fail({"watch", "devices", nl_geterror(error), "", EIO});
    }
    auto registration =
        loop.add(nl_socket_get_fd(socket), EPOLLIN, [monitor = self.get()](std::uint32_t) { monitor->read(); });
    if (!registration) {
        return core::fail(std::move(registration.error()));
    }
    self->registration_ = std::move(*registration);
    return self;
}

// What is announced several times is looked at once.
void LinkMonitor::read() {
    int error = 0;
    for (int round = 0; error >= 0 && round < kMostRounds; round++) {
        error = nl_recvmsgs_default(socket_.get());
    }
    for (const Announced& one : std::exchange(announced_, {})) {
        one.gone ? events_.gone(one.ifindex) : events_.changed(one.ifindex);
    }
    // -NLE_NOMEM is how libnl says ENOBUFS: the socket's buffer ran over and announcements are lost.
    if (error == -NLE_NOMEM) {
        events_.lost();
    }
}

void LinkMonitor::announce(std::uint32_t ifindex, bool gone) {
    const auto known = std::find_if(announced_.begin(), announced_.end(),
                                    [&](const Announced& one) { return one.ifindex == ifindex; });
    if (known == announced_.end()) {
        announced_.push_back({ifindex, gone});
    } else {
        known->gone = known->gone || gone; // whoever is told looks at what there is now, too
    }
}

int LinkMonitor::on_message(nl_msg* message, void* self) {
    auto* monitor = static_cast<LinkMonitor*>(self);
    const auto report = [](nl_object* object, void* context) {
        auto* target = static_cast<LinkMonitor*>(context);
        const auto ifindex = static_cast<std::uint32_t>(
            rtnl_link_get_ifindex(reinterpret_cast<rtnl_link*>(object))); // NOLINT: how libnl's objects are cast
        // A port that leaves a bridge is announced by a DELLINK of the bridge's family.
        const bool of_bridge =
            rtnl_link_get_family(reinterpret_cast<rtnl_link*>(object)) == AF_BRIDGE; // NOLINT: as above
        if (nl_object_get_msgtype(object) == RTM_DELLINK && !of_bridge) {
            target->announce(ifindex, true);
        } else {
            target->announce(ifindex, false);
        }
    };
    const int type = nlmsg_hdr(message)->nlmsg_type;
    if (type == RTM_NEWLINK || type == RTM_DELLINK) {
        nl_msg_parse(message, report, monitor);
    }
    return NL_OK;
}

} // namespace pfild::net
