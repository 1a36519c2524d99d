// SPDX-License-Identifier: BSD-2-Clause
// Random programs that verify, and random packets for them: the same for the same seed on every machine.
//
// What a program may contain says how much of the machine the two judges that are compared agree on (contract 3.5).
// Whatever the choice, a program is valid, and its last instructions fold A into a number from 0 to 255, so that a
// judge who tells only min(result, packet length) still tells the accumulator apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "cbpf/instruction.h"

namespace pfild::tests {

/// The parts of the machine that Linux or libpcap see differently.
struct Dialect {
    bool register_shifts = true; ///< lsh x and rsh x (CF-25)
    bool wild_offsets = true;    ///< loads from 2^31 on, and [x+k] with any X (CF-22, CF-23)
};

class RandomProgram {
  public:
    RandomProgram(std::uint32_t seed, Dialect dialect) : random_(seed), dialect_(dialect) {}

    std::vector<cbpf::Instruction> program(std::size_t body_length) {
        program_.clear();
        is_target_.clear();
        for (std::uint32_t word = 0; word < kWords; ++word) { // written on every path from here on (CF-09)
            put(cbpf::Opcode::kLdImm, interesting());
            put(cbpf::Opcode::kSt, word);
        }
        while (program_.size() < body_length + 2 * kWords) {
            add_one();
        }
        add_epilogue();
        aim_jumps();
        return program_;
    }

    std::vector<std::uint8_t> packet(std::size_t longest) {
        std::vector<std::uint8_t> bytes(below(static_cast<std::uint32_t>(longest) + 1));
        for (std::uint8_t& byte : bytes) {
            byte = static_cast<std::uint8_t>(random_());
        }
        return bytes;
    }

    /// 0 to limit - 1. The distributions of the standard library differ between libraries, this does not.
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_()) % limit; }

  private:
    static constexpr std::size_t kWords = 4; ///< of M that programs use, after storing to each

    void put(cbpf::Opcode opcode, std::uint32_t k, bool is_target = true) {
        program_.push_back({info(opcode).code, 0, 0, k});
        is_target_.push_back(is_target);
    }

    /// Numbers at which something changes, or any number.
    std::uint32_t interesting() {
        constexpr std::uint32_t kEdges[] = {0, 1, 2, 31, 32, 33, 255, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
        return below(2) == 0 ? kEdges[below(std::size(kEdges))] : static_cast<std::uint32_t>(random_());
    }

    /// Mostly inside a packet; sometimes beyond its end.
    std::uint32_t offset() {
        if (dialect_.wild_offsets && below(30) == 0) {
            return interesting();
        }
        return below(30) == 0 ? below(0x7fffff00) : below(48);
    }

    void add_one() {
        using cbpf::Opcode;
        using cbpf::Operand;
        const auto opcode = static_cast<Opcode>(below(cbpf::kOpcodeCount));
        if (opcode == Opcode::kRetK || opcode == Opcode::kRetA) {
            if (below(8) == 0) {
                put(opcode, below(256));
            }
            return;
        }
        if ((opcode == Opcode::kLshX || opcode == Opcode::kRshX) && !dialect_.register_shifts) {
            return;
        }
        switch (cbpf::info(opcode).operand) {
        case Operand::kIndexed:
            add_indexed(opcode);
            break;
        case Operand::kAbsolute:
        case Operand::kHeader:
            put(opcode, offset());
            break;
        case Operand::kMemory:
            put(opcode, below(static_cast<std::uint32_t>(kWords)));
            break;
        case Operand::kConstant:
            put(opcode, constant_for(opcode));
            break;
        default:
            put(opcode, interesting()); // k is unused, or is set by aim_jumps()
        }
    }

    /// [x+k] right behind a `ldx 4*([k]&0xf)` that no jump can skip, unless any X will do.
    void add_indexed(cbpf::Opcode opcode) {
        if (!dialect_.wild_offsets || below(4) != 0) {
            put(cbpf::Opcode::kLdxMsh, below(24));
            put(opcode, below(32), false);
        } else {
            put(opcode, offset());
        }
    }

    std::uint32_t constant_for(cbpf::Opcode opcode) {
        switch (opcode) {
        case cbpf::Opcode::kDivK:
        case cbpf::Opcode::kModK: {
            const std::uint32_t k = interesting();
            return k == 0 ? 1 : k;
        }
        case cbpf::Opcode::kLshK:
        case cbpf::Opcode::kRshK:
            return below(32);
        default:
            return interesting();
        }
    }

    void add_epilogue() {
        using cbpf::Opcode;
        for (const std::uint32_t half : {16U, 8U}) {
            put(Opcode::kTax, 0);
            put(Opcode::kRshK, half);
            put(Opcode::kXorX, 0);
        }
        put(Opcode::kAndK, 0xff);
        put(Opcode::kRetA, 0);
    }

    void aim_jumps() {
        for (std::size_t index = 0; index < program_.size(); ++index) {
            cbpf::Instruction& instruction = program_[index];
            switch (info(*cbpf::opcode_of(instruction.code)).operand) {
            case cbpf::Operand::kJump:
                instruction.k = distance(index);
                break;
            case cbpf::Operand::kBranch:
            case cbpf::Operand::kBranchX:
                instruction.jt = static_cast<std::uint8_t>(distance(index));
                instruction.jf = static_cast<std::uint8_t>(distance(index));
                break;
            default:
                break;
            }
        }
    }

    std::uint32_t distance(std::size_t index) {
        const auto behind = static_cast<std::uint32_t>(program_.size() - index - 1);
        std::uint32_t skipped = below(behind < 6 ? behind : 6);
        while (!is_target_[index + 1 + skipped]) {
            ++skipped; // ends: the last instruction is a target
        }
        return skipped;
    }

    std::mt19937 random_;
    Dialect dialect_;
    std::vector<cbpf::Instruction> program_;
    std::vector<bool> is_target_; ///< by instruction: a jump may lead to it
};

} // namespace pfild::tests
