// SPDX-License-Identifier: BSD-2-Clause
// The native code against the interpreter, over random programs and packets, in every form in which it can be run.
//
// By default a second's worth. PFILD_PAIRS=100000000 runs that many pairs of a program and a packet, PFILD_SEED begins
// elsewhere. A failure prints the program and says which seed it came from.
#include <array>
#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "cbpf/text.h"
#include "tests/unit/cbpf/any_program.h"
#include "tests/unit/cbpf/backends.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kPacketsPerProgram = 16;
constexpr std::uint32_t kLongestPacket = 9000; ///< bytes

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// One way of jumping, in words.
std::string shape_of(const Instruction& instruction, std::size_t behind) {
    const auto one = [behind](std::uint32_t skipped) -> std::string {
        return skipped == 0 ? "0" : skipped >= 255 ? "far" : skipped + 1 == behind ? "last" : "near";
    };
    const Operand operand = info(*opcode_of(instruction.code)).operand;
    if (operand == Operand::kJump) {
        return "ja " + one(instruction.k);
    }
    if (operand == Operand::kBranch || operand == Operand::kBranchX) {
        const bool alike = instruction.jt == instruction.jf;
        return alike ? "alike " + one(instruction.jt) : one(instruction.jt) + '/' + one(instruction.jf);
    }
    return "";
}

/// What was run, not only generated.
class Coverage {
  public:
    /// Takes one instruction of the program, and notes it if a run over the packet comes to it: it is made a return of
    /// a number that nothing else returns.
    void sample(std::vector<Instruction> code, std::size_t index, const Packet& packet) {
        const Instruction sampled = code[index];
        code[index] = {0x06, 0, 0, 0x5eed5eed};
        const auto program = Program::verify(code);
        if (program && opcode_of(sampled.code) && interpret(*program, packet) == 0x5eed5eed) {
            ++opcodes_[*opcode_of(sampled.code)];
            ++shapes_[shape_of(sampled, code.size() - index - 1)];
        }
    }

    void expect_everything() {
        for (const OpcodeInfo& row : kOpcodes) {
            EXPECT_GT(opcodes_[row.opcode], 0U) << "never run: " << row.name << ' ' << std::hex << row.code;
        }
        for (const char* one : {"0", "near", "last", "far"}) {
            EXPECT_GT(shapes_[std::string("ja ") + one], 0U) << "never run: ja " << one;
            EXPECT_GT(shapes_[std::string("alike ") + one], 0U) << "never run: both ways " << one;
            for (const char* other : {"0", "near", "last", "far"}) {
                const std::string shape = std::string(one) + '/' + other;
                const bool alike = shape == "0/0" || shape == "last/last" || shape == "far/far";
                const bool cannot_be = alike || shape == "last/far" || shape == "far/last"; // too far behind the last
                EXPECT_EQ(shapes_[shape] > 0, !cannot_be) << "a branch " << shape;
            }
        }
    }

  private:
    std::map<Opcode, std::size_t> opcodes_;
    std::map<std::string, std::size_t> shapes_;
};

/// The packets of one program: each in one piece that ends where the memory does, or in pieces.
class Packets {
  public:
    Packets() : memory_(std::vector<std::uint8_t>(kLongestPacket)) {}

    void renew(tests::AnyProgram& random) {
        packets_.clear();
        random.fill(random.one_in(8) ? memory_.bytes() : memory_.bytes().last(100));
        for (std::size_t index = 0; index < pieces_.size(); ++index) {
            const std::span<const std::uint8_t> bytes = memory_.bytes().last(random.packet_length());
            const std::uint32_t wire_length = random.one_in(2) ? random.below(10000) : bytes.size();
            if (random.one_in(2)) {
                packets_.emplace_back(bytes, wire_length);
            } else {
                pieces_[index] = random.pieces(bytes);
                const std::uint32_t offset = random.one_in(4) ? random.below(20) : 0;
                packets_.emplace_back(pieces_[index], offset, wire_length);
            }
        }
    }

    [[nodiscard]] std::span<const Packet> all() const { return packets_; }

  private:
    tests::AgainstTheEnd memory_;
    std::array<std::vector<Segment>, kPacketsPerProgram> pieces_;
    std::vector<Packet> packets_;
};

