// SPDX-License-Identifier: BSD-2-Clause
// Where captured packets go: a file, a viewer, lines of text. All in one order:
//
//     put() ... put() flush()   put() ... flush()   finish()
//
// A packet has a source: the number of the device that it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "client/record_reader.h"
#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::bpfctl {

/// What the device of each source has counted; nothing if it could not be asked.
using Counted = std::span<const std::optional<pfild_stats>>;

class PacketSink {
  public:
    PacketSink() = default;
    PacketSink(const PacketSink&) = delete;
    PacketSink& operator=(const PacketSink&) = delete;
    virtual ~PacketSink() = default;

    [[nodiscard]] virtual core::Result<void> put(const client::Record& packet, std::size_t source) = 0;
    /// No packet is there just now: those that are can be seen.
    [[nodiscard]] virtual core::Result<void> flush() = 0;
    /// The last call; also after a failure.
    [[nodiscard]] virtual core::Result<void> finish(Counted counted) = 0;
    /// Bytes that it has taken, if they are a file's.
    [[nodiscard]] virtual std::uint64_t size() const { return 0; }
    /// No more packets are wanted.
    [[nodiscard]] virtual bool is_full() const { return false; }
    /// Of so many that were put, those that have got there.
    [[nodiscard]] virtual std::uint64_t kept(std::uint64_t put) const { return put; }
};

} // namespace pfild::bpfctl
