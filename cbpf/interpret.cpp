// SPDX-License-Identifier: BSD-2-Clause
// The interpreter: one switch over the dense opcodes, in the order of instruction.h.
//
// Nothing is checked here that the verifier has proved: steps are valid opcodes, jumps land inside, memory indexes are
// below 16, every path returns. What depends on the packet or on X is checked, and ends the run with 0.
#include "cbpf/interpret.h"

#include <array>

namespace pfild::cbpf {
namespace {

/// X + k as an offset. In 64 bits, so that a sum beyond 2^32 lies outside every packet instead of wrapping (CF-22).
constexpr std::uint64_t indexed(std::uint32_t x, std::uint32_t k) noexcept { return std::uint64_t{x} + k; }

/// How many instructions a conditional jump skips.
constexpr std::size_t branch(const Step& step, bool taken) noexcept { return taken ? step.jt : step.jf; }

} // namespace

std::uint32_t interpret(const Program& program, const Packet& packet) noexcept {
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    std::array<std::uint32_t, kMemoryWords> memory{};

    for (const Step* step = program.steps().data();; ++step) {
        const std::uint32_t k = step->k;
        switch (step->opcode) {
        case Opcode::kLd:
            if (!packet.load<4>(k, a)) {
                return 0;
            }
            break;
        case Opcode::kLdh:
            if (!packet.load<2>(k, a)) {
                return 0;
            }
            break;
        case Opcode::kLdb:
            if (!packet.load<1>(k, a)) {
                return 0;
            }
            break;
        case Opcode::kLdInd:
            if (!packet.load<4>(indexed(x, k), a)) {
                return 0;
            }
            break;
        case Opcode::kLdhInd:
            if (!packet.load<2>(indexed(x, k), a)) {
                return 0;
            }
            break;
        case Opcode::kLdbInd:
            if (!packet.load<1>(indexed(x, k), a)) {
                return 0;
            }
            break;
        case Opcode::kLdImm:
            a = k;
            break;
        case Opcode::kLdMem:
            a = memory[k];
            break;
        case Opcode::kLdLen:
            a = packet.wire_length();
            break;

        case Opcode::kLdxImm:
            x = k;
            break;
        case Opcode::kLdxMem:
            x = memory[k];
            break;
        case Opcode::kLdxLen:
            x = packet.wire_length();
            break;
        case Opcode::kLdxMsh: // A is not touched (CF-27)
            if (!packet.load<1>(k, x)) {
                return 0;
            }
            x = 4 * (x & 0xfU);
            break;

        case Opcode::kSt:
            memory[k] = a;
            break;
        case Opcode::kStx:
            memory[k] = x;
            break;

        case Opcode::kAddK:
            a += k;
            break;
        case Opcode::kAddX:
            a += x;
            break;
        case Opcode::kSubK:
            a -= k;
            break;
        case Opcode::kSubX:
            a -= x;
            break;
        case Opcode::kMulK:
            a *= k;
            break;
        case Opcode::kMulX:
            a *= x;
            break;
        case Opcode::kDivK:
            a /= k;
            break;
        case Opcode::kDivX:
            if (x == 0) {
                return 0;
            }
            a /= x;
            break;
        case Opcode::kOrK:
            a |= k;
            break;
        case Opcode::kOrX:
            a |= x;
            break;
        case Opcode::kAndK:
            a &= k;
            break;
        case Opcode::kAndX:
            a &= x;
            break;
        case Opcode::kLshK:
            a <<= k;
            break;
        case Opcode::kLshX:
            if (x >= kShiftLimit) {
                return 0;
            }
            a <<= x;
            break;
        case Opcode::kRshK:
            a >>= k;
            break;
        case Opcode::kRshX:
            if (x >= kShiftLimit) {
                return 0;
            }
            a >>= x;
            break;
        case Opcode::kNeg:
            a = 0U - a;
            break;
        case Opcode::kModK:
            a %= k;
            break;
        case Opcode::kModX:
            if (x == 0) {
                return 0;
            }
            a %= x;
            break;
        case Opcode::kXorK:
            a ^= k;
            break;
        case Opcode::kXorX:
            a ^= x;
            break;

        case Opcode::kJa:
            step += k;
            break;
        case Opcode::kJeqK:
            step += branch(*step, a == k);
            break;
        case Opcode::kJeqX:
            step += branch(*step, a == x);
            break;
        case Opcode::kJgtK:
            step += branch(*step, a > k);
            break;
        case Opcode::kJgtX:
            step += branch(*step, a > x);
            break;
        case Opcode::kJgeK:
            step += branch(*step, a >= k);
            break;
        case Opcode::kJgeX:
            step += branch(*step, a >= x);
            break;
        case Opcode::kJsetK:
            step += branch(*step, (a & k) != 0);
            break;
        case Opcode::kJsetX:
            step += branch(*step, (a & x) != 0);
            break;

        case Opcode::kRetK:
            return k;
        case Opcode::kRetA:
            return a;

        case Opcode::kTax:
            x = a;
            break;
        case Opcode::kTxa:
            a = x;
            break;
        }
    }
}

} // namespace pfild::cbpf
