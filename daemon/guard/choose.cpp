// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/choose.h.
#include "daemon/guard/choose.h"

namespace pfild::guard {
namespace {

using Ports = std::set<std::uint16_t>;

Ports guarded(const Sockets& sockets, const Inodes& sshd, const std::vector<std::uint16_t>& guard_ports) {
    Ports ports(guard_ports.begin(), guard_ports.end());
    for (const Listener& listener : sockets.listening) {
        if (sshd.contains(listener.inode)) {
            ports.insert(listener.port);
        }
    }
    return ports;
}

bool leaves(const Connection& connection) {
    return !connection.remote.is_loopback() && connection.remote != connection.local;
}

} // namespace

std::vector<Watched> choose(const Sockets& sockets, const Inodes& caller, const Inodes& sshd,
                            const std::vector<std::uint16_t>& guard_ports) {
    const Ports ports = guarded(sockets, sshd, guard_ports);
    Ports listening;
    for (const Listener& listener : sockets.listening) {
        listening.insert(listener.port);
    }
    std::vector<Watched> of_caller;
    std::vector<Watched> of_ports;
    for (const Connection& connection : sockets.established) {
        const bool at_port = ports.contains(connection.local_port) || sshd.contains(connection.inode);
        const Watched watched{connection, at_port || listening.contains(connection.local_port)};
        if (!leaves(connection)) {
            continue;
        }
        if (caller.contains(connection.inode)) {
            of_caller.push_back(watched);
        }
        if (at_port) {
            of_ports.push_back(watched);
        }
    }
    return of_caller.empty() ? of_ports : of_caller;
}

} // namespace pfild::guard
