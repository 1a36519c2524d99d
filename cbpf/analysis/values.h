// SPDX-License-Identifier: BSD-2-Clause
// What the registers can hold before each instruction, over all packets: the ground that the analyses stand on.
//
// One pass forward: jumps only lead ahead, so everything that leads to an instruction has been seen when the pass comes
// to it. Where paths meet, what holds is what holds on all of them. Jumps that no packet takes are not followed. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "cbpf/analysis/interval.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

/// Bits of a number that was loaded from a fixed offset.
struct Field {
    std::uint32_t offset; ///< of its first byte
    std::uint32_t size;   ///< 1, 2 or 4 bytes
    std::uint32_t mask;   ///< which bits of it are left, where they were

    bool operator==(const Field&) const = default;
};

struct Value {
    Interval interval;
    std::optional<Field> field; ///< what it is, exactly, if it is that

    bool operator==(const Value&) const = default;
};

struct Values {
    Value a;
    Value x;
    std::array<Value, kMemoryWords> memory; ///< words that were not written mean nothing (CF-09)
};

struct ValuesBefore {
    std::optional<Values> values; ///< nothing: no packet comes here
    bool taken = false;           ///< a conditional jump that some packet may take
    bool passed = false;          ///< some packet may go on from here, without taking the jump if it is one
};

/// By instruction.
[[nodiscard]] std::vector<ValuesBefore> values_of(const Program& program);

/// The same for who would know nothing: every instruction is reached, with any values, and every jump goes both ways.
[[nodiscard]] std::vector<ValuesBefore> unknown_values_of(const Program& program);

/// What a conditional jump compares A with.
[[nodiscard]] Interval compared_with(const Step& step, const Values& values);

/// Bytes that a load takes; 0 for what loads no bytes of the packet.
[[nodiscard]] std::uint32_t load_size_of(Opcode opcode);

/// Where a load begins: offsets, more than 32 bits where X + k does not fit them (CF-22). => load_size_of() is not 0.
struct Offsets {
    std::uint64_t low;
    std::uint64_t high;
};
[[nodiscard]] Offsets offsets_of(const Step& step, const Values& values);

} // namespace pfild::cbpf
