// SPDX-License-Identifier: BSD-2-Clause
// See device_connection.h.
#include "client/device_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>

namespace pfild::client {
namespace {

std::string poll_failure(int code) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's answer for a known number is a constant
    return std::strerror(code);
}

} // namespace

core::Result<DeviceConnection> DeviceConnection::connect(const std::string& path, std::chrono::milliseconds limit) {
    return connect_device_socket(path, 0, limit.count()).map([&](Descriptor socket) {
        return DeviceConnection(std::move(socket), path, limit);
    });
}

DeviceConnection DeviceConnection::adopt(Descriptor socket, std::string name, std::chrono::milliseconds limit) {
    return {std::move(socket), std::move(name), limit};
}

core::Error DeviceConnection::end(std::string why, int code) {
    if (!ended_) {
        ended_ = core::Error{"daemon", name_, std::move(why), "", code};
        socket_ = Descriptor(); // the device ends with it
    }
    return *ended_;
}

core::Error DeviceConnection::give_up(std::string why) { return end(std::move(why), EPROTO); }

core::Result<std::uint32_t> DeviceConnection::send(pfild_op op, std::uint32_t device,
                                                   std::span<const std::uint8_t> payload) {
    if (ended_) {
        return core::fail(*ended_);
    }
    last_id_ = last_id_ == UINT32_MAX ? 1 : last_id_ + 1;
    const pfild_request header{last_id_, device, 0, static_cast<std::uint16_t>(op), 0};
    const Deadline deadline = std::chrono::steady_clock::now() + limit_;
    while (true) {
        auto sent = send_request(socket_.get(), header, payload);
        if (sent || sent.error().code == EPIPE || sent.error().code == ECONNRESET) {
            return last_id_; // if it has closed, it has said why, or receive() finds the end
        }
        if (sent.error().code == EMSGSIZE) {
            return core::fail(std::move(sent.error()));
        }
        if (sent.error().code != EAGAIN) {
            return core::fail(end(sent.error().why, sent.error().code));
        }
        if (auto ready = wait(POLLOUT, deadline, -1); !ready) {
            return core::fail(std::move(ready.error()));
        }
    }
}

core::Result<Reply> DeviceConnection::receive(const Patience& patience) {
    Deadline deadline;
    if (patience.limit) {
        deadline = std::chrono::steady_clock::now() + *patience.limit;
    }
    while (!ended_) {
        auto reply = receive_reply(socket_.get(), bytes_);
        if (reply) {
            return reply;
        }
        if (reply.error().code != EAGAIN) {
            return core::fail(end(reply.error().why, reply.error().code));
        }
        if (auto ready = wait(POLLIN, deadline, patience.wake); !ready) {
            return core::fail(std::move(ready.error()));
        }
    }
    return core::fail(*ended_);
}

/// Until the socket is ready for it. ETIMEDOUT ends the connection: an answer that comes later would answer the next
/// question.
core::Result<void> DeviceConnection::wait(short events, Deadline deadline, int wake) {
    std::array<pollfd, 2> watched{pollfd{socket_.get(), events, 0}, pollfd{wake, POLLIN, 0}};
    while (true) {
        int left_ms = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
            left_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
        }
        const int ready = poll(watched.data(), watched.size(), left_ms);
        if (ready < 0 && errno != EINTR) {
            const int code = errno;
            return core::fail(end(poll_failure(code), code));
        }
        if (ready == 0) {
            return core::fail(end("it did not answer in time", ETIMEDOUT));
        }
        if (ready > 0 && watched[0].revents != 0) {
            return {};
        }
        if (ready > 0) {
            return core::fail({"wait", name_, "interrupted", "", EINTR});
        }
    }
}

} // namespace pfild::client
