// SPDX-License-Identifier: BSD-2-Clause
// Random programs of 1 to 512 instructions that verify, with random packets for them (any_packet.h): for machines that
// must agree on everything.
//
// Unlike RandomProgram of the oracles nothing is left out and nothing is regular: every opcode anywhere, jumps of every
// length, words of M that only some ways write, code that nothing reaches, and runs that end early for every reason. So
// that runs do get far, most offsets are small, most indexes are made small just before they are used, and constants
// are made of the few bytes that packets are made of, which makes comparisons hold.
//
// For the kernel as judge (Scope::kLinux) what it refuses is left out, and every return becomes a jump to an end that
// returns A folded to a byte: a socket tells no more than min(result, packet length).
//
// The same for the same seed and compiler.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "cbpf/instruction.h"
#include "tests/unit/cbpf/any_operand.h"

namespace pfild::tests {

class AnyProgram : public AnyOperand {
  public:
    explicit AnyProgram(std::uint32_t seed, Scope scope = Scope::kContract) : AnyOperand(seed, scope) {}

    std::vector<cbpf::Instruction> program() {
        const std::size_t longest = cbpf::kMaxInstructions - (is_for_linux() ? kFolded.size() : 0);
        constexpr std::array<std::uint32_t, 3> kLongest{4, 24, 100};
        const std::uint32_t kind = below(4);
        std::size_t length = 1 + below(kind < 3 ? kLongest[kind] : static_cast<std::uint32_t>(longest));
        if (one_in(12)) {
            length = longest;
        }
        choose_palette();
        choose_kind();
        ways_.assign(length + 1, {});
        ways_[0] = {true, 0};
        program_.clear();
        if (length > 1 && one_in(3)) { // where every run comes to it
            constexpr auto kFirst = static_cast<std::uint32_t>(cbpf::Opcode::kJa);
            add_jump(static_cast<cbpf::Opcode>(kFirst + below(4) * below(3)), length);
        } else if (length > 3 && is_filter() && one_in(2)) {
            add_first_test(length);
        }
        while (program_.size() < length) {
            const bool is_last = program_.size() + 1 == length;
            if (!here().reachable && !is_for_linux() && one_in(2)) {
                put(static_cast<std::uint16_t>(any()), number()); // anything at all (CF-07)
            } else if (is_last || one_in(60)) {
                add_return();
            } else {
                add_any(length);
            }
        }
        if (is_for_linux()) {
            fold_returns();
        }
        return program_;
    }

  private:
    /// A ^= A >> 16, A ^= A >> 8, A &= 255, return A.
    static constexpr std::array<cbpf::Instruction, 8> kFolded{{{0x07, 0, 0, 0},
                                                               {0x74, 0, 0, 16},
                                                               {0xac, 0, 0, 0},
                                                               {0x07, 0, 0, 0},
                                                               {0x74, 0, 0, 8},
                                                               {0xac, 0, 0, 0},
                                                               {0x54, 0, 0, 255},
                                                               {0x16, 0, 0, 0}}};

    /// A load and a comparison whose one way leads to the end: as people's filters begin, with the ethertype.
    void add_first_test(std::size_t length) {
        put_running(static_cast<cbpf::Opcode>(below(3)), 4 + below(20)); // ld, ldh, ldb
        const std::size_t next = program_.size() + 1;
        const auto last = static_cast<std::uint8_t>(std::min<std::size_t>(length - 1 - next, 255));
        const std::uint32_t written = here().written;
        const bool rejects_others = !one_in(4);
        put(one_in(4) ? 0x45 : 0x15, number(), rejects_others ? 0 : last, rejects_others ? last : 0);
        arrive(next, written);
        arrive(next + last, written);
    }

    void fold_returns() {
        const std::size_t length = program_.size();
        for (std::size_t index = 0; index < length; ++index) {
            if (program_[index].code == 0x06 || program_[index].code == 0x16) {
                program_[index] = {0x05, 0, 0, static_cast<std::uint32_t>(length - index - 1)};
            }
        }
        program_.insert(program_.end(), kFolded.begin(), kFolded.end());
    }

    /// What the verifier knows in front of an instruction.
    struct Way {
        bool reachable = false;
        std::uint32_t written = 0; ///< words of M, on every way
    };

    Way& here() { return ways_[program_.size()]; }

