// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/packets.h.
#include "daemon/guard/packets.h"

#include <algorithm>
#include <array>

#include "pfild/packet.h"

namespace pfild::guard {
namespace {

using Bytes = std::vector<std::uint8_t>;
using core::Direction;

constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kPush = 0x08;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint32_t kTimestamps = 12; ///< the option, padded
constexpr std::uint32_t kLongestIp = 9000;

struct Segment {
    std::string_view what;
    Direction direction;
    std::uint8_t flags;
    std::uint32_t payload; ///< bytes
    bool another;          ///< of another connection of the same peer
    std::uint8_t traffic = 0;
};

void put16(Bytes& bytes, std::uint32_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

void put(Bytes& bytes, const auto& range, std::size_t count) {
    bytes.insert(bytes.end(), range.begin(), range.begin() + static_cast<std::ptrdiff_t>(count));
}

void put_link(Bytes& bytes, const Way& way, Direction direction, bool inet) {
    const bool in = direction == Direction::kIn;
    put(bytes, in ? way.local : way.remote, 6);
    put(bytes, in ? way.remote : way.local, 6);
    for (const std::uint16_t vlan : way.vlans) {
        put16(bytes, PFILD_ETH_VLAN);
        put16(bytes, vlan);
    }
    put16(bytes, inet ? PFILD_ETH_INET : PFILD_ETH_INET6);
}

void put_ip(Bytes& bytes, const Address& from, const Address& to, std::uint8_t traffic, std::uint32_t payload) {
    if (from.inet) {
        bytes.insert(bytes.end(), {0x45, traffic});
        put16(bytes, PFILD_INET_HEADER + payload);
        bytes.insert(bytes.end(), {0, 1, 0x40, 0, 64, PFILD_TCP, 0, 0}); // not to be fragmented
    } else {
        const std::uint32_t label = 0x12345; // Linux gives each flow one
        put16(bytes, 0x6000U | std::uint32_t{traffic} << 4U | label >> 16U);
        put16(bytes, label);
        put16(bytes, payload);
        bytes.insert(bytes.end(), {PFILD_TCP, 64});
    }
    put(bytes, from.bytes, from.size());
    put(bytes, to.bytes, to.size());
}

void put_tcp(Bytes& bytes, std::uint16_t from, std::uint16_t to, std::uint8_t flags) {
    put16(bytes, from);
    put16(bytes, to);
    put16(bytes, 0x1000); // sequence number
    put16(bytes, 1);
    const std::uint32_t acknowledged = (flags & kAck) != 0 ? 1 : 0;
    put16(bytes, 0);
    put16(bytes, acknowledged);
    const bool opens = (flags & kSyn) != 0;
    const std::uint32_t options = opens ? 20 : kTimestamps;
    bytes.push_back(static_cast<std::uint8_t>((kTcpHeader + options) / 4 << 4U));
    bytes.push_back(flags);
    put16(bytes, 0xfaf0); // window
    put16(bytes, 0);
    put16(bytes, 0);
    if (opens) { // the longest segment, selective acknowledgements, timestamps, the window's scale
        bytes.insert(bytes.end(), {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7});
    } else {
        bytes.insert(bytes.end(), {1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 1});
    }
}

/// A port that is not that of the connection: most likely as high, so that rules for ranges say the same of it.
std::uint16_t another_port(std::uint16_t port) { return static_cast<std::uint16_t>(port ^ 1U); }

Packet packet_of(const Segment& segment, const Connection& connection, const Way& way) {
    const bool in = segment.direction == Direction::kIn;
    const Address& from = in ? connection.remote : connection.local;
    const Address& to = in ? connection.local : connection.remote;
    const std::uint16_t peer = segment.another ? another_port(connection.remote_port) : connection.remote_port;
    Packet packet{segment.what, segment.direction, {}};
    put_link(packet.bytes, way, segment.direction, from.inet);
    const std::uint32_t options = (segment.flags & kSyn) != 0 ? 20 : kTimestamps;
    put_ip(packet.bytes, from, to, segment.traffic, kTcpHeader + options + segment.payload);
    put_tcp(packet.bytes, in ? peer : connection.local_port, in ? connection.local_port : peer, segment.flags);
    packet.bytes.resize(packet.bytes.size() + segment.payload, 'x');
    return packet;
}

} // namespace

std::vector<Packet> packets_for(const Watched& watched, const Way& way) {
    constexpr std::string_view kNext = "its next segment";
    constexpr std::uint32_t kShort = 36; ///< a key typed over SSH
    const std::uint32_t header = (watched.connection.local.inet ? PFILD_INET_HEADER : PFILD_INET6_HEADER) + kTcpHeader;
    const std::uint32_t ip = std::clamp(way.mtu, header + kTimestamps + kShort, kLongestIp);
    const std::uint32_t longest = ip - header - kTimestamps;
    std::vector<Segment> segments;
    const std::uint8_t traffic = watched.connection.traffic;
    const auto put_next = [&](Direction direction, std::uint8_t with) {
        segments.push_back({kNext, direction, kPush | kAck, kShort, false, with});
        segments.push_back({kNext, direction, kAck, 0, false, with});
        segments.push_back({kNext, direction, kAck, longest, false, with});
    };
    put_next(Direction::kIn, 0);
    if (traffic != 0) { // the peer's is most likely the same
        put_next(Direction::kIn, traffic);
    }
    put_next(Direction::kOut, traffic);
    if (watched.accepted) {
        segments.push_back({"a new one from the same peer", Direction::kIn, kSyn, 0, true});
        segments.push_back({"the answer to a new one from the same peer", Direction::kOut, kSyn | kAck, 0, true});
    }
    std::erase_if(segments, [&](const Segment& segment) { return !way.directions.has(segment.direction); });
    std::vector<Packet> packets;
    packets.reserve(segments.size());
    for (const Segment& segment : segments) {
        packets.push_back(packet_of(segment, watched.connection, way));
    }
    return packets;
}

} // namespace pfild::guard
