// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/connection.h.
#include "daemon/api/connection.h"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "daemon/api/render.h"
#include "daemon/api/request.h"

namespace pfild::api {

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
        const std::size_t end = input_.find('\n', scanned_);
        const std::size_t length = end == std::string::npos ? input_.size() : end;
        if (length >= kMaxRequestBytes) { // with its newline it is longer than that
            return finish_with(failure_line(
                0, {"request", "", "longer than " + std::to_string(kMaxRequestBytes) + " bytes", "", EMSGSIZE}));
        }
        if (end == std::string::npos) {
            scanned_ = input_.size();
            return Fate::kReading;
        }
        ++answers_;
        output_ = answer_(std::string_view(input_).substr(0, end));
        input_.erase(0, end + 1);
        scanned_ = 0;
        if (!write_some()) {
            return Fate::kDone;
        }
    }
    return output_.empty() ? Fate::kDone : Fate::kWriting;
}

Connection::ReadResult Connection::read_some() {
    std::array<char, 65536> bytes; // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills what is used
    const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
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
