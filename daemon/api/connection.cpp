// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/connection.h.
#include "daemon/api/connection.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "control/message.h"
#include "daemon/sys/sealed_memory.h"

namespace pfild::api {

/// Of a socket that has unread bytes the kernel would tell the peer ECONNRESET in place of the end.
Connection::~Connection() {
    (void)::shutdown(socket_.get(), SHUT_RD); // from now on the peer gets EPIPE, so there is an end to what has come
    std::array<char, 4096> bytes{};
    while (::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
}

Connection::Fate Connection::proceed() {
    if (!write_some()) {
        return Fate::kDone;
    }
    Fate fate = answer_lines();
    if (fate != Fate::kReading) {
        return fate;
    }
    switch (read_some()) {
    case ReadResult::kNothing:
        return Fate::kReading;
    case ReadResult::kEnd:
        return Fate::kDone; // whatever is left is no whole request
    case ReadResult::kSome:
        break;
    }
    return answer_lines();
}

Connection::Fate Connection::finish_with(const std::string& line) {
    input_.clear();
    last_answer_ = true;
    ++answers_;
    output_ += line;
    if (!write_some()) {
        return Fate::kDone;
    }
    return output_.empty() ? Fate::kDone : Fate::kWriting;
}

Connection::Fate Connection::answer_lines() {
    while (output_.empty() && !last_answer_) {
        if (source_.rests(peer_)) {
            return Fate::kResting;
        }
        const std::size_t end = input_.find('\n', scanned_);
        const std::size_t length = end == std::string::npos ? input_.size() : end;
        if (length >= control::kMaxRequestBytes) { // with its newline it is longer than that
            return finish_with(control::failure_line(
                0,
                {"request", "", "longer than " + std::to_string(control::kMaxRequestBytes) + " bytes", "", EMSGSIZE}));
        }
        if (end == std::string::npos) {
            scanned_ = input_.size();
            return go_on_telling();
        }
        answer_line(std::string_view(input_).substr(0, end));
        if (end + 1 == input_.size()) { // what nobody has taken was for nobody
            memory_.reset();
            too_many_ = false;
        }
        input_.erase(0, end + 1);
        scanned_ = 0;
        if (!write_some()) {
            return Fate::kDone;
        }
    }
    return output_.empty() ? Fate::kDone : Fate::kWriting;
}

/// It ends the stream that went on until now.
void Connection::answer_line(std::string_view line) {
    ++answers_;
    stream_.reset();
    output_ = source_.answer({.line = line,
                              .peer = peer_,
                              .pidfd = pidfd_.get(),
                              .memory = &memory_,
                              .too_many = too_many_,
                              .stream = &stream_});
}

Connection::Fate Connection::go_on_telling() {
    while (output_.empty() && stream_) {
        output_ = source_.next(peer_, stream_);
        if (output_.empty()) {
            break;
        }
        if (!write_some()) {
            return Fate::kDone;
        }
    }
    return output_.empty() ? Fate::kReading : Fate::kWriting;
}

void Connection::keep_descriptor(const msghdr& header) {
    const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    if (rights == nullptr || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) {
        return;
    }
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(rights), sizeof descriptor);
    sys::Fd came(descriptor);
    too_many_ = too_many_ || memory_ || (header.msg_flags & MSG_CTRUNC) != 0;
    if (!sys::is_sealed(came)) {
        slow_close_.close(std::move(came));
    } else if (!memory_) {
        memory_ = std::move(came);
    }
}

Connection::ReadResult Connection::read_some() {
    std::array<char, 65536> bytes; // NOLINT(cppcoreguidelines-pro-type-member-init): recvmsg fills what is used
    iovec into{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &into;
    header.msg_iovlen = 1;
    if (slow_close_.has_room()) { // for one descriptor; the kernel lets go of all that have no room
        header.msg_control = control.data();
        header.msg_controllen = CMSG_LEN(sizeof(int));
    }
    const ssize_t count = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    keep_descriptor(header);
    if (count > 0) {
        input_.append(bytes.data(), static_cast<std::size_t>(count));
        return ReadResult::kSome;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ReadResult::kNothing;
    }
    return ReadResult::kEnd;
}

bool Connection::write_some() {
    while (written_ < output_.size()) {
        const ssize_t count =
            ::send(socket_.get(), output_.data() + written_, output_.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        written_ += static_cast<std::size_t>(count);
    }
    output_.clear();
    written_ = 0;
    return true;
}

} // namespace pfild::api
