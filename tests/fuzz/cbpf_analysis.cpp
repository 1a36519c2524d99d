// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the analyses: whatever program verifies, what they say of it is contradicted by no packet.
//
//    byte 0       1             2                       then               then
//    | packet n | what to put | which instruction ... | n packet bytes   | instructions of 8 bytes each |
//
// where an instruction is an index into the 49 opcodes, -, jt, jf, k as 4 bytes, little-endian. A byte of the program
// is disturbed and the two programs compared: found equal, they must answer the same. So must the reduced program.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "cbpf/analysis/dependence.h"
#include "cbpf/analysis/equivalence.h"
#include "cbpf/analysis/link_types.h"
#include "cbpf/interpret.h"
#include "cbpf/reduce/reduce.h"
#include "cbpf/text.h"

namespace {

using pfild::cbpf::ByteRange;
using pfild::cbpf::Dependence;
using pfild::cbpf::Instruction;
using pfild::cbpf::Packet;
using pfild::cbpf::Program;

constexpr std::size_t kHeader = 3;

void require(bool holds, const char* what, const Program& program) {
    if (!holds) {
        (void)std::fprintf(stderr, "%s\n%s", what, pfild::cbpf::print_decimal(program.instructions()).c_str());
        std::abort();
    }
}

std::vector<Instruction> instructions_of(std::span<const std::uint8_t> bytes) {
    std::vector<Instruction> code;
    for (; bytes.size() >= sizeof(Instruction); bytes = bytes.subspan(sizeof(Instruction))) {
        const std::uint32_t k = bytes[4] | static_cast<std::uint32_t>(bytes[5]) << 8U |
                                static_cast<std::uint32_t>(bytes[6]) << 16U |
                                static_cast<std::uint32_t>(bytes[7]) << 24U;
        code.push_back({pfild::cbpf::kOpcodes[bytes[0] % pfild::cbpf::kOpcodeCount].code, bytes[2], bytes[3], k});
    }
    return code;
}

bool names(const Dependence& dependence, std::uint32_t byte) {
    return std::any_of(dependence.bytes.begin(), dependence.bytes.end(),
                       [byte](ByteRange range) { return range.first <= byte && byte <= range.last; });
}

void judge_dependence(const Program& program, const std::vector<std::uint8_t>& bytes, std::uint8_t put) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    const Dependence dependence = pfild::cbpf::dependence_of(program);
    const std::uint32_t result = interpret(program, Packet(bytes, length));
    require(result <= dependence.to_keep, "asks for more than it may keep", program);
    std::vector<std::uint8_t> others = bytes;
    for (std::uint32_t at = 0; at < length; ++at) {
        others[at] = names(dependence, at) ? others[at] : put;
    }
    require(interpret(program, Packet(others, length)) == result, "a byte that was not named matters", program);
    const auto front = std::span(bytes).first(std::min(dependence.to_judge, length));
    require(interpret(program, Packet(front, length)) == result, "a cut matters", program);
    require(dependence.wire_length || interpret(program, Packet(bytes, length + put)) == result, "the length matters",
            program);
}

void judge_equivalence(const Program& program, const Program& other, const std::vector<std::uint8_t>& bytes) {
    if (!pfild::cbpf::certainly_equal(program, other)) {
        return;
    }
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
        const std::span<const std::uint8_t> front = std::span(bytes).first(length);
        const Packet packet(front, static_cast<std::uint32_t>(bytes.size()));
        require(interpret(program, packet) == interpret(other, packet), "found equal, but is not", other);
    }
}

void judge_reduction(const Program& program, const std::vector<std::uint8_t>& bytes) {
    const auto reduced = Program::verify(pfild::cbpf::reduced(program));
    require(reduced.has_value(), "does not verify once it is reduced", program);
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
        const std::span<const std::uint8_t> front = std::span(bytes).first(length);
        const Packet packet(front, static_cast<std::uint32_t>(bytes.size()));
        require(interpret(program, packet) == interpret(*reduced, packet), "another answer once it is reduced",
                program);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    if (size < kHeader || size < kHeader + data[0]) {
        return 0;
    }
    const std::span<const std::uint8_t> input(data, size);
    const std::vector<std::uint8_t> bytes(input.begin() + kHeader, input.begin() + kHeader + data[0]);
    std::vector<Instruction> code = instructions_of(input.subspan(kHeader + data[0]));
    const auto program = Program::verify(code);
    if (!program) {
        return 0;
    }
    judge_dependence(*program, bytes, data[1]);
    judge_reduction(*program, bytes);
    (void)pfild::cbpf::link_fits_of(*program);
    Instruction& disturbed = code[data[2] % code.size()];
    std::swap(disturbed.jt, disturbed.jf);
    disturbed.k ^= data[1];
    if (const auto other = Program::verify(code)) {
        judge_equivalence(*program, *other, bytes);
    }
    return 0;
}
