// SPDX-License-Identifier: BSD-2-Clause
// What of a packet a program's result can depend on, and how much of the packet it takes to find out.
//
//    | 0 ... 11 | 12 13 | 14 | 15 ... 19 | 20 21 | ...                 `tcp dst port 443` of Ethernet:
//                 ^^^^^   ^^               ^^^^^                       12-14, 20-21, 23, 56-57, and one of 16-77
//
// Every answer is on the safe side, and tested against the machine: a change of any byte that is not named, and a cut
// behind `to_judge`, never changes the result. What is named may matter; perhaps it never does. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cbpf/program.h"

namespace pfild::cbpf {

/// Both ends included.
struct ByteRange {
    std::uint32_t first;
    std::uint32_t last;

    bool operator==(const ByteRange&) const = default;
};

/// An instruction that brings in bytes on which the result can depend.
struct Reading {
    std::size_t instruction;
    ByteRange bytes;    ///< all that it may bring in; the last one 0x7fffffff if that has no bound
    bool computed;      ///< the offset is computed: each time it is some of these bytes
    std::uint32_t mask; ///< which bits of what it loads can matter

    bool operator==(const Reading&) const = default;
};

/// More than any packet has.
inline constexpr std::uint32_t kWholePacket = ~std::uint32_t{0};

struct Dependence {
    std::vector<ByteRange> bytes;  ///< those of all readings, in order; no two overlap or touch
    std::vector<Reading> readings; ///< by instruction
    bool wire_length = false;      ///< the length that the packet had on the wire can matter
    std::uint32_t to_judge = 0;    ///< the result is the same for every packet that is cut behind so many bytes
    std::uint32_t to_keep = 0;     ///< the most bytes that it can ask for
};

[[nodiscard]] Dependence dependence_of(const Program& program);

} // namespace pfild::cbpf
