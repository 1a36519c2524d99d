// SPDX-License-Identifier: BSD-2-Clause
// The daemon's end of a device connection, for tests: what it gets as values, and what it says, right or wrong, written
// by the test. Runs on a thread of its own that takes no signals.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pfild/wire.h"

namespace pfild::client {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
Bytes bytes_of_value(const T& value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

inline Bytes bytes_of_text(const std::string& text) { return {text.begin(), text.end()}; }

struct FakeRequest {
    pfild_request header;
    Bytes payload;

    template <typename T>
    [[nodiscard]] T value() const {
        T value{};
        EXPECT_EQ(payload.size(), sizeof value);
        std::memcpy(&value, payload.data(), std::min(payload.size(), sizeof value));
        return value;
    }
    [[nodiscard]] std::string text() const { return {payload.begin(), payload.end()}; }
};

class FakePeer {
  public:
    static constexpr std::uint32_t kDevice = 7;

    explicit FakePeer(int socket) : socket_(socket) {}

    /// Nothing: the client has closed.
    [[nodiscard]] std::optional<FakeRequest> next() const {
        std::array<std::uint8_t, PFILD_WIRE_REQUEST_MAX> bytes{};
        const ssize_t got = recv(socket_, bytes.data(), bytes.size(), 0);
        if (got < static_cast<ssize_t>(sizeof(pfild_request))) {
            return std::nullopt;
        }
        FakeRequest request{};
        std::memcpy(&request.header, bytes.data(), sizeof request.header);
        request.payload.assign(bytes.begin() + sizeof request.header, bytes.begin() + got);
        EXPECT_EQ(request.payload.size(), request.header.length);
        return request;
    }

    /// Waits until a request is there, and leaves it.
    void await_request() const {
        pollfd waiting{socket_, POLLIN, 0};
        EXPECT_EQ(poll(&waiting, 1, -1), 1);
    }

    void send_bytes(const Bytes& message, const std::vector<int>& descriptors = {}) const {
        iovec place{const_cast<std::uint8_t*>(message.data()), message.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
        msghdr header{};
        header.msg_iov = &place;
        header.msg_iovlen = 1;
        if (!descriptors.empty()) {
            header.msg_control = control.data();
            header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
            cmsghdr* const rights = CMSG_FIRSTHDR(&header);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
            std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
        }
        (void)sendmsg(socket_, &header, MSG_NOSIGNAL);
    }

    [[nodiscard]] static pfild_reply header_for(const FakeRequest& request) {
        return {request.header.id, request.header.device, 0, request.header.op, 0, 0, 0};
    }

    void send(pfild_reply header, const Bytes& payload = {}, const std::vector<int>& descriptors = {}) const {
        header.length = static_cast<std::uint32_t>(payload.size());
        Bytes message = bytes_of_value(header);
        message.insert(message.end(), payload.begin(), payload.end());
        send_bytes(message, descriptors);
    }

    void answer(const FakeRequest& request, const Bytes& payload = {}) const { send(header_for(request), payload); }

    void refuse(const FakeRequest& request, int code, const std::string& sentence) const {
        pfild_reply header = header_for(request);
        header.error = static_cast<std::uint32_t>(code);
        send(header, bytes_of_text(sentence));
    }

    /// Answers an OPEN.
    void answer_open(const FakeRequest& request) const {
        EXPECT_EQ(request.header.op, PFILD_OP_OPEN);
        EXPECT_EQ(request.header.device, 0U);
        EXPECT_EQ(request.value<pfild_open>().version, static_cast<std::uint32_t>(PFILD_WIRE_VERSION));
        int ends[2] = {-1, -1};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        pfild_reply header = header_for(request);
        header.device = kDevice;
        send(header, {}, {ends[0]});
        close(ends[0]);
        close(ends[1]);
    }

    /// A READ's records in messages of these sizes, all but the last with PFILD_REPLY_MORE.
    void answer_in_chunks(const FakeRequest& request, const std::vector<Bytes>& chunks) const {
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            pfild_reply header = header_for(request);
            header.flags = i + 1 < chunks.size() ? PFILD_REPLY_MORE : 0;
            send(header, chunks[i]);
        }
    }

  private:
    int socket_;
};

/// A thread that no signal of the process reaches.
inline std::thread deaf_thread(std::function<void()> body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

/// A daemon at one end of a socketpair; its end is closed when the script returns.
class FakeDaemon {
  public:
    explicit FakeDaemon(std::function<void(FakePeer&)> script) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        client_end_ = ends[0];
        thread_ = deaf_thread([script = std::move(script), end = ends[1]] {
            FakePeer peer(end);
            script(peer);
            close(end);
        });
    }
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    ~FakeDaemon() { thread_.join(); } // => the client has gone

    /// For one client, who owns it.
    [[nodiscard]] int client_end() const { return client_end_; }

  private:
    int client_end_ = -1;
    std::thread thread_;
};

} // namespace pfild::client
