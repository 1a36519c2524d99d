// SPDX-License-Identifier: BSD-2-Clause
// What programs look at that a TC head does not know yet: a table, and brute force over packets that differ in nothing
// else.
#include "cbpf/lower/unfinished.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "cbpf/lower/lower.h"
#include "cbpf/text.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::cbpf {
namespace {

using Code = std::vector<Instruction>;
using Bytes = std::vector<std::uint8_t>;

Instruction one(Opcode opcode, std::uint32_t k = 0, std::uint8_t jt = 0, std::uint8_t jf = 0) {
    return {info(opcode).code, jt, jf, k};
}

/// Returns what `load` loads, behind `ldx 4*([header]&0xf)`.
Code behind_header(std::uint32_t header, Instruction load) {
    return {one(Opcode::kLdxMsh, header), load, one(Opcode::kRetA)};
}

/// The same on an Ethernet frame whose type is IPv4; others are no match.
Code behind_inet_type(Code then) {
    then.insert(then.begin(), {one(Opcode::kLdh, 12), one(Opcode::kJeqK, 0x800, 1, 0), one(Opcode::kRetK)});
    return then;
}

Code load(Instruction first) { return {first, one(Opcode::kRetA)}; }

TEST(Unfinished, is_what_the_kernel_finishes_later) {
    constexpr std::uint32_t kTcpFlags = 13;
    struct Row {
        const char* sentence;
        PacketForm form;
        Code code;
        bool checksum;
        bool segments;
    };
    const std::vector<Row> rows{
        {"a constant", PacketForm::kInet, {one(Opcode::kRetK, 1)}, false, false},
        {"time to live", PacketForm::kInet, load(one(Opcode::kLdb, 8)), false, false},
        {"both addresses, a word that ends with the header", PacketForm::kInet, load(one(Opcode::kLd, 16)), false,
         false},
        {"a word that ends behind the header", PacketForm::kInet, load(one(Opcode::kLd, 17)), true, true},
        {"total length of IPv4", PacketForm::kInet, load(one(Opcode::kLdh, 2)), false, true},
        {"identification", PacketForm::kInet, load(one(Opcode::kLdh, 4)), false, true},
        {"the header's own checksum", PacketForm::kInet, load(one(Opcode::kLdh, 10)), false, true},
        {"what is an option or a port", PacketForm::kInet, load(one(Opcode::kLdb, 20)), true, true},
        {"the packet length", PacketForm::kInet, load(one(Opcode::kLdLen)), false, true},
        {"the packet length in X",
         PacketForm::kInet,
         {one(Opcode::kLdxLen), one(Opcode::kTxa), one(Opcode::kRetA)},
         false,
         true},
        {"a port", PacketForm::kInet, behind_header(0, one(Opcode::kLdhInd, 2)), false, false},
        {"TCP flags", PacketForm::kInet, behind_header(0, one(Opcode::kLdbInd, kTcpFlags)), false, true},
        {"checksum of TCP", PacketForm::kInet, behind_header(0, one(Opcode::kLdhInd, 16)), true, true},
        {"checksum of UDP", PacketForm::kInet, behind_header(0, one(Opcode::kLdhInd, 6)), true, true},
        {"checksum of SCTP", PacketForm::kInet, behind_header(0, one(Opcode::kLdInd, 8)), true, true},
        {"payload", PacketForm::kInet, behind_header(0, one(Opcode::kLdInd, 20)), true, true},
        {"an offset that is no header's length", PacketForm::kInet, behind_header(1, one(Opcode::kLdhInd, 2)), true,
         true},
        {"what is read of another version only",
         PacketForm::kInet,
         {one(Opcode::kLdb, 0), one(Opcode::kAndK, 0xf0), one(Opcode::kJeqK, 0x60, 0, 1), one(Opcode::kLdb, 46),
          one(Opcode::kRetA)},
         false,
         false},
        {"what is read of this version only",
         PacketForm::kInet,
         {one(Opcode::kLdb, 0), one(Opcode::kAndK, 0xf0), one(Opcode::kJeqK, 0x40, 0, 1), one(Opcode::kLdb, 46),
          one(Opcode::kRetA)},
         true,
         true},
        {"ports of IPv6", PacketForm::kInet6, load(one(Opcode::kLd, 40)), false, false},
        {"payload length of IPv6", PacketForm::kInet6, load(one(Opcode::kLdh, 4)), false, true},
        {"TCP flags of IPv6", PacketForm::kInet6, load(one(Opcode::kLdb, 40 + kTcpFlags)), false, true},
        {"behind an extension header of 8 bytes a checksum", PacketForm::kInet6, load(one(Opcode::kLdb, 54)), true,
         true},
        {"MAC addresses", PacketForm::kEthernet, load(one(Opcode::kLd, 6)), false, false},
        {"behind a type that nobody asked for", PacketForm::kEthernet, load(one(Opcode::kLdb, 22)), true, true},
        {"time to live in a frame of IPv4", PacketForm::kEthernet, behind_inet_type(load(one(Opcode::kLdb, 22))), false,
         false},
        {"TCP flags in a frame of IPv4", PacketForm::kEthernet,
         behind_inet_type(behind_header(14, one(Opcode::kLdbInd, 14 + kTcpFlags))), false, true},
        {"into the MAC addresses and on, from X", PacketForm::kEthernet,
         behind_inet_type(behind_header(14, one(Opcode::kLdbInd, 13))), true, true},
    };
    for (const Row& row : rows) {
        const auto program = Program::verify(row.code);
        ASSERT_TRUE(program) << row.sentence;
        const Unfinished unfinished = unfinished_of(*program, row.form);
        EXPECT_EQ(unfinished.checksum.has_value(), row.checksum) << row.sentence;
        EXPECT_EQ(unfinished.segments.has_value(), row.segments) << row.sentence;
        EXPECT_EQ(lower(*program, ebpf::Place::kTc, row.form).has_value(), !row.checksum) << row.sentence;
        EXPECT_TRUE(lower(*program, ebpf::Place::kXdp, row.form)) << row.sentence;
    }
}

TEST(Unfinished, a_refusal_names_instruction_and_reason) {
    const auto program = Program::verify(behind_header(0, one(Opcode::kLdhInd, 16)));
    const auto lowered = lower(*program, ebpf::Place::kTc, PacketForm::kInet);
    ASSERT_FALSE(lowered);
    EXPECT_EQ(lowered.error().instruction, 1U);
    EXPECT_EQ(lowered.error().message,
              "instruction 1 (ldh [x+16]) reads byte 16 behind the IPv4 header, where a checksum may be unfinished");
}

/// A TCP packet of IPv4 or IPv6, in a frame for PacketForm::kEthernet.
struct Segment {
    Bytes bytes;
    std::size_t network;
    std::size_t transport;
};

Segment segment_of(tests::AnyProgram& random, PacketForm form) {
    const bool inet6 = form == PacketForm::kInet6 || (form == PacketForm::kEthernet && random.one_in(2));
    Segment segment{.bytes = Bytes(form == PacketForm::kEthernet ? 14 : 0)};
    random.fill(segment.bytes);
    segment.network = segment.bytes.size();
    if (form == PacketForm::kEthernet) {
        segment.bytes[12] = inet6 ? 0x86 : 0x08;
        segment.bytes[13] = inet6 ? 0xdd : 0x00;
    }
    const std::size_t header = inet6 ? 40 : 20 + 4 * random.below(4);
    segment.transport = segment.network + header;
    segment.bytes.resize(segment.transport + 20 + 40);
    random.fill(std::span(segment.bytes).subspan(segment.network));
    segment.bytes[segment.network] = static_cast<std::uint8_t>(inet6 ? 0x60 : 0x40 + header / 4);
    return segment;
}

void scramble(tests::AnyProgram& random, Segment& segment, std::size_t first, std::size_t count) {
    random.fill(std::span(segment.bytes).subspan(first, count));
}

TEST(Unfinished, nothing_else_tells_segments_or_unfinished_checksums_apart) {
    constexpr std::array<PacketForm, 3> kHeadForms{PacketForm::kInet, PacketForm::kInet6, PacketForm::kEthernet};
    std::size_t finished = 0;
    for (std::uint32_t seed = 1; seed <= 10000; ++seed) {
        tests::AnyProgram random(seed);
        const auto program = Program::verify(random.program());
        ASSERT_TRUE(program);
        const PacketForm form = kHeadForms[random.below(kHeadForms.size())];
        const Unfinished unfinished = unfinished_of(*program, form);
        for (int packet = 0; packet < 4; ++packet) {
            const Segment first = segment_of(random, form);
            const std::uint32_t expected = interpret(*program, Packet(first.bytes));
            Segment other = first;
            if (!unfinished.checksum) {
                for (const std::size_t at : {6, 8, 10, 16}) {
                    scramble(random, other, other.transport + at, 2);
                }
                scramble(random, other, other.transport + 20, 40);
                EXPECT_EQ(interpret(*program, Packet(other.bytes)), expected) << "seed " << seed;
                finished += expected != 0 ? 1 : 0;
            }
            if (!unfinished.segments) {
                other = first;
                const bool inet6 = other.bytes[other.network] >> 4U == 6;
                scramble(random, other, other.network + (inet6 ? 4 : 2), inet6 ? 2 : 4);
                if (!inet6) {
                    scramble(random, other, other.network + 10, 2);
                }
                scramble(random, other, other.transport + 4, 16);
                other.bytes.resize(other.transport + 20 + random.below(40));
                EXPECT_EQ(interpret(*program, Packet(other.bytes)), expected) << "seed " << seed << '\n'
                                                                              << print_decimal(program->instructions());
                finished += expected != 0 ? 1 : 0;
            }
        }
    }
    EXPECT_GT(finished, 300U) << "too few programs are finished: this no longer tests much";
}

} // namespace
} // namespace pfild::cbpf
