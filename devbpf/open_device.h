// SPDX-License-Identifier: BSD-2-Clause
// One open of /dev/bpf: a connection to the device socket, with the requests that are not answered yet. Nothing waits.
//
//     ask(op, payload, done) ----> bpf.sock          proceed(): what has come, each to its `done`
//                            <---- answers           interrupt(id): READ ends with EINTR, or with what it has by then
//
// `done` is called exactly once for each request, also if the connection ends: EIO then. It may be called within ask().
// A READ may take as long as it likes; all others have kAnswerLimit, then the connection ends. An interrupt shortens
// that to kInterruptedLimit, for one request alone: calls of a device are short and not interrupted where the daemon
// lives, as on a BSD, but no program hangs with a hung daemon.
//
// Owns the connection, and with it the device; the bytes of answers. Time is an argument. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "client/descriptor.h"
#include "client/device_message.h"
#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::devbpf {

/// What a request came to. => the parts are not used after `done` has returned.
struct Outcome {
    int error = 0;
    std::span<const iovec> parts; ///< the answer's bytes: one part, of a READ one or several

    /// The only part; nothing if there is none.
    [[nodiscard]] std::span<const std::uint8_t> bytes() const {
        return parts.empty() ? std::span<const std::uint8_t>()
                             : std::span(static_cast<const std::uint8_t*>(parts[0].iov_base), parts[0].iov_len);
    }
};

class OpenDevice {
  public:
    using Done = std::function<void(const Outcome& outcome)>;
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds kAnswerLimit{10'000};
    static constexpr std::chrono::milliseconds kInterruptedLimit{1'000};
    static constexpr std::size_t kMostUnsent = 64; ///< requests; more are ENOBUFS

    /// => `socket` does not wait, and the first request is OPEN.
    explicit OpenDevice(client::Descriptor socket);
    OpenDevice(const OpenDevice&) = delete;
    OpenDevice& operator=(const OpenDevice&) = delete;
    /// Ends the connection: see there.
    ~OpenDevice() { end(); }

    /// Returns the request's id. EMSGSIZE: the payload is longer than any can be. ENOBUFS: too much waits to be sent.
    /// EIO: the connection has ended.
    std::uint32_t ask(pfild_op op, std::span<const std::uint8_t> payload, Time now, Done done);
    /// The program does not want to wait any longer. Nothing happens if it is answered.
    void interrupt(std::uint32_t id, Time now);

    /// Takes the answers that have come, sends what could not be sent before. => not from within a `done`.
    void proceed();
    /// When expire() is to be called; nothing: never.
    [[nodiscard]] std::optional<Time> deadline() const;
    /// Ends what has had its time.
    void expire(Time now);

    [[nodiscard]] int socket() const noexcept { return socket_.get(); }
    [[nodiscard]] bool has_unsent() const noexcept { return !unsent_.empty(); }
    /// What is polled for the program: readable when the device is; negative: it is not open yet.
    [[nodiscard]] int readiness() const noexcept { return readiness_.get(); }
    /// The connection is no more: every request is EIO.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

  private:
    using Bytes = std::vector<std::uint8_t>;

    struct Pending {
        pfild_op op = PFILD_OPS;
        Done done;
        std::optional<Time> deadline;
        bool interrupted = false;
    };
    struct Unsent {
        pfild_request header;
        Bytes payload;
    };

    [[nodiscard]] int send(const pfild_request& header, std::span<const std::uint8_t> payload);
    [[nodiscard]] pfild_request header_for(pfild_op op);
    void send_unsent();
    void take(client::Reply& reply);
    [[nodiscard]] bool opens(client::Reply& reply);
    void keep_part(std::uint32_t id, std::size_t bytes);
    void finish(std::map<std::uint32_t, Pending>::iterator pending, int error, std::span<const std::uint8_t> payload);
    void end();

    client::Descriptor socket_;
    client::Descriptor readiness_;
    bool ended_ = false;
    std::uint32_t number_ = 0; ///< of the device
    std::uint32_t last_id_ = 0;
    std::map<std::uint32_t, Pending> pending_;
    std::set<std::uint32_t> forgotten_; ///< ids whose answers, which may still come, nobody waits for
    std::deque<Unsent> unsent_;
    Bytes incoming_;            ///< the last message
    std::uint32_t reading_ = 0; ///< id of the READ that parts_ are of
    std::vector<Bytes> parts_;  ///< messages, with their headers; as many are in use as there are places_
    std::vector<iovec> places_; ///< of the records in parts_
};

} // namespace pfild::devbpf
