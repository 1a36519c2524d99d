// SPDX-License-Identifier: BSD-2-Clause
// A program at the device socket, as far as a test needs one: sends what it is told, byte for byte, and takes answers.
// Every wait ends after kPatience, with an answer that no test expects.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/sys/fd.h"
#include "pfild/wire.h"

namespace pfild::test {

inline constexpr int kPatience = 60'000; // ms
inline constexpr int kNoAnswer = 9999;   // in place of an errno

struct Answer {
    pfild_reply head{.error = kNoAnswer};
    std::vector<std::uint8_t> payload;
    sys::Fd fd;

    [[nodiscard]] int error() const { return static_cast<int>(head.error); }
    [[nodiscard]] std::string text() const { return {payload.begin(), payload.end()}; }
    template <typename T>
    [[nodiscard]] T as() const {
        T value{};
        if (payload.size() == sizeof value) {
            std::memcpy(&value, payload.data(), sizeof value);
        }
        return value;
    }
};

/// What poll(2) says of a descriptor at this moment.
inline short poll_now(int fd, short events = POLLIN | POLLOUT | POLLPRI) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    ::poll(&entry, 1, 0);
    return entry.revents;
}

/// Whether it becomes so.
inline bool wait_for(int fd, short event) {
    pollfd entry{.fd = fd, .events = event, .revents = 0};
    return ::poll(&entry, 1, kPatience) == 1 && (entry.revents & event) != 0;
}

class DeviceClient {
  public:
    explicit DeviceClient(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)), buffer_(PFILD_WIRE_REPLY_MAX) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(&address.sun_path, path.c_str(), path.size() + 1);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            socket_.reset();
        }
    }

    [[nodiscard]] int fd() const { return socket_.get(); }
    void hang_up() { socket_.reset(); }

    bool send_bytes(const void* bytes, std::size_t length) const {
        return ::send(socket_.get(), bytes, length, MSG_NOSIGNAL) == static_cast<ssize_t>(length);
    }
    /// Returns the id.
    std::uint32_t send(int op, std::uint32_t device, const void* payload = nullptr, std::size_t length = 0) {
        const pfild_request head{.id = ++id_,
                                 .device = device,
                                 .length = static_cast<__u32>(length),
                                 .op = static_cast<__u16>(op),
                                 .zero = 0};
        std::vector<std::uint8_t> message(sizeof head + length);
        std::memcpy(message.data(), &head, sizeof head);
        if (length != 0) {
            std::memcpy(message.data() + sizeof head, payload, length);
        }
        send_bytes(message.data(), message.size());
        return id_;
    }

    /// The next message; error kNoAnswer: the daemon has closed, or says nothing.
    Answer receive() {
        Answer answer;
        if (!wait_for(socket_.get(), POLLIN)) {
            return answer;
        }
        alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
        iovec bytes{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
        msghdr header{};
        header.msg_iov = &bytes;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        const ssize_t length = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
        if (length < static_cast<ssize_t>(sizeof answer.head)) {
            return answer;
        }
        std::memcpy(&answer.head, buffer_.data(), sizeof answer.head);
        answer.payload.assign(buffer_.begin() + sizeof answer.head, buffer_.begin() + length);
        if (const cmsghdr* const rights = CMSG_FIRSTHDR(&header); rights != nullptr) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
            answer.fd.reset(fd);
        }
        return answer;
    }
    [[nodiscard]] bool has_answer() const { return (poll_now(socket_.get(), POLLIN) & POLLIN) != 0; }
    /// The daemon has hung up, or does so.
    [[nodiscard]] bool is_closed() { return receive().error() == kNoAnswer && wait_for(socket_.get(), POLLHUP); }

    Answer ask(int op, std::uint32_t device, const void* payload = nullptr, std::size_t length = 0) {
        send(op, device, payload, length);
        return receive();
    }
    template <typename T>
    Answer ask_with(int op, std::uint32_t device, const T& payload) {
        return ask(op, device, &payload, sizeof payload);
    }
    Answer open(std::uint32_t access = PFILD_ACCESS_BOTH) {
        return ask_with(PFILD_OP_OPEN, 0, pfild_open{.version = PFILD_WIRE_VERSION, .access = access});
    }
    Answer set_interface(std::uint32_t device, std::string_view name) {
        return ask(PFILD_OP_SET_INTERFACE, device, name.data(), name.size());
    }
    Answer set_options(std::uint32_t device, bool immediate, bool nonblocking) {
        return ask_with(
            PFILD_OP_SET_OPTIONS, device,
            pfild_options{.immediate = immediate, .nonblocking = nonblocking, .incoming = 1, .outgoing = 1});
    }
    std::uint32_t send_read(std::uint32_t device, std::uint32_t size, std::uint32_t flags = 0) {
        const pfild_read read{.size = size, .flags = flags};
        return send(PFILD_OP_READ, device, &read, sizeof read);
    }
    /// The answer of a read, in one piece however many messages it came in; `messages` counts them.
    Answer receive_read(std::size_t* messages = nullptr) {
        Answer whole = receive();
        std::size_t count = 1;
        while ((whole.head.flags & PFILD_REPLY_MORE) != 0) {
            Answer next = receive();
            whole.head = next.head;
            whole.payload.insert(whole.payload.end(), next.payload.begin(), next.payload.end());
            ++count;
        }
        if (messages != nullptr) {
            *messages = count;
        }
        return whole;
    }
    Answer read(std::uint32_t device, std::uint32_t size, std::uint32_t flags = 0) {
        send_read(device, size, flags);
        return receive_read();
    }

  private:
    sys::Fd socket_;
    std::vector<std::uint8_t> buffer_;
    std::uint32_t id_ = 0;
};

} // namespace pfild::test
