// SPDX-License-Identifier: BSD-2-Clause
// The settings of an instance: what is not an interface, a hook or a link. docs/configuration.md is their manual.
//
// A setting that an interface can have itself (fail mode, mode, position) stands here for the interfaces that do not
// say. Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/tc_attach.h"
#include "core/fail_mode.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "core/odd_packets.h"

namespace pfild::config {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError };
inline constexpr std::array<std::string_view, 5> kLogLevelNames{"trace", "debug", "info", "warning", "error"};
static_assert(static_cast<std::size_t>(LogLevel::kError) + 1 == kLogLevelNames.size());

struct Settings {
    LogLevel log_level = LogLevel::kInfo;
    core::FailMode unknown = core::FailMode::kPass;
    core::FailMode silent = core::FailMode::kDrop;
    core::HeadMode mode = core::HeadMode::kAutomatic;
    core::HeadPosition position = core::HeadPosition::kAnywhere;
    bool strict = false;                     ///< of interfaces, as these
    std::uint32_t buffers = 32768;           ///< of packet memory, 4096 bytes each
    std::uint32_t flows = 65536;             ///< 0: none are known
    std::uint32_t flow_idle_s = 60;          ///< of flows that are not TCP
    std::uint32_t flow_tcp_idle_s = 300;     ///< of TCP
    std::uint32_t devices = 16;              ///< capture devices that can be open at once
    std::uint32_t capture_ring_kib = 16384;  ///< of the tap's ring, a power of two
    std::uint32_t capture_buffer_kib = 4096; ///< of the largest of a device's two buffers
    core::ExtensionHeaders extension_headers = core::ExtensionHeaders::kWalk;
    core::Fragments fragments = core::Fragments::kPass;
    TcAttach tc_attach = TcAttach::kAutomatic;
    std::vector<std::uint16_t> guard_ports{22, 9090}; ///< of TCP, by which the host is administered
    std::string runtime_dir = "/run/pfild";           ///< what an instance leaves for its successor of the same boot
    std::string state_dir = "/var/lib/pfild";         ///< what outlives the boot

    friend bool operator==(const Settings&, const Settings&) = default;
};

inline constexpr std::uint32_t kMinBuffers = 4096;
inline constexpr std::uint32_t kMaxBuffers = 1048576;
inline constexpr std::uint32_t kMaxFlows = 4194304;
inline constexpr std::uint32_t kMaxFlowIdle = 86400; ///< seconds
inline constexpr std::uint32_t kMaxDevices = 1024;
inline constexpr std::uint32_t kMinCaptureRing = 128; ///< KiB: the longest record has 64
inline constexpr std::uint32_t kMaxCaptureRing = 1048576;
inline constexpr std::uint32_t kMinCaptureBuffer = 4;     ///< KiB
inline constexpr std::uint32_t kMaxCaptureBuffer = 16384; ///< KiB

} // namespace pfild::config
