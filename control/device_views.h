// SPDX-License-Identifier: BSD-2-Clause
// What the daemon shows of bpf devices. See control/views.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/device.h"
#include "capture/device_counts.h"
#include "core/direction.h"
#include "describe/shape.h"

namespace pfild::control {

/// One open bpf device.
struct DeviceView {
    std::uint32_t number = 0;
    std::uint32_t pid = 0; ///< who has used it last
    std::uint32_t uid = 0; ///< who has opened it
    std::string interface;
    capture::DeviceState state = capture::DeviceState::kUnattached;
    std::uint32_t buffer_size = 0;
    bool promiscuous = false;
    bool immediate = false;
    bool header_complete = false;
    bool nonblocking = false;
    core::Directions directions;
    bool waits = false; ///< a read does
    capture::DeviceCounts counts;
    std::uint64_t buffered = 0;
};

/// Open bpf devices (net.bpf.peers), and where the packets of all that there are or ever were went (net.bpf.stats).
struct PeersView {
    std::uint64_t count = 0;
    std::vector<DeviceView> devices;
    capture::DeviceCounts totals;
};

/// The variables net.bpf of sysctl(8).
struct SysctlView {
    std::uint32_t maxbufsize = 0; ///< bytes
    std::uint32_t bufsize = 0;    ///< bytes
    std::uint32_t maxinsns = 0;
    capture::DeviceCounts stats;
    std::vector<DeviceView> peers; ///< those that the asker may see
};

void describe(describe::Fields& fields, DeviceView& view);
void describe(describe::Fields& fields, PeersView& view);
void describe(describe::Fields& fields, SysctlView& view);

} // namespace pfild::control
