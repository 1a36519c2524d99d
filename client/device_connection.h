// SPDX-License-Identifier: BSD-2-Clause
// A connection to the device socket: requests out, answers in, one message each (pfild/wire.h).
//
//     send()     | pfild_request | payload |        ->  bpf.sock
//     receive()  | pfild_reply   | payload |  + fd  <-
//
// What comes in is checked as far as one message can be (device_message.h). Whether it answers what was asked is for
// the caller to judge, who says give_up() if it does not. After a malformed message, a time limit that passed or the
// end of the connection nothing is sent or received any more: every call fails with the first reason.
//
// Owns the socket and the bytes of the last answer. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/descriptor.h"
#include "client/device_message.h"
#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::client {

/// How long the daemon may take to accept a connection, a request, or to answer one that it need not wait for.
inline constexpr std::chrono::milliseconds kAnswerLimit{10'000};

/// How long receive() waits.
struct Patience {
    std::optional<std::chrono::milliseconds> limit = kAnswerLimit; ///< nothing: for ever
    int wake = -1; ///< a descriptor: when it becomes readable, the waiting ends with EINTR; negative: none
};

class DeviceConnection {
  public:
    /// ENOENT, ECONNREFUSED, EACCES and what else connect(2) says; EAGAIN if the connection is not accepted in time.
    [[nodiscard]] static core::Result<DeviceConnection> connect(const std::string& path,
                                                                std::chrono::milliseconds limit = kAnswerLimit);
    /// Takes over a connected SOCK_SEQPACKET socket. `name` is for errors.
    [[nodiscard]] static DeviceConnection adopt(Descriptor socket, std::string name,
                                                std::chrono::milliseconds limit = kAnswerLimit);

    /// Sends a request and returns its id, which is never 0 and not used again for long. EMSGSIZE: the payload is
    /// longer than the protocol allows. ETIMEDOUT and others: the connection has ended. That the daemon has closed it,
    /// receive() says, as there may be a last answer.
    [[nodiscard]] core::Result<std::uint32_t> send(pfild_op op, std::uint32_t device,
                                                   std::span<const std::uint8_t> payload);

    /// The next answer. EINTR: see Patience, the connection goes on. EPROTO: it was malformed. ETIMEDOUT: none in time.
    /// EPIPE: the daemon closed the connection, and all that it said before has been received. => not kept beyond the
    /// next receive().
    [[nodiscard]] core::Result<Reply> receive(const Patience& patience);

    /// Ends the connection, because an answer made no sense, and returns the error that says so: EPROTO.
    core::Error give_up(std::string why);

    /// False once the connection has ended, whoever ended it.
    [[nodiscard]] bool connected() const noexcept { return !ended_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::chrono::milliseconds limit() const noexcept { return limit_; }

  private:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;

    DeviceConnection(Descriptor socket, std::string name, std::chrono::milliseconds limit)
        : socket_(std::move(socket)), name_(std::move(name)), limit_(limit) {}

    core::Error end(std::string why, int code);
    [[nodiscard]] core::Result<void> wait(short events, Deadline deadline, int wake);

    Descriptor socket_;
    std::string name_;
    std::chrono::milliseconds limit_;
    std::uint32_t last_id_ = 0;
    std::optional<core::Error> ended_;
    std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(PFILD_WIRE_REPLY_MAX); ///< of the last answer
};

} // namespace pfild::client
