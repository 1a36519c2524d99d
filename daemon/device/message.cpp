// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/message.h.
#include "daemon/device/message.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace pfild::device {

Came receive(int socket, std::span<std::uint8_t> buffer, Message& message) noexcept {
    // Room for the credentials, which the kernel writes first, and for nothing else.
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(ucred))> control{};
    iovec bytes{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr header{};
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) {
        return errno == EAGAIN || errno == EINTR ? Came::kNothing : Came::kEnd;
    }
    const cmsghdr* const credentials = CMSG_FIRSTHDR(&header);
    if (credentials == nullptr || credentials->cmsg_level != SOL_SOCKET || credentials->cmsg_type != SCM_CREDENTIALS) {
        return Came::kEnd; // a message has a sender, even an empty one
    }
    std::memcpy(&message.sender, CMSG_DATA(credentials), sizeof message.sender);
    message.bytes = buffer.first(static_cast<std::size_t>(length));
    message.whole = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    return Came::kMessage;
}

void hear_no_more(int socket) noexcept {
    (void)::shutdown(socket, SHUT_RD); // so that there is an end to what has come
    std::array<std::uint8_t, 1> byte{};
    Message message;
    while (receive(socket, byte, message) == Came::kMessage) {
    }
}

bool send(int socket, pfild_reply reply, std::span<const std::uint8_t> payload, std::optional<int> fd) noexcept {
    reply.length = static_cast<__u32>(payload.size());
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
    std::array parts{
        iovec{.iov_base = &reply, .iov_len = sizeof reply},
        iovec{.iov_base = const_cast<std::uint8_t*>(payload.data()), // NOLINT(*-const-cast): sendmsg only reads
              .iov_len = payload.size()}};
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    if (fd) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(rights), &*fd, sizeof(int));
    }
    return ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

} // namespace pfild::device
