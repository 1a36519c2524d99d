// SPDX-License-Identifier: BSD-2-Clause
// What the administrator wants, as a value. docs/configuration.md is its manual; every key is there with its default.
//
// A file is understood whole or not at all: a key that is not known, a value of another type or out of range, a link to
// a hook that is not there are all mistakes, and a Config exists only of a file without any. Pure: bytecode files are
// read through a function that the caller gives. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "cbpf/instruction.h"
#include "core/error.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "core/odd_packets.h"
#include "core/pfil/head_type.h"
#include "core/pfil/hook.h"
#include "core/pfil/registry.h"
#include "core/unknown_packets.h"
#include "daemon/tc_attach.h"

namespace pfild {

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };
inline constexpr std::array<std::string_view, 5> kLogLevelNames{"trace", "debug", "info", "warning", "error"};
static_assert(static_cast<std::size_t>(LogLevel::error) + 1 == kLogLevelNames.size());

struct InterfaceConfig {
    std::string name;
    core::UnknownPackets unknown = core::UnknownPackets::pass; ///< its own, or else the file's, as the next
    core::HeadMode mode = core::HeadMode::automatic;
    core::HeadPosition position = core::HeadPosition::anywhere;

    friend bool operator==(const InterfaceConfig&, const InterfaceConfig&) = default;
};

struct HookConfig {
    std::string name;
    core::HeadType type = core::HeadType::inet;
    core::OnMatch on_match = core::OnMatch::drop;
    std::optional<std::string> filter;      ///< for listings
    std::vector<cbpf::Instruction> program; ///< it verifies
    core::RunsIn run = core::RunsIn::automatic;

    friend bool operator==(const HookConfig&, const HookConfig&) = default;
};

struct Config {
    LogLevel log_level = LogLevel::info;
    core::UnknownPackets unknown = core::UnknownPackets::pass;
    core::HeadMode mode = core::HeadMode::automatic;
    core::HeadPosition position = core::HeadPosition::anywhere;
    std::uint32_t frames = 32768;
    std::uint32_t flows = 65536;             ///< 0: none are known
    std::uint32_t flow_idle_s = 60;          ///< of flows that are not TCP
    std::uint32_t flow_tcp_idle_s = 300;     ///< of TCP
    std::uint32_t devices = 16;              ///< capture devices that can be open at once
    std::uint32_t capture_ring_kib = 16384;  ///< of the tap's ring, a power of two
    std::uint32_t capture_buffer_kib = 4096; ///< of the largest of a device's two buffers
    core::OddPackets odd_packets;            ///< keys extension_headers and fragments
    TcAttach tc_attach = TcAttach::automatic;
    std::string runtime_dir = "/run/pfild";
    std::vector<InterfaceConfig> interfaces; ///< in the order of the file, as are the next two
    std::vector<HookConfig> hooks;
    std::vector<core::LinkRequest> links;
};

inline constexpr std::uint32_t kMinFrames = 4096;
inline constexpr std::uint32_t kMaxFrames = 1048576;
inline constexpr std::uint32_t kMaxFlows = 4194304;
inline constexpr std::uint32_t kMaxFlowIdle = 86400; ///< seconds
inline constexpr std::uint32_t kMaxDevices = 1024;
inline constexpr std::uint32_t kMinCaptureRing = 128; ///< KiB: the longest record has 64
inline constexpr std::uint32_t kMaxCaptureRing = 1048576;
inline constexpr std::uint32_t kMinCaptureBuffer = 4;     ///< KiB
inline constexpr std::uint32_t kMaxCaptureBuffer = 16384; ///< KiB

/// One thing that is wrong with a file.
struct ConfigMistake {
    std::string file;
    std::uint32_t line = 0;   ///< from 1; 0: the file as a whole
    std::uint32_t column = 0; ///< from 1, in characters
    std::string key;          ///< "hook[1].type"; may be empty
    std::string reason;

    /// `FILE:LINE:COLUMN: KEY: REASON`
    [[nodiscard]] std::string text() const;
};

template <typename T>
using ConfigResult = tl::expected<T, std::vector<ConfigMistake>>;

/// The content of a file.
using FileReader = std::function<core::Result<std::string>(const std::string& path)>;

/// `file` is for messages, and its folder is where relative names of bytecode files begin.
[[nodiscard]] ConfigResult<Config> parse_config(std::string_view text, const std::string& file, const FileReader& read);

/// Reads from the disk. Files larger than 16 MiB are refused.
[[nodiscard]] core::Result<std::string> read_file(const std::string& path);
[[nodiscard]] ConfigResult<Config> load_config(const std::string& file);

} // namespace pfild
