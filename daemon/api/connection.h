// SPDX-License-Identifier: BSD-2-Clause
// One client of the control socket: bytes in, lines out, never waiting for it. Memory is bounded: at most one request
// is buffered, and nothing is read or answered while an earlier answer has not been taken.
//
//     socket -> input (<= kMaxRequestBytes + one read) -> a line -> answer -> output -> socket
//
// Control thread. Owned by the Server, which does what the Fate says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::api {

using Answerer = std::function<std::string(std::string_view line)>;

class Connection {
  public:
    enum class Fate : std::uint8_t {
        kReading, ///< waits for more of a request
        kWriting, ///< waits until the peer takes its answer
        kDone,    ///< to be closed
    };

    /// `socket` is a non-blocking stream. => `answer` outlives it.
    Connection(sys::Fd socket, const Answerer& answer) noexcept : socket_(std::move(socket)), answer_(answer) {}

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
    /// Answers lines until there is none left or the peer is slow.
    [[nodiscard]] Fate answer_lines();
    /// Writes what the socket takes; false if the connection is broken.
    [[nodiscard]] bool write_some();

    sys::Fd socket_;
    const Answerer& answer_;
    std::string input_;
    std::size_t scanned_ = 0; ///< so many bytes of input_ are known to hold no newline
    std::string output_;
    std::uint64_t answers_ = 0;
    std::size_t written_ = 0;  ///< of output_
    bool last_answer_ = false; ///< nothing is read after output_
};

} // namespace pfild::api
