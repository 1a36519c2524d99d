// SPDX-License-Identifier: BSD-2-Clause
// The machine around the native code: which engine runs, batches with packets that it cannot answer, sets of many
// programs, and the memory that code lies in.
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/cbpf/backends.h"

namespace pfild::cbpf {
namespace {

Program program_of(const std::vector<Instruction>& code) { return *Program::verify(code); }

/// `ldb [at]; ret a`
Program byte_at(std::uint32_t at) { return program_of({{0x30, 0, 0, at}, {0x16, 0, 0, 0}}); }

/// A test that cannot run here is a failure.
bool is_required() {
    const char* const all = std::getenv("PFILD_REQUIRE_ALL"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    return all != nullptr && std::string_view(all) == "1";
}

/// Lines of the process's memory map whose rights are these.
std::size_t mappings_with(const std::string& rights) {
    std::ifstream map("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(map, line);) {
        count += line.find(' ' + rights) != std::string::npos ? 1 : 0;
    }
    return count;
}

TEST(Machine, interprets_where_that_is_wanted_and_says_what_it_does) {
    const Machine machine(byte_at(0), Engine::kInterpreter);
    EXPECT_EQ(machine.engine(), Engine::kInterpreter);
    EXPECT_FALSE(machine.refusal());
    const std::array<std::uint8_t, 2> bytes{7, 8};
    const std::array<Packet, 2> packets{Packet(bytes), Packet(std::span(bytes).last(1))};
    std::array<std::uint32_t, 2> results{};
    machine.run(packets, results);
    EXPECT_EQ(results, (std::array<std::uint32_t, 2>{7, 8}));
    EXPECT_EQ(machine.run(packets[0]), 7U);
    EXPECT_EQ(name(machine.engine()), "interpreter");
}

TEST(Machine, can_be_moved_with_its_code) {
    Machine machine(byte_at(1));
    const Machine moved(std::move(machine));
    const std::array<std::uint8_t, 2> bytes{7, 8};
    EXPECT_EQ(moved.run(Packet(bytes)), 8U);
}

TEST(Machine, a_batch_goes_on_behind_packets_that_only_the_interpreter_can_answer) {
    const Machine machine(byte_at(2));
    const std::array<std::uint8_t, 4> bytes{5, 6, 7, 8};
    const tests::Pieces pieces(bytes, 1);
    const Packet whole(bytes);
    const Packet cut = pieces.packet(4);
    const Packet too_short(std::span<const std::uint8_t>(bytes).first(2));
    for (const std::vector<Packet>& packets : {std::vector<Packet>{},
                                               {cut},
                                               {whole, cut},
                                               {cut, whole},
                                               {cut, cut, too_short, cut, whole, cut, cut},
                                               {too_short, whole, whole}}) {
        std::vector<std::uint32_t> results(packets.size(), 99);
        machine.run(packets, results);
        for (std::size_t index = 0; index < packets.size(); ++index) {
            EXPECT_EQ(results[index], packets[index].captured_length() == 2 ? 0U : 7U);
        }
    }
}

TEST(NativeProgram, leaves_nothing_undecided_about_a_packet_in_one_piece) {
    const auto native = jit::NativeProgram::compile(byte_at(2));
    if (!native) {
        ASSERT_FALSE(is_required()) << "PFILD_REQUIRE_ALL=1, and " << jit::text(native.error());
        GTEST_SKIP() << jit::text(native.error());
    }
    const std::array<std::uint8_t, 4> bytes{5, 6, 7, 8};
    const Packet too_short(std::span<const std::uint8_t>(bytes).first(2));
    const std::array<Packet, 3> packets{too_short, Packet(bytes), too_short};
    std::array<std::uint32_t, 3> results{9, 9, 9};
    EXPECT_EQ(native->run(packets, results), packets.size());
    EXPECT_EQ(results, (std::array<std::uint32_t, 3>{0, 7, 0}));
    EXPECT_EQ(native->run(too_short), 0);
    EXPECT_LT(native->run(tests::Pieces(bytes, 2).packet(4)), 0);
}

TEST(NativeProgram, with_a_guard_answers_as_the_interpreter_whatever_the_first_piece_has) {
    const std::vector<std::vector<Instruction>> programs{
        {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x800}, {0x06, 0, 0, 9}, {0x06, 0, 0, 4}},                    // no call
        {{0x28, 0, 0, 12}, {0x15, 0, 2, 0x800}, {0x30, 0, 0, 13}, {0x16, 0, 0, 0}, {0x06, 0, 0, 4}}}; // a call
    for (const auto& code : programs) {
        const Machine machine(program_of(code));
        for (const std::uint8_t type : {8, 9}) {
            std::vector<std::uint8_t> bytes(20);
            bytes[12] = type;
            for (std::size_t length = 0; length <= bytes.size(); ++length) {
                const auto some = std::span<const std::uint8_t>(bytes).first(length);
                EXPECT_EQ(machine.run(Packet(some)), interpret(machine.program(), Packet(some))) << length;
                const tests::Pieces pieces(bytes, std::max<std::size_t>(length, 1));
                EXPECT_EQ(machine.run(pieces.packet(20)), interpret(machine.program(), Packet(bytes))) << length;
            }
        }
    }
}

TEST(MachineSet, answers_for_more_programs_than_one_function_holds_and_for_equal_ones) {
    std::vector<std::uint8_t> bytes(120);
    std::vector<Program> programs;
    for (std::uint32_t index = 0; index < 150; ++index) {
        bytes[index % 100] = static_cast<std::uint8_t>(index % 100 + 1);
        programs.push_back(byte_at(index % 100)); // 50 of them twice
    }
    const tests::Pieces pieces(bytes, 33);
    for (const Engine engine : {Engine::kNative, Engine::kInterpreter}) {
        const MachineSet set(programs, engine);
        ASSERT_EQ(set.size(), 150U);
        for (const Packet& packet : {Packet(bytes), pieces.packet(120), Packet(std::span(bytes).first(40))}) {
            std::vector<std::uint32_t> results(set.size(), 999);
            set.run(packet, results);
            for (std::uint32_t index = 0; index < 150; ++index) {
                EXPECT_EQ(results[index], index % 100 < packet.captured_length() ? index % 100 + 1 : 0) << index;
            }
        }
    }
}

TEST(MachineSet, of_no_programs_runs) {
    const MachineSet set({});
    set.run(Packet({}), {});
    EXPECT_EQ(set.size(), 0U);
}

TEST(CodeMemory, is_executable_never_writable_and_goes_with_its_owner) {
    const std::array<std::byte, 1> return_at_once{std::byte{0xc3}};
    const std::size_t executable = mappings_with("r-x");
    const std::size_t shared_writable = mappings_with("rw-s");
    {
        auto memory = jit::CodeMemory::make(return_at_once);
        ASSERT_TRUE(memory);
        EXPECT_EQ(mappings_with("r-x"), executable + 1);
        EXPECT_EQ(mappings_with("rw-s"), shared_writable) << "the code can still be written";
        EXPECT_EQ(mappings_with("rwx"), 0U);
        const jit::CodeMemory owner(std::move(*memory));
        EXPECT_EQ(mappings_with("r-x"), executable + 1);
    }
    EXPECT_EQ(mappings_with("r-x"), executable);
}

} // namespace
} // namespace pfild::cbpf
