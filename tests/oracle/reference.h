// SPDX-License-Identifier: BSD-2-Clause
// The classic BPF machine a second time: slow, and as close to the wording of the contract as code can be.
//
// It shares nothing with cbpf/ but the instruction's layout, so that a mistake would have to be made twice. Operations
// are taken from the bits of the code, not from a table; packets are arrays; the verifier walks every path instead of
// merging facts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "cbpf/instruction.h"

namespace pfild::tests {

/// Contract 3.2, group by group.
inline bool is_one_of_the_49(std::uint16_t code) {
    static const std::set<std::uint16_t> kCodes{
        0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x60, 0x80,             // ld
        0x01, 0x61, 0x81, 0xb1,                                           // ldx
        0x02, 0x03,                                                       // st, stx
        0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, // alu
        0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x94, 0x9c, 0xa4, 0xac, 0x84,       //
        0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d,             // jumps
        0x06, 0x16,                                                       // ret
        0x07, 0x87,                                                       // tax, txa
    };
    return kCodes.contains(code);
}

/// Accepts if no path through the program breaks a rule: contract 3.3, column "seed".
inline bool reference_accepts(std::span<const cbpf::Instruction> program) {
    if (program.empty() || program.size() > 512) { // CF-01
        return false;
    }
    std::set<std::pair<std::uint64_t, std::uint32_t>> seen; // (instruction, words of M written so far)
    std::vector<std::pair<std::uint64_t, std::uint32_t>> paths{{0, 0}};
    while (!paths.empty()) {
        auto [pc, written] = paths.back();
        paths.pop_back();
        if (!seen.insert({pc, written}).second) {
            continue;
        }
        if (pc >= program.size()) { // CF-05, CF-06
            return false;
        }
        const auto [code, jt, jf, k] = program[pc];
        if (!is_one_of_the_49(code)) { // CF-02
            return false;
        }
        const bool loads_memory = code == 0x60 || code == 0x61;
        const bool stores_memory = code == 0x02 || code == 0x03;
        if ((loads_memory || stores_memory) && k > 15) { // CF-08
            return false;
        }
        if (loads_memory && ((written >> k) & 1U) == 0) { // CF-09
            return false;
        }
        if ((code == 0x34 || code == 0x94) && k == 0) { // CF-11
            return false;
        }
        if ((code == 0x64 || code == 0x74) && k >= 32) { // CF-12
            return false;
        }
        if (stores_memory) {
            written |= 1U << k;
        }
        if (code == 0x05) {
            paths.emplace_back(pc + 1 + k, written);
        } else if ((code & 7U) == 5) {
            paths.emplace_back(pc + 1 + jt, written);
            paths.emplace_back(pc + 1 + jf, written);
        } else if ((code & 7U) != 6) {
            paths.emplace_back(pc + 1, written);
        }
    }
    return true;
}

/// A packet load: nothing if it is not wholly inside (CF-20, CF-22, CF-23).
inline std::optional<std::uint32_t> reference_load(std::span<const std::uint8_t> packet, std::uint64_t offset,
                                                   std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        if (offset + i >= packet.size()) {
            return std::nullopt;
        }
        value = value * 256 + packet[offset + i];
    }
    return value;
}

/// Contract 3.4: A after an arithmetic operation on A and `operand`; nothing if the program ends with 0.
inline std::optional<std::uint32_t> reference_alu(std::uint16_t code, std::uint32_t a, std::uint32_t operand) {
    const std::uint64_t wide = a;
    switch (code & 0xf0U) {
    case 0x00:
        return static_cast<std::uint32_t>(wide + operand);
    case 0x10:
        return static_cast<std::uint32_t>(wide - operand);
    case 0x20:
        return static_cast<std::uint32_t>(wide * operand);
    case 0x30:
        return operand == 0 ? std::nullopt : std::optional(a / operand); // CF-24
    case 0x40:
        return a | operand;
    case 0x50:
        return a & operand;
    case 0x60:
        return operand >= 32 ? std::nullopt : std::optional(static_cast<std::uint32_t>(wide << operand)); // CF-25
    case 0x70:
        return operand >= 32 ? std::nullopt : std::optional(static_cast<std::uint32_t>(wide >> operand)); // CF-25
    case 0x80:
        return static_cast<std::uint32_t>(0 - wide); // CF-28
    case 0x90:
        return operand == 0 ? std::nullopt : std::optional(a % operand); // CF-24
    default:
        return a ^ operand;
    }
}

/// CF-26: unsigned comparisons.
inline bool reference_compare(std::uint16_t code, std::uint32_t a, std::uint32_t operand) {
    switch (code & 0xf0U) {
    case 0x10:
        return a == operand;
    case 0x20:
        return a > operand;
    case 0x30:
        return a >= operand;
    default:
        return (a & operand) != 0;
    }
}

/// What a program yields. Tells `observe(pc, X)` each instruction before it is run. => reference_accepts(program)
template <typename Observe>
std::uint32_t reference_run(std::span<const cbpf::Instruction> program, std::span<const std::uint8_t> packet,
                            std::uint32_t wire_length, Observe observe) {
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    std::array<std::uint32_t, 16> memory{};
    for (std::size_t pc = 0;; ++pc) {
        const auto [code, jt, jf, k] = program[pc];
        observe(pc, x);
        const std::uint32_t operand = (code & 8U) != 0 ? x : k; // of arithmetic and jumps: X or the constant
        switch (code & 7U) {
        case 0:
        case 1: { // ld, ldx
            const std::size_t size = (code & 0x18U) == 0 ? 4 : (code & 0x18U) == 8 ? 2 : 1;
            std::optional<std::uint32_t> value;
            switch (code & 0xe0U) {
            case 0x00:
                value = k;
                break;
            case 0x20:
                value = reference_load(packet, k, size);
                break;
            case 0x40:
                value = reference_load(packet, std::uint64_t{x} + k, size);
                break;
            case 0x60:
                value = memory.at(k);
                break;
            case 0x80:
                value = wire_length; // CF-21
                break;
            default:
                value = reference_load(packet, k, 1);
                value = value ? std::optional((*value % 16) * 4) : std::nullopt; // CF-27
            }
            if (!value) {
                return 0;
            }
            ((code & 1U) == 0 ? a : x) = *value;
            break;
        }
        case 2:
            memory.at(k) = a;
            break;
        case 3:
            memory.at(k) = x;
            break;
        case 4: {
            const std::optional<std::uint32_t> value = reference_alu(code, a, operand);
            if (!value) {
                return 0;
            }
            a = *value;
            break;
        }
        case 5:
            pc += (code & 0xf0U) == 0 ? k : reference_compare(code, a, operand) ? jt : jf;
            break;
        case 6:
            return (code & 0x10U) != 0 ? a : k;
        default:
            ((code & 0x80U) != 0 ? a : x) = (code & 0x80U) != 0 ? x : a;
        }
    }
}

inline std::uint32_t reference_run(std::span<const cbpf::Instruction> program, std::span<const std::uint8_t> packet,
                                   std::uint32_t wire_length) {
    return reference_run(program, packet, wire_length, [](std::size_t /*pc*/, std::uint32_t /*x*/) {});
}

} // namespace pfild::tests
