// SPDX-License-Identifier: BSD-2-Clause
#include "tests/oracle/proof/trace.h"

#include "cbpf/packet.h"
#include "tests/oracle/reference.h"

namespace pfild::tests {

void follow(std::span<const cbpf::Instruction> code, std::span<const std::uint8_t> packet, std::uint32_t wire_length,
            Trace& trace) {
    trace.visits.clear();
    trace.result = reference_run(code, packet, wire_length, [&](std::size_t pc, std::uint32_t x) {
        trace.visits.push_back({pc, x});
    });
}

Ending Trace::ending(std::span<const cbpf::Instruction> code) const {
    const auto [pc, x] = visits.back();
    const cbpf::Instruction& last = code[pc];
    const cbpf::Opcode opcode = *cbpf::opcode_of(last.code);
    switch (opcode) {
    case cbpf::Opcode::kRetK:
        return Ending::kReturnK;
    case cbpf::Opcode::kRetA:
        return Ending::kReturnA;
    case cbpf::Opcode::kDivX:
    case cbpf::Opcode::kModX:
        return Ending::kDivision;
    case cbpf::Opcode::kLshX:
        return Ending::kLeftShift;
    case cbpf::Opcode::kRshX:
        return Ending::kRightShift;
    default:
        break;
    }
    if (cbpf::info(opcode).operand == cbpf::Operand::kIndexed) {
        return std::uint64_t{x} + last.k >= cbpf::Packet::kOffsetLimit ? Ending::kIndexed : Ending::kOutside;
    }
    return last.k >= cbpf::Packet::kOffsetLimit ? Ending::kBeyond : Ending::kOutside;
}

} // namespace pfild::tests
