// SPDX-License-Identifier: BSD-2-Clause
// One client of the control socket: bytes in, lines out, never waiting for it. Memory is bounded: at most one request
// is buffered, and nothing is read or answered while an earlier answer has not been taken.
//
//     socket -> input (<= kMaxRequestBytes + one read) -> a line -> answer -> output -> socket
//        \_ one descriptor, until a request takes it; every other one is closed as it comes
//
// An answer that goes on (a stream) makes its next line when the peer has taken the last one, and not before.
//
// Control thread. Owned by the Server, which does what the Fate says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>

#include "core/error.h"
#include "daemon/api/dispatcher.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/slow_close.h"

namespace pfild::api {

/// Who answers what connections were sent. Lines have a newline.
class Answers {
  public:
    Answers() = default;
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    Answers(Answers&&) = delete;
    Answers& operator=(Answers&&) = delete;
    virtual ~Answers() = default;

    [[nodiscard]] virtual std::string answer(const Question& question) = 0;
    /// The next line of a stream; empty: there is none yet. A stream that is over is no more afterwards.
    [[nodiscard]] virtual std::string next(const control::Peer& peer, std::optional<Stream>& stream) = 0;
    /// Whether the peer has asked too much and is not heard for a while.
    [[nodiscard]] virtual bool rests(const control::Peer& peer) const = 0;
};

class Connection {
  public:
    enum class Fate : std::uint8_t {
        kReading, ///< waits for more of a request
        kWriting, ///< waits until the peer takes its answer
        kResting, ///< is not heard for a while
        kDone,    ///< to be closed
    };

    /// `socket` is a non-blocking stream. => `answers` and `slow_close` outlive it.
    Connection(sys::Fd socket, control::Peer peer, sys::Fd pidfd, Answers& answers, sys::SlowClose& slow_close) noexcept
        : socket_(std::move(socket)), peer_(peer), pidfd_(std::move(pidfd)), source_(answers), slow_close_(slow_close) {
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    Connection(Connection&&) = delete;
    Connection& operator=(Connection&&) = delete;
    /// Closes it. The peer finds what he was answered, then the end, whatever he has sent that nobody has read.
    ~Connection();

    [[nodiscard]] const control::Peer& peer() const noexcept { return peer_; }
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /// Whether its last answer goes on.
    [[nodiscard]] bool streams() const noexcept { return stream_.has_value(); }
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
    /// Answers lines until there is none left or the peer is slow; a stream goes on after the last one.
    [[nodiscard]] Fate answer_lines();
    void answer_line(std::string_view line);
    [[nodiscard]] Fate go_on_telling();
    /// Writes what the socket takes; false if the connection is broken.
    [[nodiscard]] bool write_some();

    sys::Fd socket_;
    control::Peer peer_;
    sys::Fd pidfd_; ///< of the peer; none: it could not be had
    Answers& source_;
    sys::SlowClose& slow_close_;
    sys::Fd memory_;        ///< sealed; came with the last bytes, and no request has taken it yet
    bool too_many_ = false; ///< so did another
    std::string input_;
    std::size_t scanned_ = 0; ///< so many bytes of input_ are known to hold no newline
    std::string output_;
    std::uint64_t answers_ = 0;
    std::optional<Stream> stream_;
    std::size_t written_ = 0;  ///< of output_
    bool last_answer_ = false; ///< nothing is read after output_
};

} // namespace pfild::api
