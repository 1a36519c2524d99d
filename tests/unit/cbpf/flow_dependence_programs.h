// SPDX-License-Identifier: BSD-2-Clause
// Random programs as filters are: they load what headers hold, mask it and compare it. Mostly fields that are part of a
// flow, so that many programs are per flow; often enough others, and ports of what may have none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cbpf/flow_dependence.h"
#include "cbpf/instruction.h"
#include "tests/unit/cbpf/flow_dependence_packets.h"

namespace pfild::tests {

class FlowProgram {
  public:
    FlowProgram(std::uint32_t seed, cbpf::PacketForm form) : dice_(seed), form_(form) {}

    std::vector<cbpf::Instruction> program() {
        program_.clear();
        to_end_.clear();
        const std::uint32_t tags = form_ == cbpf::PacketForm::kEthernet ? dice_.below(3) : 0;
        network_ = form_ == cbpf::PacketForm::kEthernet ? 14 + 4 * tags : 0;
        inet_ = form_ == cbpf::PacketForm::kEthernet ? dice_.one_in(2) : form_ == cbpf::PacketForm::kInet;
        for (std::uint32_t word = 0; word < kWords; ++word) { // written on every path from here on (CF-09)
            put(Opcode::kSt, word);
        }
        for (std::uint32_t type = 12; type < network_ && !dice_.one_in(16); type += 4) {
            put(Opcode::kLdh, type);
            put(Opcode::kJeqK, type + 2 < network_ ? 0x8100 : inet_ ? 0x0800 : 0x86dd, true);
        }
        if (dice_.one_in(2)) {
            add_formula();
        } else {
            for (std::uint32_t left = 1 + dice_.below(7); left > 0; --left) {
                add_one();
            }
            put(dice_.one_in(3) ? Opcode::kRetA : Opcode::kRetK, 1);
        }
        put(Opcode::kRetK, 2);
        aim_jumps();
        return program_;
    }

  private:
    using Opcode = cbpf::Opcode;
    static constexpr std::uint32_t kWords = 2; ///< of M that programs use, after storing to each

    void put(Opcode opcode, std::uint32_t k, bool to_end = false) {
        program_.push_back({info(opcode).code, 0, 0, k});
        to_end_.push_back(to_end);
    }

    Opcode one_of(Opcode first, Opcode last) {
        const auto from = static_cast<std::uint32_t>(first);
        return static_cast<Opcode>(from + dice_.below(static_cast<std::uint32_t>(last) - from + 1));
    }

    void add_one() {
        switch (dice_.below(8)) {
        case 0:
        case 1:
            add_field();
            break;
        case 2:
            add_ports();
            break;
        case 3:
            put(dice_.one_in(2) ? Opcode::kLdMem : Opcode::kLdxMem, dice_.below(kWords));
            break;
        case 4:
            put(dice_.one_in(2) ? Opcode::kSt : Opcode::kStx, dice_.below(kWords));
            break;
        case 5:
            add_anything();
            break;
        case 6:
            add_arithmetic();
            break;
        default:
            add_jump();
        }
    }

    void add_field() {
        constexpr std::uint32_t kOfKey[] = {0, 9, 9, 9, 12, 12, 16, 16, 14, 6, 13};
        constexpr std::uint32_t kOfKey6[] = {0, 6, 6, 8, 24, 32, 36, 10, 33};
        constexpr std::uint32_t kOfFrame[] = {12, 12, 14, 16, 18, 20};
        const Opcode load = one_of(Opcode::kLd, Opcode::kLdb);
        if (dice_.one_in(8)) {
            put(load, network_ + dice_.below(46));
        } else if (form_ == cbpf::PacketForm::kEthernet && dice_.one_in(3)) {
            put(load, dice_.of(kOfFrame));
        } else {
            put(load, network_ + (inet_ ? dice_.of(kOfKey) : dice_.of(kOfKey6)));
        }
        if (dice_.one_in(3)) {
            put(Opcode::kAndK, mask());
        }
        if (dice_.one_in(3)) {
            add_jump();
        }
    }

    /// Two fields, whatever they are, and what remains of them after a little arithmetic and a mask.
    void add_formula() {
        const std::uint32_t length = inet_ ? 20 : 40;
        put(Opcode::kLdb, network_ + dice_.below(length));
        put(dice_.one_in(3) ? Opcode::kLdxImm : Opcode::kTax, dice_.below(34));
        put(dice_.one_in(2) ? Opcode::kLdh : Opcode::kLd, network_ + dice_.below(length - 3));
        for (std::uint32_t left = dice_.below(3); left > 0; --left) {
            add_arithmetic();
            if (dice_.one_in(4)) {
                put(Opcode::kNeg, 0);
            }
        }
        if (dice_.one_in(3)) {
            put(Opcode::kJeqK, 0, dice_.one_in(2)); // or a jump to where paths meet
            put(Opcode::kLdImm, constant());
        }
        put(Opcode::kAndK, dice_.one_in(2) ? mask() : 1U << dice_.below(16));
        put(Opcode::kRetA, 0);
    }

