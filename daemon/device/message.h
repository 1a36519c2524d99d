// SPDX-License-Identifier: BSD-2-Clause
// One message of a SOCK_SEQPACKET socket, in or out, with what the kernel says of it. Nothing here waits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <sys/socket.h>

#include "pfild/wire.h"

namespace pfild::device {

/// A message that has come; `bytes` are in the buffer that it was received into.
struct Message {
    std::span<const std::uint8_t> bytes;
    ucred sender{};     ///< by the kernel: the process that has sent this message (SO_PASSCRED)
    bool whole = false; ///< false: it was longer than the buffer, or had descriptors with it
};

enum class Came : std::uint8_t { kMessage, kNothing, kEnd };

/// end: the other side has closed, or the socket is broken. Descriptors that come with a message never get into this
/// process: there is no room for them where the kernel would write their numbers, so it closes them.
/// => SO_PASSCRED is set.
[[nodiscard]] Came receive(int socket, std::span<std::uint8_t> buffer, Message& message) noexcept;

/// Takes no more messages, and throws away those that have come, also empty ones. To be done before a socket is closed:
/// of one that has unread messages, the kernel tells the other side ECONNRESET before it gives it the last answers. Who
/// sends from now on gets EPIPE, and has what was sent to him before.
/// => SO_PASSCRED is set.
void hear_no_more(int socket) noexcept;

/// Sends a reply with `payload` behind it and a descriptor, if `fd` has one. False: it has not gone, because the other
/// side does not take its messages or is no more. => the payload is no longer than PFILD_WIRE_REPLY_MAX allows.
[[nodiscard]] bool send(int socket, pfild_reply reply, std::span<const std::uint8_t> payload,
                        std::optional<int> fd = std::nullopt) noexcept;

} // namespace pfild::device
