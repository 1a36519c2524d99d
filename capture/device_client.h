// SPDX-License-Identifier: BSD-2-Clause
// Who has opened a device: what becomes of its reads, and what poll says of it.
//
// Called by the device, on the device thread; a client calls nothing back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "capture/buffer_memory.h"
#include "core/error.h"

namespace pfild::capture {

/// The client's name for a read that it has asked for.
using ReadId = std::uint64_t;

/// What poll says of a device; it is always writable and never in error (BD-31, BD-32).
struct Readiness {
    bool readable = false;
    bool hangup = false; ///< the interface is gone

    friend bool operator==(const Readiness&, const Readiness&) = default;
};

/// Who has opened a device. The connection implements it (daemon/device); a test's version is a list.
class DeviceClient {
  public:
    DeviceClient() = default;
    DeviceClient(const DeviceClient&) = delete;
    DeviceClient& operator=(const DeviceClient&) = delete;
    virtual ~DeviceClient() = default;

    /// Ends a read with these records, which are valid during the call alone; no bytes only by BD-18. False: they could
    /// not be handed over; the read has ended, the records are kept for the next one (BD-23).
    [[nodiscard]] virtual bool deliver(ReadId read, std::span<const std::uint8_t> records) noexcept = 0;
    /// The same, but they stay where they are, valid and unchanged until the next read or flush.
    [[nodiscard]] virtual bool lend(ReadId read, std::span<const std::uint8_t> records) noexcept = 0;
    /// Memory for both buffers, which deliver() and lend() are given parts of. Nothing: there is none.
    [[nodiscard]] virtual std::unique_ptr<BufferMemory> take_memory(std::size_t bytes) { return private_memory(bytes); }
    /// Ends a read that had waited, with an error.
    virtual void fail(ReadId read, const core::Error& error) = 0;
    /// What poll says has changed. A new device is {readable}: it has no interface yet (BD-30).
    virtual void set_readiness(Readiness readiness) noexcept = 0;
};

} // namespace pfild::capture
