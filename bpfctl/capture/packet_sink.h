// SPDX-License-Identifier: BSD-2-Clause
// Where captured packets go: a file, a viewer, lines of text. All in one order:
//
//     put() ... put() flush()   put() ... flush()   finish()
#pragma once

#include <cstdint>

#include "client/record_reader.h"
#include "core/error.h"

namespace pfild::bpfctl {

class PacketSink {
  public:
    PacketSink() = default;
    PacketSink(const PacketSink&) = delete;
    PacketSink& operator=(const PacketSink&) = delete;
    virtual ~PacketSink() = default;

    [[nodiscard]] virtual core::Result<void> put(const client::Record& packet) = 0;
    /// No packet is there just now: those that are can be seen.
    [[nodiscard]] virtual core::Result<void> flush() = 0;
    /// The last call; also after a failure.
    [[nodiscard]] virtual core::Result<void> finish() = 0;
    /// Of so many that were put, those that have got there.
    [[nodiscard]] virtual std::uint64_t kept(std::uint64_t put) const { return put; }
};

} // namespace pfild::bpfctl
