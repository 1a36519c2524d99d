// SPDX-License-Identifier: BSD-2-Clause
// A file descriptor with one owner: closed when the owner goes; moved, never copied.
#pragma once

#include <utility>

#include <unistd.h>

namespace pfild::client {

class Descriptor {
  public:
    Descriptor() noexcept = default;
    /// Takes it over; a negative number is none.
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            close(number_);
        }
    }

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
    /// The caller owns it from then on.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

  private:
    int number_ = -1;
};

} // namespace pfild::client