    /// What filters on ports do, with parts left out now and then.
    void add_ports() {
        const std::uint32_t protocol = dice_.of(kSomeProtocols);
        const std::uint32_t port = dice_.one_in(12) ? dice_.below(6) : dice_.below(3);
        if (!dice_.one_in(6)) {
            put(Opcode::kLdb, network_ + (inet_ ? 9 : 6));
            if (dice_.one_in(3)) { // one or another
                put(Opcode::kJeqK, dice_.of(kSomeProtocols));
            }
            put(Opcode::kJeqK, protocol, !dice_.one_in(6));
        }
        if (!inet_) {
            put(dice_.one_in(2) ? Opcode::kLdh : Opcode::kLdb, network_ + 40 + port);
        } else {
            put(Opcode::kLdxMsh, network_);
            if (dice_.one_in(5)) { // as without the optimiser
                put(Opcode::kLdImm, port);
                put(Opcode::kAddX, 0);
                put(Opcode::kTax, 0);
                put(Opcode::kLdhInd, network_);
            } else {
                put(dice_.one_in(4) ? Opcode::kLdInd : Opcode::kLdhInd, network_ + port);
            }
        }
        if (dice_.one_in(2)) {
            put(Opcode::kJeqK, dice_.of(kSomePorts), dice_.one_in(2));
        }
    }

    void add_arithmetic() {
        const Opcode opcode = one_of(Opcode::kAddK, Opcode::kXorX);
        if (opcode == Opcode::kLshK || opcode == Opcode::kRshK) {
            put(opcode, dice_.below(32));
        } else if (opcode == Opcode::kDivK || opcode == Opcode::kModK) {
            put(opcode, 1 + dice_.below(300));
        } else {
            put(opcode, dice_.one_in(2) ? mask() : constant());
        }
    }

    void add_anything() {
        constexpr std::uint32_t kEdges[] = {0, 1, 20, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
        switch (dice_.below(7)) {
        case 0:
            put(dice_.one_in(2) ? Opcode::kLdLen : Opcode::kLdxLen, 0);
            break;
        case 1:
            put(Opcode::kLdbInd, dice_.one_in(3) ? dice_.of(kEdges) : network_ + dice_.below(20));
            break;
        case 2:
            put(Opcode::kLdxMsh, network_ + (dice_.one_in(2) ? 0 : dice_.below(20)));
            break;
        case 3:
            put(Opcode::kLdImm, constant());
            put(Opcode::kLdxImm, dice_.one_in(2) ? constant() : dice_.below(34));
            break;
        case 4:
            put(Opcode::kTxa, 0);
            break;
        case 5:
            put(Opcode::kRetA, 0);
            break;
        default:
            put(Opcode::kTax, 0);
        }
    }

    void add_jump() { put(one_of(Opcode::kJa, Opcode::kJsetX), dice_.one_in(2) ? constant() : mask()); }

    std::uint32_t mask() {
        constexpr std::uint32_t kMasks[] = {0xf0,   0x0f,   0xff,   0x1fff, 0x3fff,     0xc000, 0xff00,
                                            0xffff, 0x0fff, 0xe000, 1,      0xffffff00, 0,      0xf0000000};
        return dice_.of(kMasks);
    }

    std::uint32_t constant() {
        constexpr std::uint32_t kOthers[] = {0x40, 0x60, 0x0800, 0x86dd, 0x8100, 0x88a8, 0x05dc, 2, 4, 0xffffffff};
        switch (dice_.below(5)) {
        case 0:
            return dice_.of(kSomeProtocols);
        case 1:
            return dice_.of(kSomePorts);
        case 2:
            return dice_.of(kSomeWords);
        case 3:
            return dice_.of(kSomeTags);
        default:
            return dice_.of(kOthers);
        }
    }

    void aim_jumps() {
        for (std::size_t index = 0; index < program_.size(); ++index) {
            cbpf::Instruction& instruction = program_[index];
            const auto behind = static_cast<std::uint32_t>(program_.size() - index - 1);
            const auto near = [&] { return static_cast<std::uint8_t>(dice_.below(std::min(behind, 4U))); };
            switch (info(*cbpf::opcode_of(instruction.code)).operand) {
            case cbpf::Operand::kJump:
                instruction.k = near();
                break;
            case cbpf::Operand::kBranch:
            case cbpf::Operand::kBranchX:
                instruction.jt = to_end_[index] ? 0 : near();
                instruction.jf = to_end_[index] ? static_cast<std::uint8_t>(behind - 1) : near();
                break;
            default:
                break;
            }
        }
    }

    Dice dice_;
    cbpf::PacketForm form_;
    std::uint32_t network_ = 0; ///< offset of the IP header that the program expects
    bool inet_ = true;          ///< that it expects IPv4
    std::vector<cbpf::Instruction> program_;
    std::vector<bool> to_end_; ///< by instruction: not taken, the jump leads to the end
};

} // namespace pfild::tests
