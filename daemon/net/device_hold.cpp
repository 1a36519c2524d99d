// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/device_hold.h"

#include <cerrno>

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "daemon/sys/close_together.h"
#include "daemon/sys/failure.h"

namespace pfild::net {

core::Result<DeviceHold> DeviceHold::take(std::uint32_t ifindex) {
    constexpr int kNoProtocol = 0; // so it is given no packets
    sys::Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, kNoProtocol));
    sockaddr_ll device{};
    device.sll_family = AF_PACKET;
    device.sll_ifindex = static_cast<int>(ifindex);
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&device), sizeof(device)) != 0) { // NOLINT
        return sys::failed("keep an eye on", fmt::format("interface {}", ifindex), errno);
    }
    return DeviceHold(std::move(socket), ifindex);
}

bool DeviceHold::is_here() const {
    sockaddr_ll device{};
    socklen_t size = sizeof(device);
    return ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&device), &size) == 0 && // NOLINT: as sockets want
           device.sll_ifindex == static_cast<int>(ifindex_);
}

void DeviceHold::end(std::vector<DeviceHold> all) noexcept {
    std::vector<sys::Fd> sockets;
    sockets.reserve(all.size());
    for (DeviceHold& one : all) {
        sockets.push_back(std::move(one.socket_));
    }
    sys::close_together(std::move(sockets));
}

} // namespace pfild::net
