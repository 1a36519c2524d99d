// SPDX-License-Identifier: BSD-2-Clause
// Instructions of the kernel's machine (eBPF), as far as lowered programs need them.
//
//    byte 0      1            2        4          8
//         | code | src | dst  | offset |   number  |      struct bpf_insn of linux/bpf.h, host byte order
//
// Source: Documentation/bpf/standardization/instruction-set.rst of the kernel. Plain constants and pure functions; any
// thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace pfild::ebpf {

struct Instruction {
    std::uint8_t code;
    std::uint8_t registers; ///< destination and source, 4 bits each; which is which depends on the byte order
    std::int16_t offset;    ///< of memory in bytes, or of a jump in instructions from the next one
    std::int32_t number;    ///< constant, helper or map

    bool operator==(const Instruction&) const = default;
};
static_assert(sizeof(Instruction) == 8 && alignof(Instruction) == 4);
static_assert(offsetof(Instruction, offset) == 2 && offsetof(Instruction, number) == 4);

/// r1 to r5 do not survive the call of a helper, which returns in r0; the stack lies below kFrame.
enum class Register : std::uint8_t { k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, kFrame };

enum class Size : std::uint8_t { k4 = 0x00, k2 = 0x08, k1 = 0x10, k8 = 0x18 };

/// Of 1, 2, 4 or 8 bytes.
[[nodiscard]] constexpr Size size_of(std::uint32_t bytes) noexcept {
    return bytes == 1 ? Size::k1 : bytes == 2 ? Size::k2 : bytes == 4 ? Size::k4 : Size::k8;
}

enum class Arithmetic : std::uint8_t {
    kAdd = 0x00,
    kSub = 0x10,
    kMul = 0x20,
    kDiv = 0x30,
    kOr = 0x40,
    kAnd = 0x50,
    kLsh = 0x60,
    kRsh = 0x70,
    kNeg = 0x80,
    kMod = 0x90,
    kXor = 0xa0,
    kMove = 0xb0,
};

/// Unsigned.
enum class Condition : std::uint8_t {
    kAlways = 0x00,
    kEqual = 0x10,
    kGreater = 0x20,
    kGreaterOrEqual = 0x30,
    kCommonBit = 0x40,
    kNotEqual = 0x50,
    kLess = 0xa0,
    kLessOrEqual = 0xb0,
};

/// Of operands: the lower halves, with the result's upper half 0, or whole registers.
enum class Width : std::uint8_t { k32, k64 };

enum class Helper : std::int32_t {
    kMapLookup = 1,
    kSkbLoadBytes = 26,
    kCsumUpdate = 40,
    kCsumLevel = 135,
    kXdpBufferLength = 188,
    kXdpLoadBytes = 189,
};

/// What an instruction says apart from its two registers.
struct Fields {
    std::uint8_t code;
    std::int16_t offset = 0;
    std::int32_t number = 0;
};

[[nodiscard]] constexpr Instruction make(Fields fields, Register destination, Register source) noexcept {
    const auto low = static_cast<std::uint8_t>(std::endian::native == std::endian::little ? destination : source);
    const auto high = static_cast<std::uint8_t>(std::endian::native == std::endian::little ? source : destination);
    return {fields.code, static_cast<std::uint8_t>(high << 4U | low), fields.offset, fields.number};
}

} // namespace pfild::ebpf
