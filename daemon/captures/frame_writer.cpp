// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/captures/frame_writer.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/net/link_type.h"
#include "daemon/sys/failure.h"

namespace pfild::captures {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Address = std::array<std::uint8_t, ETH_ALEN>;

constexpr std::size_t kSource = ETH_ALEN; ///< where it is in an Ethernet header
constexpr std::size_t kType = std::size_t{2} * ETH_ALEN;
constexpr unsigned kVersionShift = 4; ///< of the first byte of an IP packet
constexpr unsigned kVersion6 = 6;

/// The protocol that the kernel is told, in network byte order. => an Ethernet header is there whole.
std::uint16_t protocol_of(const capture::WrittenFrame& frame) {
    if (frame.data_link != net::kLinkTypeEthernet) {
        return htons(frame.bytes.front() >> kVersionShift == kVersion6 ? ETH_P_IPV6 : ETH_P_IP);
    }
    std::uint16_t type = 0;
    std::memcpy(&type, frame.bytes.data() + kType, sizeof type);
    return ntohs(type) >= ETH_P_802_3_MIN ? type : htons(ETH_P_802_2);
}

/// Of an interface; the kernel has no call that asks for it by index.
std::optional<Address> own_address(int socket, std::uint32_t ifindex) {
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(ifindex);
    if (::ioctl(socket, SIOCGIFNAME, &request) != 0 || ::ioctl(socket, SIOCGIFHWADDR, &request) != 0) {
        return std::nullopt;
    }
    Address address{};
    std::memcpy(address.data(), request.ifr_hwaddr.sa_data, address.size());
    return address;
}

core::Error failure(int code) {
    switch (code) {
    case EMSGSIZE:
        return {"write", "", "longer than the interface sends", "write less, or raise its MTU", code};
    case ENETDOWN:
        return {"write", "", "the interface is down", "set it up", code};
    case EAGAIN: // the socket's own memory is full of what the interface has not sent yet
    case ENOBUFS:
        return {"write", "", "the queue of the interface is full", "write again later", ENOBUFS};
    default:
        return {"write", "", std::strerror(code), "", code};
    }
}

/// It receives nothing: its protocol is 0.
core::Result<sys::Fd> packet_socket() {
    sys::Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
        return sys::failed("open", "a packet socket", errno);
    }
    return socket;
}

// NOLINTNEXTLINE(*-const-cast): sendmsg only reads
iovec part(Bytes bytes) { return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()}; }

/// False: errno says why not.
bool send(int socket, std::uint32_t ifindex, std::uint16_t protocol, std::span<iovec> parts) {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(ifindex);
    to.sll_protocol = protocol;
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

} // namespace

core::Result<FrameWriter> FrameWriter::open(const sys::NetNs& engine) {
    auto out = packet_socket();
    if (!out) {
        return core::fail(std::move(out.error()));
    }
    auto in = within(engine, packet_socket);
    if (!in) {
        return core::fail(std::move(in.error()));
    }
    return FrameWriter(std::move(*out), std::move(*in));
}

core::Result<void> FrameWriter::write(std::uint32_t ifindex, std::uint32_t way_in,
                                      const capture::WrittenFrame& frame) const {
    const bool ethernet = frame.data_link == net::kLinkTypeEthernet;
    if (frame.feedback && (way_in == 0 || !ethernet)) {
        return core::fail({"write", "", "what is written cannot come in as well where packets are only tapped",
                           "attach the interface, or set no feedback", EOPNOTSUPP});
    }
    const Bytes bytes = frame.bytes;
    std::optional<Address> source;
    if (!frame.source_too && ethernet) {
        source = own_address(out_.get(), ifindex);
        if (!source) {
            return core::fail(failure(errno == ENODEV ? ENXIO : errno));
        }
    }
    std::array<iovec, 3> parts{part(bytes)};
    if (source) {
        parts = {part(bytes.first(kSource)), part(*source), part(bytes.subspan(kType))};
    }
    const std::uint16_t protocol = protocol_of(frame);
    if (!send(out_.get(), ifindex, protocol, std::span(parts).first(source ? parts.size() : 1))) {
        return core::fail(failure(errno));
    }
    if (frame.feedback) { // as it was written; one that finds no room is lost, as on any way in
        parts.front() = part(bytes);
        (void)send(in_.get(), way_in, protocol, std::span(parts).first(1));
    }
    return {};
}

} // namespace pfild::captures
