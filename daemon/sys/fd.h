// SPDX-License-Identifier: BSD-2-Clause
// A file descriptor with one owner. Closed when the owner goes; moved, never copied.
#pragma once

#include <utility>

#include <unistd.h>

namespace pfild::sys {

class Fd {
  public:
    Fd() noexcept = default;
    /// Takes ownership of `fd`; any negative number is "none".
    explicit Fd(int fd) noexcept : fd_(fd < 0 ? kNone : fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~Fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool valid() const noexcept { return fd_ != kNone; }
    explicit operator bool() const noexcept { return valid(); }

    /// The caller owns what is returned (-1 if there was nothing).
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, kNone); }

    /// Closes what is held and takes `fd` instead. Resetting to the descriptor already held keeps it open.
    void reset(int fd = kNone) noexcept {
        const int next = fd < 0 ? kNone : fd;
        if (fd_ != kNone && fd_ != next) {
            ::close(fd_); // EINTR included: Linux has released the number, closing again could hit another's
        }
        fd_ = next;
    }

  private:
    static constexpr int kNone = -1;
    int fd_ = kNone;
};

} // namespace pfild::sys
