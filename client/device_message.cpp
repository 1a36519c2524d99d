// SPDX-License-Identifier: BSD-2-Clause
// See device_message.h.
#include "client/device_message.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

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

/// => nothing to do with the daemon's own words.
core::Error broken(std::string why, int code) { return {"daemon", "", std::move(why), "", code}; }

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

core::Result<Reply> judge(std::span<const std::uint8_t> message, int message_flags, Descriptor descriptor) {
    Reply reply;
    if ((message_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || message.size() < sizeof reply.header) {
        return core::fail(broken("an answer is longer or shorter than any can be", EPROTO));
    }
    std::memcpy(&reply.header, message.data(), sizeof reply.header);
    if (std::string flaw = flaw_of(reply.header, message.size()); !flaw.empty()) {
        return core::fail(broken(std::move(flaw), EPROTO));
    }
    if (descriptor.valid() &&
        ((reply.header.op != PFILD_OP_OPEN && reply.header.op != PFILD_OP_SHARE) || reply.header.error != 0)) {
        return core::fail(broken("an answer came with a descriptor that nobody asked for", EPROTO));
    }
    reply.payload = message.subspan(sizeof reply.header);
    reply.descriptor = std::move(descriptor);
    return reply;
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

core::Result<Descriptor> connect_device_socket(const std::string& path, int flags, std::int64_t patience_ms) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return core::fail(not_connected(path, path.empty() ? EINVAL : ENAMETOOLONG));
    }
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
    // A full backlog blocks connect(2) for as long as the socket's send time-out says.
    const timeval patience{patience_ms / 1000, patience_ms % 1000 * 1000};
    if (!socket.valid() || setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets take addresses
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return core::fail(not_connected(path, errno));
    }
    return socket;
}

core::Result<void> send_request(int socket, pfild_request header, std::span<const std::uint8_t> payload) {
    if (payload.size() > PFILD_WIRE_REQUEST_MAX - sizeof header) {
        return core::fail({"request", "", "it has more bytes than the daemon takes", "", EMSGSIZE});
    }
    header.length = static_cast<std::uint32_t>(payload.size());
    auto* const bytes = const_cast<std::uint8_t*>(payload.data()); // NOLINT(*-const-cast): sendmsg only reads
    std::array<iovec, 2> parts{iovec{&header, sizeof header}, iovec{bytes, payload.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    while (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EINTR) {
            const int code = errno;
            return core::fail(broken(words_for(code), code));
        }
    }
    return {};
}

core::Result<Reply> receive_reply(int socket, std::span<std::uint8_t> bytes) {
    while (true) {
        iovec place{bytes.data(), bytes.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptors * sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got > 0) {
            std::size_t count = 0;
            Descriptor descriptor = take_descriptors(message, count);
            if (count > 1) {
                return core::fail(broken("an answer came with more than one descriptor", EPROTO));
            }
            return judge(bytes.first(static_cast<std::size_t>(got)), message.msg_flags, std::move(descriptor));
        }
        if (got == 0) {
            return core::fail(broken("it closed the connection", EPIPE));
        }
        if (errno != EINTR && errno != ECONNRESET) { // it is told once; then come the answers that are there
            const int code = errno;
            return core::fail(broken(words_for(code), code));
        }
    }
}

} // namespace pfild::client
