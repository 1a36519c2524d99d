// SPDX-License-Identifier: BSD-2-Clause
// See device_connection.h.
#include "client/device_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

namespace pfild::client {
namespace {

constexpr std::uint32_t kLargestErrno = 4095;
constexpr std::size_t kLongestSentence = 1024;
/// Descriptors that a message is looked at for. Those beyond it the kernel does not hand out.
constexpr std::size_t kDescriptors = 4;

std::string words_for(int code) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's answer for a known number is a constant
    return std::strerror(code);
}

core::Error not_connected(const std::string& path, int code) {
    return {"connect", path, code == EAGAIN ? "it takes no connection" : words_for(code), "", code};
}

/// The first descriptor of the message; the others are closed. `count` is how many there were.
Descriptor take_descriptors(msghdr& message, std::size_t& count) {
    Descriptor first;
    count = 0;
    for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t here = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < here; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(control) + i * sizeof(int), sizeof number);
            Descriptor taken(number);
            if (count++ == 0) {
                first = std::move(taken);
            }
        }
    }
    return first;
}

/// What is wrong with the header of a message of so many bytes; empty: nothing.
std::string flaw_of(const pfild_reply& header, std::size_t received) {
    if (header.length != received - sizeof header) {
        return "an answer says that it has another length";
    }
    if (header.op >= PFILD_OPS || header.zero != 0 || header.error > kLargestErrno) {
        return "an answer has a header that no daemon writes";
    }
    const bool more = header.flags == PFILD_REPLY_MORE;
    if (header.flags != 0 && !(more && header.op == PFILD_OP_READ && header.error == 0 && header.length > 0)) {
        return "an answer has flags that make no sense";
    }
    return {};
}

} // namespace

std::string device_socket_path(std::string_view instance) {
    return "/run/pfild/" + std::string(instance) + "/bpf.sock";
}

std::string Reply::sentence() const {
    std::string said(payload.begin(),
                     payload.begin() + static_cast<std::ptrdiff_t>(std::min(payload.size(), kLongestSentence)));
    std::replace_if(
        said.begin(), said.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return said.empty() ? words_for(static_cast<int>(header.error)) : said;
}

core::Result<DeviceConnection> DeviceConnection::connect(const std::string& path, std::chrono::milliseconds limit) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return core::fail(not_connected(path, path.empty() ? EINVAL : ENAMETOOLONG));
    }
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    // A full backlog blocks connect(2) for as long as the socket's send time-out says.
    const timeval patience{limit.count() / 1000, limit.count() % 1000 * 1000};
    if (!socket.valid() || setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets take addresses
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return core::fail(not_connected(path, errno));
    }
    return DeviceConnection(std::move(socket), path, limit);
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
    pfild_request header{};
    if (payload.size() > PFILD_WIRE_REQUEST_MAX - sizeof header) {
        return core::fail({"request", "", "it has more bytes than the daemon takes", "", EMSGSIZE});
    }
    last_id_ = last_id_ == UINT32_MAX ? 1 : last_id_ + 1;
    header = {last_id_, device, static_cast<std::uint32_t>(payload.size()), static_cast<std::uint16_t>(op), 0};
    auto* const bytes = const_cast<std::uint8_t*>(payload.data()); // NOLINT(*-const-cast): sendmsg only reads
    std::array<iovec, 2> parts{iovec{&header, sizeof header}, iovec{bytes, payload.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const Deadline deadline = std::chrono::steady_clock::now() + limit_;
    while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno == EAGAIN) {
            if (auto ready = wait(POLLOUT, deadline, -1); !ready) {
                return core::fail(std::move(ready.error()));
            }
        } else if (errno == EPIPE || errno == ECONNRESET) {
            break; // it has said why, or receive() finds the end
        } else if (errno != EINTR) {
            const int code = errno;
            return core::fail(end(words_for(code), code));
        }
    }
    return last_id_;
}

core::Result<Reply> DeviceConnection::receive(const Patience& patience) {
    Deadline deadline;
    if (patience.limit) {
        deadline = std::chrono::steady_clock::now() + *patience.limit;
    }
    while (!ended_) {
        iovec place{bytes_.data(), bytes_.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptors * sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t got = recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got > 0) {
            std::size_t count = 0;
            Descriptor descriptor = take_descriptors(message, count);
            if (count > 1) {
                return core::fail(give_up("an answer came with more than one descriptor"));
            }
            return judge(static_cast<std::size_t>(got), message.msg_flags, std::move(descriptor));
        }
        if (got == 0) {
            return core::fail(end("it closed the connection", EPIPE));
        }
        if (errno == EAGAIN) {
            if (auto ready = wait(POLLIN, deadline, patience.wake); !ready) {
                return core::fail(std::move(ready.error()));
            }
        } else if (errno != EINTR && errno != ECONNRESET) { // it is told once; then come the answers that are there
            const int code = errno;
            return core::fail(end(words_for(code), code));
        }
    }
    return core::fail(*ended_);
}

core::Result<Reply> DeviceConnection::judge(std::size_t received, int message_flags, Descriptor descriptor) {
    Reply reply;
    if ((message_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || received < sizeof reply.header) {
        return core::fail(give_up("an answer is longer or shorter than any can be"));
    }
    std::memcpy(&reply.header, bytes_.data(), sizeof reply.header);
    if (std::string flaw = flaw_of(reply.header, received); !flaw.empty()) {
        return core::fail(give_up(std::move(flaw)));
    }
    if (descriptor.valid() &&
        ((reply.header.op != PFILD_OP_OPEN && reply.header.op != PFILD_OP_SHARE) || reply.header.error != 0)) {
        return core::fail(give_up("an answer came with a descriptor that nobody asked for"));
    }
    reply.payload = std::span(bytes_).subspan(sizeof reply.header, reply.header.length);
    reply.descriptor = std::move(descriptor);
    return reply;
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
            return core::fail(end(words_for(code), code));
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
