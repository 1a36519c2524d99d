// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/kernel_host.h.
#include "daemon/guard/kernel_host.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/guard/netlink.h"
#include "daemon/guard/routes.h"

namespace pfild::guard {
namespace {

void take_socket(Sockets& sockets, ByteSpan answer) {
    const auto message = front_of<inet_diag_msg>(answer);
    const std::uint16_t port = ntohs(message.id.idiag_sport);
    if (message.idiag_state == TCP_LISTEN) {
        sockets.listening.push_back({port, message.idiag_inode});
        return;
    }
    const bool inet = message.idiag_family == AF_INET;
    sockets.established.push_back({.local = Address::of(inet, message.id.idiag_src),
                                   .remote = Address::of(inet, message.id.idiag_dst),
                                   .local_port = port,
                                   .remote_port = ntohs(message.id.idiag_dport),
                                   .ifindex = message.id.idiag_if,
                                   .inode = message.idiag_inode});
}

} // namespace

core::Result<Sockets> KernelHost::sockets() {
    auto kernel = Netlink::open(NETLINK_SOCK_DIAG, "sock_diag");
    if (!kernel) {
        return core::fail(std::move(kernel.error()));
    }
    Sockets sockets;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
        inet_diag_req_v2 body{};
        body.sdiag_family = family;
        body.sdiag_protocol = IPPROTO_TCP;
        body.idiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_LISTEN;
        auto asked = kernel->ask(Question(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, body),
                                 [&sockets](ByteSpan answer) { take_socket(sockets, answer); });
        if (!asked) {
            return core::fail(std::move(asked.error()));
        }
    }
    return sockets;
}

Inodes KernelHost::sockets_of(const Caller& caller) {
    const auto lives = [&caller] {
        pollfd ended{caller.pidfd, POLLIN, 0};
        return caller.pidfd >= 0 && ::poll(&ended, 1, 0) == 0;
    };
    return processes_.sockets_of_ancestry(caller.pid, lives);
}

core::Result<std::vector<Way>> KernelHost::ways(const Connection& connection) { return ways_of(connection); }

} // namespace pfild::guard
