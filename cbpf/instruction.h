// SPDX-License-Identifier: BSD-2-Clause
// One instruction of the classic BPF machine, and the 49 opcodes that exist (contract 3.1, 3.2).
//
// An Instruction is what programs exchange: 8 bytes, host byte order, laid out as struct bpf_insn of every BSD and as
// struct sock_filter of Linux. Its 16-bit code is sparse; Opcode numbers the same 49 operations densely from 0, which
// is what the interpreter switches on and what tables are indexed with. Nothing else is an opcode: opcode_of() is the
// only gate from the one to the other (CF-02).
//
//    byte 0      2     3     4            8
//         | code | jt  | jf  |     k      |
//
// Plain constants and pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pfild::cbpf {

struct Instruction {
    std::uint16_t code; ///< operation, one of kOpcodes[].code when it is valid
    std::uint8_t jt;    ///< instructions to skip when a conditional jump is taken
    std::uint8_t jf;    ///< instructions to skip when it is not
    std::uint32_t k;    ///< constant, packet offset, memory index or length of an unconditional jump

    bool operator==(const Instruction&) const = default;
};
static_assert(sizeof(Instruction) == 8 && alignof(Instruction) == 4);
static_assert(offsetof(Instruction, jt) == 2 && offsetof(Instruction, jf) == 3 && offsetof(Instruction, k) == 4);

inline constexpr std::size_t kMaxInstructions = 512; ///< longest program (CF-01)
inline constexpr std::size_t kMemoryWords = 16;      ///< scratch memory M[0..15] (CF-08)
inline constexpr std::uint32_t kShiftLimit = 32;     ///< shifts by this much or more are refused (CF-12, CF-25)

/// The operations, densely numbered, in the order of kOpcodes. A suffix K works on the constant, X on register X.
enum class Opcode : std::uint8_t {
    // A = packet at k; A = packet at X + k; A = constant, memory, wire length
    kLd,
    kLdh,
    kLdb,
    kLdInd,
    kLdhInd,
    kLdbInd,
    kLdImm,
    kLdMem,
    kLdLen,
    // X = constant, memory, wire length, length of the IPv4 header at k
    kLdxImm,
    kLdxMem,
    kLdxLen,
    kLdxMsh,
    // M[k] = A, M[k] = X
    kSt,
    kStx,
    // A = A op k, A = A op X
    kAddK,
    kAddX,
    kSubK,
    kSubX,
    kMulK,
    kMulX,
    kDivK,
    kDivX,
    kOrK,
    kOrX,
    kAndK,
    kAndX,
    kLshK,
    kLshX,
    kRshK,
    kRshX,
    kNeg,
    kModK,
    kModX,
    kXorK,
    kXorX,
    // jumps, forward only
    kJa,
    kJeqK,
    kJeqX,
    kJgtK,
    kJgtX,
    kJgeK,
    kJgeX,
    kJsetK,
    kJsetX,
    // the end, with k or A as the result
    kRetK,
    kRetA,
    // X = A, A = X
    kTax,
    kTxa,
};
inline constexpr std::size_t kOpcodeCount = 49;

/// How the operand of an operation is written, and which fields of the instruction it uses. Unused fields may hold
/// anything.
enum class Operand : std::uint8_t {
    kNone,     ///< nothing
    kConstant, ///< #k
    kAbsolute, ///< [k], a packet offset
    kIndexed,  ///< [x+k], a packet offset
    kMemory,   ///< M[k]
    kLength,   ///< len
    kHeader,   ///< 4*([k]&0xf), a packet offset
    kX,        ///< x
    kA,        ///< a
    kJump,     ///< +k, instructions to skip
    kBranch,   ///< #k,jt,jf
    kBranchX,  ///< x,jt,jf
};
inline constexpr std::size_t kOperandCount = 12;

struct OpcodeInfo {
    Opcode opcode;
    std::uint16_t code;
    std::string_view name; ///< bpf_asm's word for it
    Operand operand;
};

/// Name, code and operand of every operation; kOpcodes[i].opcode is i.
extern const std::array<OpcodeInfo, kOpcodeCount> kOpcodes;

/// The operation of a code, or nothing if there is none.
[[nodiscard]] std::optional<Opcode> opcode_of(std::uint16_t code) noexcept;

[[nodiscard]] inline const OpcodeInfo& info(Opcode opcode) noexcept {
    return kOpcodes[static_cast<std::size_t>(opcode)];
}

} // namespace pfild::cbpf
