// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a frame through the reader of packets: it stays inside, and what it says holds together. The key's
// reader knows a packet only where this one finds nothing odd, and both find the same ports.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "pfild/flow_key.h"
#include "pfild/upper_layer.h"

namespace {

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void demand_chain(const pfild_packet& packet, std::uint32_t size) {
    demand(packet.transport >= packet.network + (packet.family == 4 ? 0 : PFILD_INET6_HEADER));
    demand(packet.family == 6 || (packet.extensions == 0 && packet.foldable == 0));
    demand(packet.extensions <= PFILD_MOST_EXTENSIONS && packet.foldable <= PFILD_MOST_EXTENSION_BYTES);
    demand(packet.foldable % 4 == 0);
    if (packet.oddity != PFILD_ODD_EXTENSIONS && packet.family == 6) {
        demand(packet.network + PFILD_INET6_HEADER + packet.foldable <= packet.transport);
        demand(packet.transport <= size);
        demand(packet.fragment != 0 || pfild_is_extension(packet.protocol) == 0);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    // A copy of its own, so that a byte read behind the end is seen.
    const std::unique_ptr<std::uint8_t[]> frame(new std::uint8_t[size]); // NOLINT(modernize-avoid-c-arrays)
    if (size != 0) {
        std::memcpy(frame.get(), data, size);
    }
    const std::uint8_t* end = frame.get() + size;
    const auto length = static_cast<std::uint32_t>(size);
    pfild_packet packet{};
    const std::uint8_t* at = pfild_read_link(&packet, frame.get(), end, 1);
    pfild_flow_key key{};
    const bool canonical = pfild_read_flow_key(&key, frame.get(), end, 0) != 0;
    if (at == nullptr) {
        demand(size < PFILD_ETHERNET_HEADER && !canonical);
        return 0;
    }
    demand(packet.network == PFILD_ETHERNET_HEADER + PFILD_TAG_LENGTH * (packet.tags + packet.transparent));
    demand(packet.network <= size && packet.tags <= PFILD_MAX_TAGS);
    pfild_read_network(&packet, at, end, length - packet.network);
    if (packet.family != 0) {
        demand_chain(packet, length);
    }
    if (canonical) {
        demand(packet.family == key.family && packet.protocol == key.protocol && packet.extensions == 0);
        demand(packet.oddity == PFILD_NOT_ODD && packet.fragment == 0 && packet.more == 0);
        demand(packet.tags + packet.transparent == key.tags);
        demand(packet.has_ports == 0 ||
               (packet.source_port == key.remote_port && packet.destination_port == key.local_port));
    }
    return 0;
}
