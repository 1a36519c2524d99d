// SPDX-License-Identifier: BSD-2-Clause
// A question to the kernel by netlink, and each message of its answer. Blocks for as long as the kernel answers. The
// socket asks about the network namespace in which it was opened, for as long as it is open.
//
// Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <linux/netlink.h>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::guard {

using ByteSpan = std::span<const std::uint8_t>;

/// The plain struct at the front of some bytes; zeros where there are too few.
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] T front_of(ByteSpan bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), bytes.size() < sizeof(T) ? bytes.size() : sizeof(T));
    return value;
}

/// A message that asks: its header, a plain struct, attributes.
class Question {
  public:
    template <typename Body>
    Question(std::uint16_t type, std::uint16_t flags, const Body& body) {
        header_.nlmsg_type = type;
        header_.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
        put(&header_, sizeof header_);
        put(&body, sizeof body);
    }
    Question& with(std::uint16_t type, const void* value, std::size_t size);
    Question& with(std::uint16_t type, std::uint32_t value) { return with(type, &value, sizeof value); }
    [[nodiscard]] const std::vector<std::uint8_t>& bytes(std::uint32_t number);

  private:
    void put(const void* bytes, std::size_t size);

    nlmsghdr header_{};
    std::vector<std::uint8_t> bytes_;
};

/// Attributes of a message, each with its type; nested ones are the value of another.
void each_attribute(ByteSpan bytes, const std::function<void(std::uint16_t type, ByteSpan value)>& visit);

class Netlink {
  public:
    [[nodiscard]] static core::Result<Netlink> open(int protocol, const char* name);

    /// `visit` gets what is behind the header of each message. The kernel's refusal is an error. Rests of an answer
    /// that nobody waited for do not count.
    [[nodiscard]] core::Result<void> ask(Question question, const std::function<void(ByteSpan body)>& visit);

  private:
    Netlink(sys::Fd socket, const char* name) : socket_(std::move(socket)), name_(name) {}

    sys::Fd socket_;
    const char* name_;
    std::uint32_t asked_ = 0;        ///< the number of the last question
    std::vector<std::uint8_t> part_; ///< of an answer
};

} // namespace pfild::guard
