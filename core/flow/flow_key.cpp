// SPDX-License-Identifier: BSD-2-Clause
#include "core/flow/flow_key.h"

#include <algorithm>

#include "pfild/flow_key.h"

namespace pfild::core {
namespace {

void append(std::vector<std::uint8_t>& bytes, const auto& value) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), first, first + sizeof(value));
}

} // namespace

std::optional<FlowKey> read_flow_key(const Frame& frame, std::uint32_t ifindex, Direction direction) {
    const std::span<const std::uint8_t> head = frame.head();
    const std::size_t length = std::min<std::size_t>(head.size(), PFILD_FLOW_LOOK);
    FlowKey key{};
    key.ifindex = ifindex;
    if (pfild_read_flow_key(&key, head.data(), head.data() + length, direction == Direction::kOut ? 1 : 0) == 0) {
        return std::nullopt;
    }
    return key;
}

bool opens_connection(const PacketView& view) {
    constexpr std::uint8_t kSyn = 0x02;
    constexpr std::uint8_t kFinRstAck = 0x15;
    return view.read.protocol == PFILD_TCP && (view.read.tcp_flags & (kSyn | kFinRstAck)) == kSyn;
}

std::vector<std::uint8_t> representative(const FlowKey& key, Direction direction) {
    const bool out = direction == Direction::kOut;
    const auto& source = out ? key.local : key.remote;
    const auto& destination = out ? key.remote : key.local;
    const pfild_ports ports{out ? key.local_port : key.remote_port, out ? key.remote_port : key.local_port};

    std::vector<std::uint8_t> bytes(12); // addresses are not in the key
    for (std::size_t i = key.tags; i-- > 0;) {
        append(bytes, key.tag[i]);
    }
    append(bytes, PFILD_BE16(key.family == 4 ? PFILD_ETH_INET : PFILD_ETH_INET6));
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
