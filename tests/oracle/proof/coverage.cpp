// SPDX-License-Identifier: BSD-2-Clause
#include "tests/oracle/proof/coverage.h"

#include <algorithm>

namespace pfild::tests {
namespace {

using cbpf::Instruction;
using cbpf::Opcode;
using cbpf::Operand;

enum Shape : std::size_t { kNext, kNear, kLast, kFar };
constexpr std::array<const char*, 4> kShapeNames{"0", "near", "last", "far"};
constexpr std::array<const char*, 4> kProgramNames{"1 instruction", "2 to 63 instructions", "64 to 511 instructions",
                                                   "512 instructions"};
constexpr std::array<const char*, 5> kPacketNames{"0 bytes", "9000 bytes", "one piece", "several pieces",
                                                  "an empty piece"};

constexpr std::array<const char*, 5> kGuardNames{"none", "first piece too short", "fails", "holds: result",
                                                 "holds: call"};

/// => `behind` instructions follow the jump, more than are skipped.
Shape shape_of(std::uint32_t skipped, std::size_t behind) {
    return skipped == 0 ? kNext : skipped >= 255 ? kFar : skipped + 1 == behind ? kLast : kNear;
}

bool is_branch(Opcode opcode) {
    const Operand operand = info(opcode).operand;
    return operand == Operand::kBranch || operand == Operand::kBranchX;
}

/// Both ways of a branch have one shape only if they are near, or alike; and what is last is not far.
bool can_be(std::size_t jt, std::size_t jf) {
    return jt == jf ? jt == kNear : !(jt == kLast && jf == kFar) && !(jt == kFar && jf == kLast);
}

/// "add k", "add x", "ld [x+k]", ..
std::string full_name(const cbpf::OpcodeInfo& row) {
    constexpr std::array<const char*, cbpf::kOperandCount> kOperands{"",    " k", " [k]", " [x+k]", " M", " len",
                                                                     " 4*", " x", " a",   "",       " k", " x"};
    return std::string(row.name) + kOperands[static_cast<std::size_t>(row.operand)];
}

} // namespace

void Coverage::note_program(std::span<const Instruction> code) {
    const std::size_t length = code.size();
    ++programs_[length == 1 ? 0 : length < 64 ? 1 : length < cbpf::kMaxInstructions ? 2 : 3];
}

void Coverage::note_packet(std::span<const std::uint8_t> bytes, std::span<const cbpf::Piece> pieces) {
    packets_[0] += bytes.empty() ? 1 : 0;
    packets_[1] += bytes.size() == AnyPacket::kLongestPacket ? 1 : 0;
    ++packets_[pieces.size() < 2 ? 2 : 3];
    packets_[4] += std::ranges::any_of(pieces, [](const auto& piece) { return piece.length == 0; }) ? 1 : 0;
}

void Coverage::note_run(std::span<const Instruction> code, const Trace& trace) {
    for (std::size_t at = 0; at < trace.visits.size(); ++at) {
        const std::size_t pc = trace.visits[at].pc;
        const bool goes_on = at + 1 < trace.visits.size();
        const Opcode opcode = *cbpf::opcode_of(code[pc].code);
        const bool taken = goes_on && is_branch(opcode) && trace.visits[at + 1].pc == pc + 1 + code[pc].jt;
        ++opcodes_[static_cast<std::size_t>(opcode)][taken ? 1 : 0];
        if (goes_on) {
            note_jump(code, pc, trace.visits[at + 1].pc);
        }
    }
    ++endings_[static_cast<std::size_t>(trace.ending(code))];
}

void Coverage::note_jump(std::span<const Instruction> code, std::size_t from, std::size_t to) {
    const Instruction& jump = code[from];
    const Opcode opcode = *cbpf::opcode_of(jump.code);
    const std::size_t behind = code.size() - from - 1;
    if (opcode == Opcode::kJa) {
        ++jumps_[shape_of(jump.k, behind)];
    } else if (is_branch(opcode) && jump.jt == jump.jf) {
        ++alike_[shape_of(jump.jt, behind)];
    } else if (is_branch(opcode)) {
        ++branches_[shape_of(jump.jt, behind)][shape_of(jump.jf, behind)][to == from + 1 + jump.jt ? 1 : 0];
    }
}

void Coverage::note_guard(const cbpf::jit::Guard& guard, const cbpf::Packet& packet) {
    const bool is_short = packet.first_piece().size() < guard.need;
    const bool holds = guard.mask != 0 && !is_short && guard.holds(packet.first_piece());
    ++guards_[guard.mask == 0 ? 0 : is_short ? 1 : !holds ? 2 : guard.result >= 0 ? 3 : 4];
}

std::vector<Coverage::Item> Coverage::items() const {
    std::vector<Item> items;
    const auto add = [&](const char* group, const std::string& what, std::uint64_t count) {
        items.push_back({std::string(group) + ' ' + what, count});
    };
    for (std::size_t index = 0; index < opcodes_.size(); ++index) {
        const cbpf::OpcodeInfo& row = cbpf::kOpcodes[index];
        if (is_branch(row.opcode)) {
            add("opcode", full_name(row) + ": yes", opcodes_[index][1]);
            add("opcode", full_name(row) + ": no", opcodes_[index][0]);
        } else {
            add("opcode", full_name(row), opcodes_[index][0]);
        }
    }
    for (std::size_t one = 0; one < kShapes; ++one) {
        add("jump", std::string("ja ") + kShapeNames[one], jumps_[one]);
        add("jump", std::string("alike ") + kShapeNames[one], alike_[one]);
        for (std::size_t other = 0; other < kShapes; ++other) {
            if (can_be(one, other)) {
                const std::string shape = std::string(kShapeNames[one]) + '/' + kShapeNames[other];
                add("jump", shape + ": yes", branches_[one][other][1]);
                add("jump", shape + ": no", branches_[one][other][0]);
            }
        }
    }
    for (std::size_t index = 0; index < endings_.size(); ++index) {
        add("end", std::string(kEndingNames[index]), endings_[index]);
    }
    for (std::size_t index = 0; index < programs_.size(); ++index) {
        add("program", kProgramNames[index], programs_[index]);
    }
    for (std::size_t index = 0; index < packets_.size(); ++index) {
        add("packet", kPacketNames[index], packets_[index]);
    }
    for (std::size_t index = 0; index < guards_.size(); ++index) {
        add("guard", kGuardNames[index], guards_[index]);
    }
    return items;
}

} // namespace pfild::tests
