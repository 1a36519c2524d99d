// SPDX-License-Identifier: BSD-2-Clause
// A random program with sixteen random packets: what a judge is asked about. All of it follows from one seed.
//
//     seed --> AnyProgram --> program
//                         --> 16 packets of 0 to 9000 bytes, half of them in pieces of any lengths, some with an offset
//
// Bytes in one piece end where the memory does, so that native code faults when it reads behind them. Owns the bytes;
// what it shows is valid until the next renew(). One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cbpf/program.h"
#include "tests/unit/cbpf/any_program.h"
#include "tests/unit/cbpf/backends.h"

namespace pfild::tests {

class Round {
  public:
    static constexpr std::size_t kPackets = 16;

    explicit Round(Scope scope) : scope_(scope), memory_(std::vector<std::uint8_t>(AnyPacket::kLongestPacket)) {}

    /// False if the generator made a program that the verifier refuses: a fault of one of them. Only code() is new
    /// then.
    [[nodiscard]] bool renew(std::uint32_t seed) {
        seed_ = seed;
        AnyProgram random(seed, scope_);
        code_ = random.program();
        auto program = cbpf::Program::verify(code_);
        if (!program) {
            return false;
        }
        program_.emplace(*std::move(program));
        renew_packets(random);
        return true;
    }

    [[nodiscard]] std::uint32_t seed() const { return seed_; }
    [[nodiscard]] const std::vector<cbpf::Instruction>& code() const { return code_; }
    [[nodiscard]] const cbpf::Program& program() const { return *program_; }
    [[nodiscard]] std::span<const cbpf::Packet> packets() const { return packets_; }

    /// The captured bytes of packet `index`, in one piece.
    [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t index) const { return bytes_[index]; }
    /// The pieces that packet `index` was made of; none if it was not cut.
    [[nodiscard]] std::span<const cbpf::Piece> pieces(std::size_t index) const { return pieces_[index]; }

  private:
    void renew_packets(AnyProgram& random) {
        packets_.clear();
        random.fill(random.one_in(8) ? memory_.bytes() : memory_.bytes().last(100));
        for (std::size_t index = 0; index < kPackets; ++index) {
            const std::span<const std::uint8_t> bytes = memory_.bytes().last(random.packet_length());
            const auto length = static_cast<std::uint32_t>(bytes.size());
            const std::uint32_t wire_length = random.one_in(2) ? random.below(10000) : length;
            pieces_[index].clear();
            bytes_[index] = bytes;
            if (random.one_in(2)) {
                packets_.emplace_back(bytes, wire_length);
                continue;
            }
            pieces_[index] = random.pieces(bytes);
            const std::uint32_t offset = random.one_in(4) ? random.below(20) : 0;
            bytes_[index] = bytes.subspan(std::min(offset, length));
            packets_.emplace_back(pieces_[index], offset, wire_length);
        }
    }

    Scope scope_;
    AgainstTheEnd memory_;
    std::uint32_t seed_ = 0;
    std::vector<cbpf::Instruction> code_;
    std::optional<cbpf::Program> program_;
    std::vector<cbpf::Packet> packets_;
    std::array<std::span<const std::uint8_t>, kPackets> bytes_;
    std::array<std::vector<cbpf::Piece>, kPackets> pieces_;
};

} // namespace pfild::tests