    void arrive(std::size_t index, std::uint32_t written) {
        Way& way = ways_[index];
        way.written = way.reachable ? way.written & written : written;
        way.reachable = true;
    }

    void put(std::uint16_t code, std::uint32_t k, std::uint8_t jt = 0, std::uint8_t jf = 0) {
        program_.push_back({code, jt, jf, k});
    }

    /// An instruction after which the next one runs.
    void put_running(cbpf::Opcode opcode, std::uint32_t k) {
        const Way way = here();
        const bool stores = opcode == cbpf::Opcode::kSt || opcode == cbpf::Opcode::kStx;
        put(cbpf::info(opcode).code, k, static_cast<std::uint8_t>(any()), static_cast<std::uint8_t>(any()));
        if (way.reachable) {
            arrive(program_.size(), way.written | (stores ? 1U << k : 0U));
        }
    }

    void add_return() { put(one_in(2) ? 0x06 : 0x16, one_in(3) ? 0 : number()); }

    void add_any(std::size_t length) {
        using cbpf::Opcode;
        using cbpf::Operand;
        const auto opcode = is_filter() ? opcode_of_filters() : static_cast<Opcode>(below(cbpf::kOpcodeCount));
        switch (cbpf::info(opcode).operand) {
        case Operand::kJump:
        case Operand::kBranch:
        case Operand::kBranchX:
            add_jump(opcode, length);
            return;
        case Operand::kMemory:
            add_memory(opcode);
            return;
        case Operand::kAbsolute:
        case Operand::kHeader:
            put_running(opcode, offset());
            return;
        case Operand::kIndexed:
            make_x_small(length);
            put_running(opcode, offset());
            return;
        case Operand::kX:
            make_x_small(length);
            put_running(opcode, number());
            return;
        default:
            break;
        }
        if (opcode == Opcode::kRetK || opcode == Opcode::kRetA) {
            put_running(Opcode::kLdh, offset()); // returns are too many already
        } else if (opcode == Opcode::kLshK || opcode == Opcode::kRshK) {
            put_running(opcode, below(32));
        } else {
            const std::uint32_t k = number();
            put_running(opcode, k == 0 && (opcode == Opcode::kDivK || opcode == Opcode::kModK) ? 1 : k);
        }
    }

    /// Mostly puts something in front that makes X small.
    void make_x_small(std::size_t length) {
        if (program_.size() + 2 >= length) {
            return;
        }
        switch (below(4)) {
        case 0:
            put_running(cbpf::Opcode::kLdxMsh, below(12));
            break;
        case 1:
        case 2:
            put_running(cbpf::Opcode::kLdxImm, below(40));
            break;
        default:
            break;
        }
    }

    void add_memory(cbpf::Opcode opcode) {
        std::uint32_t word = below(16);
        const bool loads = opcode == cbpf::Opcode::kLdMem || opcode == cbpf::Opcode::kLdxMem;
        if (loads && here().reachable) {
            if (here().written == 0) {
                opcode = cbpf::Opcode::kSt;
            }
            while (loads && here().written != 0 && (here().written >> word & 1U) == 0) {
                word = (word + 1) % 16;
            }
        }
        put_running(opcode, word);
    }

    void add_jump(cbpf::Opcode opcode, std::size_t length) {
        const std::size_t next = program_.size() + 1;
        const auto farthest = static_cast<std::uint32_t>(length - 1 - next);
        const Way way = here();
        if (opcode == cbpf::Opcode::kJa) {
            const std::uint32_t skipped =
                one_in(3) || next == 1 ? distance(farthest) : distance(std::min(farthest, 3U));
            put(cbpf::info(opcode).code, skipped);
            if (way.reachable) {
                arrive(next + skipped, way.written);
            }
            return;
        }
        const auto jt = static_cast<std::uint8_t>(distance(std::min(farthest, 255U)));
        const auto jf = one_in(10) ? jt : static_cast<std::uint8_t>(distance(std::min(farthest, 255U)));
        put(cbpf::info(opcode).code, number(), jt, jf);
        if (way.reachable) {
            arrive(next + jt, way.written);
            arrive(next + jf, way.written);
        }
    }

    std::vector<cbpf::Instruction> program_;
    std::vector<Way> ways_;
};

} // namespace pfild::tests
