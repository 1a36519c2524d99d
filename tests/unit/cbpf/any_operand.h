// SPDX-License-Identifier: BSD-2-Clause
// What random programs are made of: numbers at which something changes or that packets are full of, offsets that are
// mostly inside, and operations as people's filters have them. The same for the same seed and compiler.
#pragma once

#include <array>
#include <cstdint>

#include "cbpf/instruction.h"
#include "tests/unit/cbpf/any_packet.h"

namespace pfild::tests {

/// What a program may contain.
enum class Scope : std::uint8_t {
    kContract, ///< everything that the contract knows
    kLinux,    ///< what Linux accepts, too: no code that is none, loads below 2^31 (contract 3.3)
};

class AnyOperand : public AnyPacket {
  public:
    AnyOperand(std::uint32_t seed, Scope scope) : AnyPacket(seed), scope_(scope) {}

    [[nodiscard]] bool is_for_linux() const { return scope_ == Scope::kLinux; }

    /// The program is to be like a filter that somebody wrote, or not.
    void choose_kind() { is_filter_ = one_in(2); }
    [[nodiscard]] bool is_filter() const { return is_filter_; }

    std::uint32_t number() {
        constexpr std::array<std::uint32_t, 12> kEdges{0,     1,     2,          31,         32,         255,
                                                       65535, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
        switch (below(4)) {
        case 0:
            return kEdges[below(kEdges.size())];
        case 1:
            return any();
        default: {
            const std::uint32_t bytes = packet_byte() * 0x1000000U + packet_byte() * 0x10000U + packet_byte() * 0x100U;
            return (bytes + packet_byte()) >> 8 * below(4);
        }
        }
    }

    /// Loads and comparisons mostly: what people's filters are made of.
    cbpf::Opcode opcode_of_filters() {
        using cbpf::Opcode;
        constexpr std::array<Opcode, 12> kCommon{Opcode::kLd,     Opcode::kLdh,    Opcode::kLdb,   Opcode::kLdb,
                                                 Opcode::kLdhInd, Opcode::kLdbInd, Opcode::kJeqK,  Opcode::kJeqK,
                                                 Opcode::kJeqK,   Opcode::kJsetK,  Opcode::kJsetK, Opcode::kAndK};
        return one_in(8) ? static_cast<Opcode>(below(cbpf::kOpcodeCount)) : kCommon[below(kCommon.size())];
    }

    std::uint32_t offset() {
        if (is_filter_ && !one_in(20)) {
            return below(one_in(3) ? 24 : 8);
        }
        if (one_in(200)) {
            return is_for_linux() ? number() & 0x7fffffffU : number();
        }
        return one_in(60) ? below(9000) : below(one_in(3) ? 50 : 12);
    }

    /// How far: nowhere, near, far, as far as possible.
    std::uint32_t distance(std::uint32_t farthest) {
        switch (below(8)) {
        case 0:
        case 1:
            return 0;
        case 2:
        case 3:
            return farthest;
        case 4:
            return below(farthest + 1);
        default:
            return below(std::min(farthest, 6U) + 1);
        }
    }

  private:
    Scope scope_;
    bool is_filter_ = false;
};

} // namespace pfild::tests
