// SPDX-License-Identifier: BSD-2-Clause
// What a device of capture says to the program that has opened it: answers to reads over the connection, readiness
// over the descriptor that came with OPEN. Device thread.
#pragma once

#include "capture/device_table.h"
#include "daemon/device/readiness.h"
#include "daemon/device/replies.h"
#include "daemon/sys/fd.h"

namespace pfild::device {

class Client final : public capture::DeviceClient {
  public:
    /// => `replies` outlives it.
    Client(Replies& replies, ReadinessEnd readiness) noexcept : replies_(replies), readiness_(std::move(readiness)) {}

    /// Once, when the device has one. => before any read.
    void set_number(capture::DeviceNumber number) noexcept { number_ = number; }
    /// It is opened for another program, which listings show, whoever sends the requests.
    void set_opened_for_another() noexcept { for_another_ = true; }
    [[nodiscard]] bool opened_for_another() const noexcept { return for_another_; }
    [[nodiscard]] int far_end() const noexcept { return readiness_.far_end(); }
    /// The memory of both buffers; -1: it is not shared. => the device has an interface.
    [[nodiscard]] int memory() const noexcept { return descriptor_.get(); }
    /// The program knows where they are: records can be lent to it.
    void set_sharing() noexcept { sharing_ = true; }
    /// The program is done with the device, or gone; its memory goes although it may keep the descriptor. => before the
    /// device is closed.
    void withdraw_memory() noexcept;
    [[nodiscard]] bool sharing() const noexcept { return sharing_; }

    [[nodiscard]] bool deliver(capture::ReadId read, std::span<const std::uint8_t> records) noexcept override;
    [[nodiscard]] bool lend(capture::ReadId read, std::span<const std::uint8_t> records) noexcept override;
    [[nodiscard]] std::unique_ptr<capture::BufferMemory> take_memory(std::size_t bytes) override;
    void fail(capture::ReadId read, const core::Error& error) override;
    void set_readiness(capture::Readiness readiness) noexcept override { readiness_.show(readiness); }

  private:
    [[nodiscard]] pfild_reply reply_to_read(capture::ReadId read) const noexcept;

    Replies& replies_;
    ReadinessEnd readiness_;
    capture::DeviceNumber number_ = 0;
    sys::Fd descriptor_;             ///< of the buffers' memory
    std::span<std::uint8_t> memory_; ///< where that is here; nothing: it is not shared
    bool sharing_ = false;
    bool for_another_ = false;
};

} // namespace pfild::device
