// SPDX-License-Identifier: BSD-2-Clause
// The one form that all passes of the native compiler work on: a verified program as a graph of blocks.
//
//     Program --decode--> Graph --passes.h--> Graph --emit--> native code
//
//     block 0   Read A = [12:2]             block 1   Read A = [23:1]
//               Branch A == 0x800  --yes--> ...
//                                  --no---> block 4   Return 0
//
// Invariants, kept by every pass:
//  - Edges lead to blocks of a higher index only, block 0 is where a run begins. So one walk from the first block to
//  the
//    last sees all that leads to a block before the block, and one walk back sees all that follows it.
//  - A Read is pure: that its bytes are there has been required before, on every path, by a Require. A Require is all
//    that can end a run early, always with result 0, so it may be done sooner, but never not at all.
//  - The answer for a packet in one piece is the interpreter's. For one in several pieces, a Require that its first
//    piece does not meet leaves the answer to the interpreter (emit.h).
//
// Plain values; owned by whoever compiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "cbpf/instruction.h"

namespace pfild::cbpf::jit {

/// What a program can assign to: A, X, and from kM0 on the words of M.
enum class Variable : std::uint8_t { kA, kX, kM0 };
inline constexpr std::size_t kVariables = 2 + kMemoryWords;

/// => word is below kMemoryWords.
[[nodiscard]] constexpr Variable memory_word(std::uint32_t word) noexcept {
    return static_cast<Variable>(static_cast<std::uint32_t>(Variable::kM0) + word);
}

/// What an offset counts from: the first byte of the packet, or the byte whose offset is in X.
enum class Base : std::uint8_t { kPacket, kX };

/// Bytes of the packet.
struct Place {
    Base base;
    std::uint8_t size;    ///< 1, 2 or 4; in a Match also 8
    std::uint32_t offset; ///< from the base

    /// Offset of the byte behind the last one.
    [[nodiscard]] constexpr std::uint32_t end() const noexcept { return offset + size; }
    bool operator==(const Place&) const = default;
};

/// The operand of arithmetic and comparisons: a constant, or nothing for X.
using ConstantOrX = std::optional<std::uint32_t>;

enum class Operation : std::uint8_t { kAdd, kSub, kMul, kDiv, kMod, kOr, kAnd, kXor, kLsh, kRsh, kNeg };

struct Set {
    Variable to;
    std::uint32_t value;
};
/// At least one side is A or X.
struct Copy {
    Variable to;
    Variable from;
};
/// `ld len`, `ldx len`.
struct WireLength {
    Variable to;
};
/// A = the bytes as a big-endian number.
struct Read {
    Place place;
};
/// X = 4 * (the byte & 15), CF-27.
struct ReadHeaderLength {
    std::uint32_t offset;
};
/// A = A operation operand; kNeg has none. => no divisor is 0 and no shift is 32 or more: that was required before.
struct Calculate {
    Operation operation;
    ConstantOrX operand;
};
/// The run ends with 0 unless `end` bytes, counted from the base, are in the packet (CF-20 to CF-23).
struct Require {
    Base base;
    std::uint32_t end;
};
/// The run ends with 0 if X is 0 (CF-24).
struct RequireDivisor {};
/// The run ends with 0 if X is 32 or more (CF-25).
struct RequireShift {};

using Op =
    std::variant<Set, Copy, WireLength, Read, ReadHeaderLength, Calculate, Require, RequireDivisor, RequireShift>;

enum class Relation : std::uint8_t { kEqual, kGreater, kGreaterOrEqual, kCommonBit };

/// A relation operand, unsigned (CF-26).
struct Compare {
    Relation relation;
    ConstantOrX operand;
};
/// (bytes & mask) == value, the bytes as they lie in the packet, as a little-endian number: no byte is swapped when
/// the program runs. Like a Read it relies on a Require.
struct Match {
    Place place;
    std::uint64_t mask;
    std::uint64_t value;
};
using Test = std::variant<Compare, Match>;

using BlockIndex = std::uint32_t;

/// The result is the constant, or A.
struct Return {
    std::optional<std::uint32_t> constant;
};
struct Goto {
    BlockIndex to;
};
struct Branch {
    Test test;
    BlockIndex yes;
    BlockIndex no;
};
using End = std::variant<Return, Goto, Branch>;

/// Bytes that are certainly there, counted from each base; a base that is X means X as it is then.
struct Proven {
    std::uint32_t packet = 0;
    std::uint32_t x = 0;

    [[nodiscard]] std::uint32_t& from(Base base) noexcept { return base == Base::kPacket ? packet : x; }
    [[nodiscard]] std::uint32_t from(Base base) const noexcept { return base == Base::kPacket ? packet : x; }
};

struct Block {
    std::vector<Op> ops;
    End end = Return{0};
    Proven proven; ///< where the block ends; known once checks have been hoisted, until then nothing
};

struct Graph {
    std::vector<Block> blocks; ///< never empty
};

/// Calls `visit(BlockIndex&)` for each block that can follow; twice for the same one if both ways of a branch lead
/// there.
template <typename BlockOrConst, typename Visit>
void for_each_successor(BlockOrConst& block, Visit visit) {
    if (auto* jump = std::get_if<Goto>(&block.end)) {
        visit(jump->to);
    } else if (auto* branch = std::get_if<Branch>(&block.end)) {
        visit(branch->yes);
        visit(branch->no);
    }
}

[[nodiscard]] constexpr bool is_return_of_zero(const End& end) noexcept {
    const auto* result = std::get_if<Return>(&end);
    return result != nullptr && result->constant == 0U;
}

/// The variable that an operation assigns to, if any.
[[nodiscard]] std::optional<Variable> assigned(const Op& op) noexcept;

/// A visitor of several lambdas.
template <typename... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

} // namespace pfild::cbpf::jit