struct Outcome {
    std::size_t nonzero = 0;
    std::size_t undecided = 0; ///< by native code alone
};

void compare(const Machine& machine, std::span<const Packet> packets, std::uint32_t seed, Outcome& outcome) {
    std::array<std::uint32_t, kPacketsPerProgram> batch{};
    machine.run(packets, batch);
    const auto native = jit::NativeProgram::compile(machine.program());
    const auto literal = jit::NativeProgram::compile(jit::decode(machine.program())); // without any pass
    for (std::size_t index = 0; index < packets.size(); ++index) {
        const std::uint32_t expected = interpret(machine.program(), packets[index]);
        ASSERT_EQ(machine.run(packets[index]), expected) << "seed " << seed << " packet " << index << '\n'
                                                         << print_decimal(machine.program().instructions());
        ASSERT_EQ(batch[index], expected) << "batch, seed " << seed << " packet " << index << '\n'
                                          << print_decimal(machine.program().instructions());
        const std::int64_t by_literal = literal->run(packets[index]);
        ASSERT_TRUE(by_literal < 0 || by_literal == expected)
            << "no passes, seed " << seed << " packet " << index << '\n'
            << print_decimal(machine.program().instructions());
        outcome.nonzero += expected != 0 ? 1 : 0;
        outcome.undecided += native->run(packets[index]) < 0 ? 1 : 0;
    }
}

void compare_set(std::span<const Program> programs, std::span<const Packet> packets, std::uint32_t seed) {
    const MachineSet set(programs);
    std::vector<std::uint32_t> results(set.size());
    for (const Packet& packet : packets) {
        set.run(packet, results);
        for (std::size_t index = 0; index < programs.size(); ++index) {
            ASSERT_EQ(results[index], interpret(programs[index], packet))
                << "program " << index << " of the set that ends with seed " << seed;
        }
    }
}

TEST(NativeCode, agrees_with_the_interpreter_on_programs_of_every_opcode_and_jump_and_packets_in_any_pieces) {
    if (Machine(*Program::verify(std::array<Instruction, 1>{{{0x06, 0, 0, 0}}})).refusal()) {
        GTEST_SKIP() << "no native code for this processor";
    }
    constexpr std::uint32_t kProgramsOfASet = 20;
    const std::uint64_t rounds = from_environment("PFILD_PAIRS", 24000) / kPacketsPerProgram;
    const auto first_seed = static_cast<std::uint32_t>(from_environment("PFILD_SEED", 1));
    Coverage coverage;
    Packets packets;
    Outcome outcome;
    std::vector<Program> programs;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const std::uint32_t seed = first_seed + round;
        tests::AnyProgram random(seed);
        const std::vector<Instruction> code = random.program();
        const auto program = Program::verify(code);
        ASSERT_TRUE(program) << "seed " << seed << ": " << program.error().message();
        packets.renew(random);
        ASSERT_NO_FATAL_FAILURE(compare(Machine(*program), packets.all(), seed, outcome));
        coverage.sample(code, 0, packets.all().front());
        for (int sample = 0; sample < 8; ++sample) {
            const auto length = static_cast<std::uint32_t>(code.size());
            const std::uint32_t early = random.below(1 + random.below(length)); // runs rarely come to the end
            coverage.sample(code, early, packets.all()[random.below(kPacketsPerProgram)]);
        }
        programs.push_back(*program);
        if (programs.size() == kProgramsOfASet) {
            ASSERT_NO_FATAL_FAILURE(compare_set(programs, packets.all(), seed));
            programs.clear();
        }
    }
    coverage.expect_everything();
    EXPECT_GT(outcome.nonzero, rounds * kPacketsPerProgram / 5) << "most runs end early: they no longer test much";
    EXPECT_GT(outcome.undecided, rounds * kPacketsPerProgram / 100);
    EXPECT_LT(outcome.undecided, rounds * kPacketsPerProgram / 2);
    RecordProperty("nonzero", static_cast<int>(outcome.nonzero));
    RecordProperty("undecided", static_cast<int>(outcome.undecided));
}

} // namespace
} // namespace pfild::cbpf
