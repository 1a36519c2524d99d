// SPDX-License-Identifier: BSD-2-Clause
// One client of the control socket: bytes in, lines out, never waiting for it. Memory is bounded: at most one request
// is buffered, and nothing is read or answered while an earlier answer has not been taken.
//
//     socket -> input (<= kMaxRequestBytes + one read) -> a line -> answer -> output -> socket
//        \_ one descriptor, until a request takes it; every other one is closed as it comes
//
// Control thread. Owned by the Server, which does what the Fate says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>

#include "core/error.h"
#include "daemon/api/dispatcher.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/slow_close.h"

namespace pfild::api {

using Answerer = std::function<std::string(const Question& question)>;

class Connection {
  public:
    enum class Fate : std::uint8_t {
        kReading, ///< waits for more of a request
        kWriting, ///< waits until the peer takes its answer
        kDone,    ///< to be closed
    };

    /// `socket` is a non-blocking stream. => `answer` and `slow_close` outlive it.
    Connection(sys::Fd socket, control::Peer peer, const Answerer& answer, sys::SlowClose& slow_close) noexcept
        : socket_(std::move(socket)), peer_(peer), answer_(answer), slow_close_(slow_close) {}

    [[nodiscard]] const control::Peer& peer() const noexcept { return peer_; }
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /// How many answers it has been given so far, the one not yet taken included.
    [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }

    /// Does what can be done without waiting, after an event of epoll.
    [[nodiscard]] Fate proceed();
    /// Says `line` and then nothing more: the connection ends when it has been taken.
    [[nodiscard]] Fate finish_with(const std::string& line);

  private:
    enum class ReadResult : std::uint8_t { kSome, kNothing, kEnd };

    [[nodiscard]] ReadResult read_some();
    /// The descriptor that came with a message, if it is the first; it is closed otherwise.
    void keep_descriptor(const msghdr& header);
    /// Answers lines until there is none left or the peer is slow.
    [[nodiscard]] Fate answer_lines();
    /// Writes what the socket takes; false if the connection is broken.
    [[nodiscard]] bool write_some();

    sys::Fd socket_;
    control::Peer peer_;
    const Answerer& answer_;
    sys::SlowClose& slow_close_;
    sys::Fd memory_;        ///< sealed; came with the last bytes, and no request has taken it yet
    bool too_many_ = false; ///< so did another
    std::string input_;
    std::size_t scanned_ = 0; ///< so many bytes of input_ are known to hold no newline
    std::string output_;
    std::uint64_t answers_ = 0;
    std::size_t written_ = 0;  ///< of output_
    bool last_answer_ = false; ///< nothing is read after output_
};

} // namespace pfild::api
