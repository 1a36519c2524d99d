// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the verifier, the interpreter and the native code: whatever program verifies must run without a fault, yield
// the same over every cut of the packet, and yield what the reference machine yields; and the verifier must accept what
// the reference accepts.
//
// An input is
//
//    byte 0       1        2          3..4          then               then
//    | cut      | offset | packet n | wire length | n packet bytes   | instructions of 8 bytes each |
//
// where an instruction is opcode, -, jt, jf, k as 4 bytes, little-endian. Bit 7 of the cut takes the opcode bytes as
// 16-bit codes; otherwise the first is an index into the 49, so that most programs get further than CF-02.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "cbpf/machine.h"
#include "cbpf/text.h"
#include "tests/oracle/reference.h"

namespace {

using pfild::cbpf::Engine;
using pfild::cbpf::Instruction;
using pfild::cbpf::Machine;
using pfild::cbpf::Packet;
using pfild::cbpf::Piece;
using pfild::cbpf::Program;

constexpr std::size_t kHeader = 5;
constexpr std::size_t kLongestForReference = 24; ///< its walk along every path takes exponential time

void require(bool holds, const char* what, std::span<const Instruction> code) {
    if (!holds) {
        (void)std::fprintf(stderr, "%s\n%s", what, pfild::cbpf::print_decimal(code).c_str());
        std::abort();
    }
}

std::vector<Instruction> instructions_of(std::span<const std::uint8_t> bytes, bool raw_codes) {
    std::vector<Instruction> code;
    for (; bytes.size() >= sizeof(Instruction); bytes = bytes.subspan(sizeof(Instruction))) {
        const auto raw = static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8U);
        const std::uint32_t k = bytes[4] | static_cast<std::uint32_t>(bytes[5]) << 8U |
                                static_cast<std::uint32_t>(bytes[6]) << 16U |
                                static_cast<std::uint32_t>(bytes[7]) << 24U;
        code.push_back(
            {raw_codes ? raw : pfild::cbpf::kOpcodes[raw % pfild::cbpf::kOpcodeCount].code, bytes[2], bytes[3], k});
    }
    return code;
}

/// Two machines that must agree.
struct Machines {
    Machine interpreter;
    Machine native;

    [[nodiscard]] std::uint32_t run(const Packet& packet) const {
        const std::uint32_t result = interpreter.run(packet);
        require(result == native.run(packet), "native code differs", interpreter.program().instructions());
        return result;
    }
};

/// The bytes in pieces of `length`, each an allocation of its own.
std::uint32_t run_in_pieces(const Machines& machines, std::span<const std::uint8_t> bytes, std::size_t length,
                            std::uint32_t offset, std::uint32_t wire_length) {
    std::vector<std::vector<std::uint8_t>> parts;
    std::vector<Piece> pieces;
    for (std::size_t at = 0; at < bytes.size(); at += length) {
        const auto piece = bytes.subspan(at, std::min(length, bytes.size() - at));
        parts.emplace_back(piece.begin(), piece.end());
        pieces.push_back({parts.back().data(), static_cast<std::uint32_t>(piece.size())});
    }
    return machines.run(Packet(pieces, offset, wire_length));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    if (size < kHeader || size < kHeader + data[2]) {
        return 0;
    }
    const std::span<const std::uint8_t> input(data, size);
    const std::size_t cut = (data[0] & 0x1fU) + 1U;
    const std::uint32_t wire_length = data[3] | static_cast<std::uint32_t>(data[4]) << 8U;
    const std::span<const std::uint8_t> bytes = input.subspan(kHeader, data[2]);
    const std::vector<Instruction> code = instructions_of(input.subspan(kHeader + data[2]), (data[0] & 0x80U) != 0);

    const auto program = Program::verify(code);
    if (code.size() <= kLongestForReference) {
        require(program.has_value() == pfild::tests::reference_accepts(code), "the verifiers differ", code);
    }
    if (!program) {
        require(!program.error().message().empty(), "a rejection without words", code);
        return 0;
    }
    const std::uint32_t offset = std::min<std::uint32_t>(data[1], static_cast<std::uint32_t>(bytes.size()));
    const std::vector<std::uint8_t> shown(bytes.begin() + offset, bytes.end()); // an allocation of its own
    const Machines machines{Machine(*program, Engine::kInterpreter), Machine(*program)};
    const std::uint32_t result = machines.run(Packet(shown, wire_length));
    require(result == run_in_pieces(machines, bytes, cut, offset, wire_length), "pieces change the result", code);
    require(result == pfild::tests::reference_run(code, shown, wire_length), "the machines differ", code);
    return 0;
}
