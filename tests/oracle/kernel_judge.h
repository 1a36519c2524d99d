// SPDX-License-Identifier: BSD-2-Clause
// Lets the kernel run classic BPF, without root and without a network.
//
// A filter attached to a datagram socket of AF_UNIX cuts every datagram to the length that the filter returns, and
// drops it when that is 0. So what arrives tells min(result, length of the packet). The socket sees the packet and
// nothing in front of it: offset 0 of a load is its first byte.
//
//    program --SO_ATTACH_FILTER--> receiver <===socketpair=== sender <-- packet
//
// Owns both sockets. One thread. const means that the descriptors stay; what the sockets hold changes.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "cbpf/instruction.h"

namespace pfild::tests {

class KernelJudge {
  public:
    /// Or why this machine has no such judge.
    [[nodiscard]] static tl::expected<KernelJudge, std::string> open();

    KernelJudge(KernelJudge&& other) noexcept;
    KernelJudge& operator=(KernelJudge&& other) = delete;
    KernelJudge(const KernelJudge&) = delete;
    KernelJudge& operator=(const KernelJudge&) = delete;
    ~KernelJudge();

    /// Makes `program` the filter. False if the kernel refuses it, the one before then stays.
    [[nodiscard]] bool accepts(std::span<const cbpf::Instruction> program) const;

    /// Bytes of `packet` that the filter lets through; -1 if the packet could not be sent.
    [[nodiscard]] std::int64_t delivered(std::span<const std::uint8_t> packet) const;

  private:
    KernelJudge(int receiver, int sender) : receiver_(receiver), sender_(sender) {}

    int receiver_;
    int sender_;
};

} // namespace pfild::tests
