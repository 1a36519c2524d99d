// SPDX-License-Identifier: BSD-2-Clause
// One connection to a daemon's control socket, for one question and its answer (docs/control-protocol.md).
//
//     bpfctl  --- {"protocol": 2, "id": 1, "verb": …, "arguments": …}\n --->  pfild
//             <-- {"id": 1, "ok": …}\n                                  ---
//
// Arguments that are too long for a line go in sealed memory beside it, if the verb takes them so.
//
// Owns its descriptor. Blocks the calling thread, at most for the time-outs. What comes back is foreign bytes: its
// size, depth and form are checked, and nothing in it makes this throw.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bpfctl/failure.h"
#include "bpfctl/json.h"

namespace pfild::bpfctl {

inline constexpr std::size_t kMaxRequestBytes = 262'144;               ///< with the newline, as the protocol says
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20U; ///< with the newline

/// Where the daemon listens and how to start it; for the error when it does not.
struct Endpoint {
    std::string path;
    std::string instance; ///< empty if the path was given by --socket
    bool force = false;   ///< what it is asked for shall be done past its lock-out guard
};

/// What to do when nobody listens there.
[[nodiscard]] std::string how_to_start(const Endpoint& endpoint);

struct Timeouts {
    std::chrono::milliseconds connect{5'000};
    std::chrono::milliseconds answer{10'000}; ///< sending the question included
};

class Client {
  public:
    /// Connects. Exit::kUnreachable with the socket, the reason and what to do.
    [[nodiscard]] static Outcome<Client> connect(const Endpoint& endpoint, Timeouts timeouts = {});

    /// Takes over a connected stream socket.
    [[nodiscard]] static Client adopt(int connected, std::string name, Timeouts timeouts = {});

    Client(Client&& other) noexcept;
    Client& operator=(Client&& other) noexcept;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    /// The result object; Exit::kRefused with the daemon's own error; Exit::kUnreachable if no valid answer came.
    [[nodiscard]] Outcome<Json> ask(std::string_view verb, const Json& arguments, bool force = false);
    /// What comes next of an answer that goes on, however long that takes.
    [[nodiscard]] Outcome<Json> more();

  private:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>; ///< nothing: there is none

    Client(int connected, std::string name, Timeouts timeouts);

    [[nodiscard]] Outcome<void> send(std::string_view line, Deadline deadline);
    /// The line, with a descriptor beside its first byte.
    [[nodiscard]] Outcome<void> send_with(std::string_view line, int descriptor, Deadline deadline);
    [[nodiscard]] Outcome<void> send_in_memory(std::string_view verb, const std::string& arguments, Deadline deadline);
    [[nodiscard]] Outcome<std::string> receive_line(Deadline deadline);
    [[nodiscard]] Outcome<void> wait(short events, Deadline deadline) const;

    int fd_ = -1;
    std::string name_; ///< of the socket, for errors
    Timeouts timeouts_;
    std::string ahead_; ///< what came behind the last line
};

} // namespace pfild::bpfctl
