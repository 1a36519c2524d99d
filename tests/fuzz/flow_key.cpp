// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a frame through the reader of keys, which runs in heads and engine: it stays inside, fills nothing that
// it should not, and means the same connection whichever way the packet goes.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "pfild/flow_key.h"

namespace {

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    // A copy of its own, at 2 modulo 4, so that a byte read behind the end is seen.
    const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[size + 2]); // NOLINT(modernize-avoid-c-arrays)
    std::uint8_t* frame = memory.get() + 2;
    if (size != 0) {
        std::memcpy(frame, data, size);
    }
    pfild_flow_key in{};
    pfild_flow_key out{};
    const std::uint32_t canonical = pfild_read_flow_key(&in, frame, frame + size, 0);
    demand(pfild_read_flow_key(&out, frame, frame + size, 1) == canonical);
    if (canonical == 0) {
        return 0;
    }
    demand(in.family == 4 || in.family == 6);
    demand(in.tags <= PFILD_MAX_TAGS && in.pad == 0 && in.ifindex == 0);
    demand(pfild_has_ports(in.protocol) != 0 || (in.remote_port == 0 && in.local_port == 0));
    demand(std::memcmp(in.remote, out.local, sizeof(in.remote)) == 0);
    demand(std::memcmp(in.local, out.remote, sizeof(in.local)) == 0);
    demand(in.remote_port == out.local_port && in.local_port == out.remote_port);
    for (std::size_t i = in.tags; i < PFILD_MAX_TAGS; i++) {
        demand(in.tag[i].type == 0 && in.tag[i].tci == 0);
    }
    for (std::size_t i = in.family == 4 ? 1 : 4; i < 4; i++) {
        demand(in.remote[i] == 0 && in.local[i] == 0);
    }
    return 0;
}
