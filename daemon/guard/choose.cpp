// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/choose.h.
#include "daemon/guard/choose.h"

#include <algorithm>

namespace pfild::guard {
namespace {

bool leaves(const Connection& connection) {
    return !connection.remote.is_loopback() && connection.remote != connection.local;
}

Ports listened_at(const Sockets& sockets) {
    Ports ports;
    for (const Listener& listener : sockets.listening) {
        ports.insert(listener.port);
    }
    return ports;
}

bool are_ends_of_one(const Connection& one, const Connection& other) {
    return one.local == other.remote && one.remote == other.local && one.local_port == other.remote_port &&
           one.remote_port == other.local_port;
}

} // namespace

std::vector<Watched> owned_connections(const Sockets& sockets, const Inodes& owned,
                                       const std::vector<std::uint16_t>& guard_ports) {
    Ports accepting = listened_at(sockets);
    accepting.insert(guard_ports.begin(), guard_ports.end());
    std::vector<Watched> found;
    for (const Connection& connection : sockets.established) {
        if (owned.contains(connection.inode) && leaves(connection)) {
            found.push_back({connection, accepting.contains(connection.local_port)});
        }
    }
    return found;
}

std::vector<Watched> guarded_connections(const Sockets& sockets, const Inodes& sshd,
                                         const std::vector<std::uint16_t>& guard_ports) {
    Ports ports(guard_ports.begin(), guard_ports.end());
    for (const Listener& listener : sockets.listening) {
        if (sshd.contains(listener.inode)) {
            ports.insert(listener.port);
        }
    }
    const Ports listened = listened_at(sockets);
    std::vector<Watched> found;
    for (const Connection& connection : sockets.established) {
        const bool at_port = ports.contains(connection.local_port);
        if ((at_port || sshd.contains(connection.inode)) && leaves(connection)) {
            found.push_back({connection, at_port || listened.contains(connection.local_port)});
        }
    }
    return found;
}

Inodes other_ends(const Sockets& sockets, const Inodes& owned) {
    Inodes ends;
    for (const Connection& one : sockets.established) {
        if (!owned.contains(one.inode) || leaves(one)) {
            continue;
        }
        const auto other = std::find_if(sockets.established.begin(), sockets.established.end(),
                                        [&](const Connection& end) { return are_ends_of_one(one, end); });
        if (other != sockets.established.end() && !owned.contains(other->inode)) {
            ends.insert(other->inode);
        }
    }
    return ends;
}

} // namespace pfild::guard
