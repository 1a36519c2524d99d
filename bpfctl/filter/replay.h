// SPDX-License-Identifier: BSD-2-Clause
// A program over all packets of a file.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "bpfctl/filter/index_ranges.h"
#include "cbpf/machine.h"
#include "core/error.h"
#include "filter/packet_file.h"

namespace pfild::bpfctl {

/// How packets are given to a machine.
enum class ReplayEngine : std::uint8_t {
    kInterpreter, ///< one by one to the interpreter
    kNative,      ///< one by one to native code
    kBatch,       ///< to native code, 64 in a call
};
inline constexpr std::array<std::string_view, 3> kReplayEngineNames{"interpreter", "native", "batch"};
static_assert(static_cast<std::size_t>(ReplayEngine::kBatch) + 1 == kReplayEngineNames.size());

struct Replayed {
    std::uint64_t packets = 0;
    IndexRanges matches; ///< counted from 1
};

/// The error of a file that is damaged.
[[nodiscard]] core::Result<Replayed> replay(filter::PacketFile& file, const cbpf::Machine& machine,
                                            ReplayEngine engine);

} // namespace pfild::bpfctl
