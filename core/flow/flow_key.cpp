// SPDX-License-Identifier: BSD-2-Clause
#include "core/flow/flow_key.h"

#include <algorithm>
#include <array>

#include "pfild/flow_key.h"

namespace pfild::core {
namespace {

void append(std::vector<std::uint8_t>& bytes, const auto& value) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), first, first + sizeof(value));
}

constexpr std::uint16_t kInet = 0x0800;
constexpr std::uint16_t kInet6 = 0x86dd;

} // namespace

std::optional<FlowKey> read_flow_key(const Frame& frame, std::uint32_t ifindex, Direction direction) {
    // Words of the network header are read as words: the copy puts them where that may be done on every machine.
    constexpr std::size_t kAlign = 2;
    alignas(4) std::array<std::uint8_t, kAlign + PFILD_FLOW_LOOK> copy;
    const std::span<const std::uint8_t> head = frame.head();
    const std::size_t length = std::min<std::size_t>(head.size(), PFILD_FLOW_LOOK);
    std::copy_n(head.begin(), length, copy.begin() + kAlign);
    FlowKey key{};
    key.ifindex = ifindex;
    const std::uint8_t* start = copy.data() + kAlign;
    if (pfild_read_flow_key(&key, start, start + length, direction == Direction::out ? 1 : 0) == 0) {
        return std::nullopt;
    }
    return key;
}

bool opens_connection(const Frame& frame, const FlowKey& key) {
    constexpr std::uint8_t kTcp = 6;
    constexpr std::size_t kFlags = 13;
    constexpr std::uint8_t kSyn = 0x02;
    constexpr std::uint8_t kFinRstAck = 0x15;
    const std::span<const std::uint8_t> head = frame.head();
    std::size_t transport = sizeof(pfild_ethernet) + key.tags * sizeof(pfild_inband_tag);
    if (key.protocol != kTcp || head.size() <= transport) {
        return false;
    }
    transport += key.family == 4 ? std::size_t{4} * (head[transport] & 15U) : sizeof(pfild_inet6);
    return head.size() > transport + kFlags && (head[transport + kFlags] & (kSyn | kFinRstAck)) == kSyn;
}

std::vector<std::uint8_t> representative(const FlowKey& key, Direction direction) {
    const bool out = direction == Direction::out;
    const auto& source = out ? key.local : key.remote;
    const auto& destination = out ? key.remote : key.local;
    const pfild_ports ports{out ? key.local_port : key.remote_port, out ? key.remote_port : key.local_port};

    std::vector<std::uint8_t> bytes(12); // addresses are not in the key
    for (std::size_t i = key.tags; i-- > 0;) {
        append(bytes, key.tag[i]);
    }
    append(bytes, PFILD_BE16(key.family == 4 ? kInet : kInet6));
    if (key.family == 4) {
        pfild_inet header{};
        header.version_length = 0x45;
        header.total_length = PFILD_BE16(sizeof(header) + sizeof(ports));
        header.protocol = key.protocol;
        header.source = source[0];
        header.destination = destination[0];
        append(bytes, header);
    } else {
        pfild_inet6 header{};
        header.version_class = PFILD_BE16(0x6000);
        header.payload_length = PFILD_BE16(sizeof(ports));
        header.next_header = key.protocol;
        std::copy_n(source, 4, header.source);
        std::copy_n(destination, 4, header.destination);
        append(bytes, header);
    }
    append(bytes, ports);
    return bytes;
}

} // namespace pfild::core
