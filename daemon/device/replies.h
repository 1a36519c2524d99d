// SPDX-License-Identifier: BSD-2-Clause
// The outgoing half of a connection. Nothing waits: a client that does not take its answers, or is dead, is found out
// by the first send that fails; from then on nothing is sent any more, and whoever owns the connection ends it. Device
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::device {

class Replies {
  public:
    /// => the socket outlives it.
    explicit Replies(int socket) noexcept : socket_(socket) {}

    /// False: it has not gone. => see send() in message.h.
    bool answer(const pfild_reply& reply, std::span<const std::uint8_t> payload,
                std::optional<int> fd = std::nullopt) noexcept;
    /// Records of a read, in as many messages as it takes. False: not all have gone.
    [[nodiscard]] bool answer_read(pfild_reply reply, std::span<const std::uint8_t> records) noexcept;
    /// The number and the sentence of an error.
    void refuse(pfild_reply reply, const core::Error& error);

    /// A send has failed.
    [[nodiscard]] bool broken() const noexcept { return broken_; }

  private:
    int socket_;
    bool broken_ = false;
};

/// The head of the answer to a request.
[[nodiscard]] inline pfild_reply reply_to(const pfild_request& request) {
    return {
        .id = request.id, .device = request.device, .length = 0, .op = request.op, .flags = 0, .error = 0, .zero = 0};
}

} // namespace pfild::device
