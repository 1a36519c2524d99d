// SPDX-License-Identifier: BSD-2-Clause
// What a device of core/capture says to the program that has opened it: answers to reads over the connection, readiness
// over the descriptor that came with OPEN. Device thread.
#pragma once

#include "core/capture/device_table.h"
#include "daemon/device/readiness.h"
#include "daemon/device/replies.h"

namespace pfild::device {

class Client final : public core::DeviceClient {
  public:
    /// => `replies` outlives it.
    Client(Replies& replies, ReadinessEnd readiness) noexcept : replies_(replies), readiness_(std::move(readiness)) {}

    /// Once, when the device has one. => before any read.
    void set_number(core::DeviceNumber number) noexcept { number_ = number; }
    [[nodiscard]] int far_end() const noexcept { return readiness_.far_end(); }

    [[nodiscard]] bool deliver(core::ReadId read, std::span<const std::uint8_t> records) noexcept override;
    void fail(core::ReadId read, const core::Error& error) override;
    void set_readiness(core::Readiness readiness) noexcept override { readiness_.show(readiness); }

  private:
    [[nodiscard]] pfild_reply reply_to_read(core::ReadId read) const noexcept;

    Replies& replies_;
    ReadinessEnd readiness_;
    core::DeviceNumber number_ = 0;
};

} // namespace pfild::device
