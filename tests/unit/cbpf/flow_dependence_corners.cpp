// SPDX-License-Identifier: BSD-2-Clause
// Where the analysis must neither be fooled nor give up early, rule by rule; and how it says what it found.
#include <gtest/gtest.h>

#include "cbpf/flow_dependence.h"
#include "pfild/flow_key.h"

namespace pfild::cbpf {

void PrintTo(const PerPacket& found, std::ostream* out) { *out << found.instruction << ": " << found.why; }

namespace {

constexpr auto kNowhere = static_cast<std::size_t>(-1);
constexpr const char* kTimeToLive = "reads byte 8 (time to live), which is not part of the flow";
constexpr const char* kPerhapsNoPort = "reads byte 0 behind the IPv4 header without knowing that it is of a port";
constexpr const char* kHeaderLength = "uses the length of the IPv4 header as a number";

using Code = std::vector<Instruction>;

struct Case {
    const char* what;
    Code code;
    std::size_t instruction = kNowhere; ///< that is found; nowhere: per flow
    const char* why = "";
};

Instruction op(Opcode opcode, std::uint32_t k = 0) { return {info(opcode).code, 0, 0, k}; }

/// To the next instruction if it is taken, else over `no` more.
Instruction unless(Opcode opcode, std::uint32_t k, std::uint8_t no) { return {info(opcode).code, 0, no, k}; }

Instruction ld(std::uint32_t k) { return op(Opcode::kLd, k); }
Instruction ldh(std::uint32_t k) { return op(Opcode::kLdh, k); }
Instruction ldb(std::uint32_t k) { return op(Opcode::kLdb, k); }
Instruction jeq(std::uint32_t k, std::uint8_t no) { return unless(Opcode::kJeqK, k, no); }
Instruction ret(std::uint32_t k) { return op(Opcode::kRetK, k); }

const Instruction kRetA = op(Opcode::kRetA);
const Instruction kTax = op(Opcode::kTax);
const Instruction kTxa = op(Opcode::kTxa);

/// Instructions 0 to 3 let only TCP pass, then come those given.
Code of_tcp(const Code& code) {
    Code all{ldb(9), jeq(6, 1), op(Opcode::kJa, 1), ret(0)};
    all.insert(all.end(), code.begin(), code.end());
    return all;
}

void expect_all(PacketForm form, std::span<const Case> table) {
    for (const Case& row : table) {
        const auto program = Program::verify(row.code);
        ASSERT_TRUE(program) << row.what << ": " << program.error().message();
        const auto expected =
            row.instruction == kNowhere ? std::optional<PerPacket>{} : PerPacket{row.instruction, row.why};
        EXPECT_EQ(why_per_packet(*program, form), expected) << row.what;
    }
}

TEST(FlowDependence, a_result_may_be_made_of_the_key_and_of_nothing_else) {
    const Case table[] = {
        {"a constant", {ret(7)}},
        {"A at the start", {kRetA}},
        {"an address", {ld(12), kRetA}},
        {"the product of the addresses", {ld(12), kTax, ld(16), op(Opcode::kMulX), kRetA}},
        {"the version nibble", {ldb(0), op(Opcode::kAndK, 0xf0), kRetA}},
        {"the fragment offset, which is 0", {ldh(6), op(Opcode::kAndK, 0x3fff), kRetA}},
        {"the time to live", {ldb(8), kRetA}, 0, kTimeToLive},
        {"the time to live, moved about",
         {ldb(8), kTax, op(Opcode::kLdImm, 1), kTxa, op(Opcode::kNeg), kRetA},
         0,
         kTimeToLive},
        {"the packet length", {op(Opcode::kLdLen), kRetA}, 0, "uses the packet length"},
        {"the packet length from X", {op(Opcode::kLdxLen), kTxa, kRetA}, 0, "uses the packet length"},
        {"the don't-fragment bit",
         {ldh(6), kRetA},
         0,
         "reads byte 6 (don't-fragment bit), which is not part of the flow"},
    };
    expect_all(PacketForm::kInet, table);
}

/// The fields of a header that are not part of the key, in order; all other bytes are.
struct OtherField {
    std::uint32_t first;
    std::uint32_t last;
    const char* name;
};

void expect_fields(PacketForm form, std::uint32_t length, std::span<const OtherField> fields) {
    for (std::uint32_t byte = 0; byte < length; ++byte) {
        std::optional<PerPacket> expected;
        for (const OtherField& field : fields) {
            if (byte >= field.first && byte <= field.last) {
                expected = {0, "reads byte " + std::to_string(byte) + " (" + field.name +
                                   "), which is not part of the flow"};
            }
        }
        const auto program = Program::verify(Code{ldb(byte), kRetA});
        EXPECT_EQ(why_per_packet(*program, form), expected);
    }
}

TEST(FlowDependence, every_byte_of_a_header_is_of_the_key_or_has_a_name) {
    const OtherField inet[] = {
        {0, 0, "header length"},      {1, 1, "type of service"}, {2, 3, "total length"},      {4, 5, "identification"},
        {6, 6, "don't-fragment bit"}, {8, 8, "time to live"},    {10, 11, "header checksum"},
    };
    expect_fields(PacketForm::kInet, 20, inet);
    const OtherField inet6[] = {
        {0, 0, "traffic class"}, {1, 1, "traffic class and flow label"}, {2, 3, "flow label"}, {4, 5, "payload length"},
        {7, 7, "hop limit"},
    };
    expect_fields(PacketForm::kInet6, 40, inet6);
}

TEST(FlowDependence, what_is_loaded_and_not_used_does_no_harm) {
    const Case table[] = {
        {"overwritten", {ldb(8), op(Opcode::kLdImm, 3), kRetA}},
        {"stored and never loaded", {ldb(8), op(Opcode::kSt, 0), ret(1)}},
        {"the length", {op(Opcode::kLdLen), ret(1)}},
        {"masked away", {ldb(8), op(Opcode::kAndK, 0), kRetA}},
        {"masked away by X", {ldh(8), op(Opcode::kLdxImm, 0xff), op(Opcode::kAndX), kRetA}},
        {"set to ones", {ldh(8), op(Opcode::kOrK, 0xff00), kRetA}},
        {"shifted out to the left", {ldh(8), op(Opcode::kLshK, 24), kRetA}},
        {"shifted out to the right", {ldh(9), op(Opcode::kRshK, 8), kRetA}},
        {"shifted out to the left, but another is not",
         {ld(8), op(Opcode::kLshK, 8), kRetA},
         0,
         "reads byte 10 (header checksum), which is not part of the flow"},
        {"sums carry upwards only", {ldh(8), op(Opcode::kAddK, 77), op(Opcode::kAndK, 0xff), kRetA}},
        {"so do differences", {ldh(8), op(Opcode::kNeg), op(Opcode::kAndK, 0xff), kRetA}},
        {"and products", {ldh(8), op(Opcode::kMulK, 77), op(Opcode::kAndK, 0xff), kRetA}},
        {"but they do carry upwards",
         {ldb(8), op(Opcode::kAddK, 77), op(Opcode::kAndK, 0xff00), kRetA},
         0,
         kTimeToLive},
        {"and quotients downwards", {ldh(8), op(Opcode::kDivK, 3), op(Opcode::kAndK, 1), kRetA}, 0, kTimeToLive},
        {"the other byte was masked away", {ldh(8), op(Opcode::kAndK, 0xff00), kRetA}, 0, kTimeToLive},
        {"and with X keeps it", {ldb(8), kTax, ldb(9), op(Opcode::kAndX), kRetA}, 0, kTimeToLive},
        {"or with X keeps it", {ldb(8), kTax, ldb(9), op(Opcode::kOrX), kRetA}, 0, kTimeToLive},
        {"exclusive or keeps it", {ldh(8), op(Opcode::kXorK, 0xff00), kRetA}, 0, kTimeToLive},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, memory_carries_taints) {
    const Case table[] = {
        {"from A to X", {ldb(8), op(Opcode::kSt, 3), op(Opcode::kLdxMem, 3), kTxa, kRetA}, 0, kTimeToLive},
        {"from X to A", {ldb(8), kTax, op(Opcode::kStx, 3), op(Opcode::kLdMem, 3), kRetA}, 0, kTimeToLive},
        {"until overwritten",
         {ldb(8), op(Opcode::kSt, 3), op(Opcode::kLdImm, 1), op(Opcode::kSt, 3), op(Opcode::kLdMem, 3), kRetA}},
        {"a word does not taint its neighbour",
         {ld(12), op(Opcode::kSt, 2), ldb(8), op(Opcode::kSt, 3), op(Opcode::kLdMem, 2), kRetA}},
        {"from one of two paths",
         {ld(12), op(Opcode::kSt, 0), jeq(1, 2), ldb(8), op(Opcode::kSt, 0), op(Opcode::kLdMem, 0), kRetA},
         3,
         kTimeToLive},
        {"it keeps what a value means: the protocol",
         {ldb(9), op(Opcode::kSt, 0), op(Opcode::kLdMem, 0), jeq(6, 3), op(Opcode::kLdxMsh, 0), op(Opcode::kLdhInd, 0),
          kRetA, ret(0)}},
        {"it keeps what a value means: the end of the header",
         of_tcp({op(Opcode::kLdxMsh, 0), op(Opcode::kStx, 0), op(Opcode::kLdxMem, 0), op(Opcode::kLdInd, 0), kRetA})},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, jumps_depend_on_what_they_compare) {
    const auto jump = [](Opcode opcode, std::uint32_t k) { return Instruction{info(opcode).code, 0, 1, k}; };
    const Case table[] = {
        {"by key", {ld(12), jeq(1, 1), ret(1), ret(2)}},
        {"by value", {ldb(8), jeq(1, 1), ret(1), ret(2)}, 0, kTimeToLive},
        {"by value, though both sides do the same", {ldb(8), jeq(1, 0), ret(1)}, 0, kTimeToLive},
        {"a time to live is never 256", {ldb(8), jeq(0x100, 1), ret(1), ret(2)}},
        {"and always below", {ldb(8), jump(Opcode::kJgtK, 0xff), ret(1), ret(2)}},
        {"the byte of the version is 0x40 or more", {ldb(0), jump(Opcode::kJgeK, 0x40), ret(1), ret(2)}},
        {"perhaps not 0x41",
         {ldb(0), jump(Opcode::kJgeK, 0x41), ret(1), ret(2)},
         0,
         "reads byte 0 (header length), which is not part of the flow"},
        {"jset of a known bit", {ldb(0), jump(Opcode::kJsetK, 0x41), ret(1), ret(2)}},
        {"jset of bits of the key", {ldh(8), jump(Opcode::kJsetK, 0xff), ret(1), ret(2)}},
        {"jset of one other bit", {ldh(8), jump(Opcode::kJsetK, 0x1ff), ret(1), ret(2)}, 0, kTimeToLive},
        {"X is tainted", {ldb(8), kTax, ld(12), jump(Opcode::kJgtX, 0), ret(1), ret(2)}, 0, kTimeToLive},
        {"X is of the key", {ld(16), kTax, ld(12), jump(Opcode::kJgtX, 0), ret(1), ret(2)}},
        {"different constants on two paths are not known behind",
         {ld(12), jeq(1, 2), op(Opcode::kLdImm, 5), op(Opcode::kJa, 1), op(Opcode::kLdImm, 4), jeq(5, 1), ldb(8),
          kRetA},
         6,
         kTimeToLive},
        {"and in the other order",
         {ld(12), jeq(1, 2), op(Opcode::kLdImm, 4), op(Opcode::kJa, 1), op(Opcode::kLdImm, 5), jeq(5, 1), ldb(8),
          kRetA},
         6,
         kTimeToLive},
        {"X decides it", {op(Opcode::kLdxImm, 0x60), ldb(0), jump(Opcode::kJgeX, 0), kRetA, ret(2)}},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, division_and_shift_by_X_may_end_the_program) {
    const Case table[] = {
        {"CF-24: by the time to live", {ldb(8), kTax, op(Opcode::kDivX), ret(1)}, 0, kTimeToLive},
        {"CF-24: the remainder, too", {ldb(8), kTax, op(Opcode::kModX), ret(1)}, 0, kTimeToLive},
        {"CF-25: a shift by it", {ldb(8), kTax, op(Opcode::kLshX), ret(1)}, 0, kTimeToLive},
        {"CF-25: to the right", {op(Opcode::kLdxLen), op(Opcode::kRshX), ret(1)}, 0, "uses the packet length"},
        {"CF-24: by an address", {ld(12), kTax, ld(16), op(Opcode::kDivX), kRetA}},
        {"CF-24: by a constant", {op(Opcode::kLdxImm, 3), ld(16), op(Opcode::kModX), kRetA}},
        {"CF-24: by 0 the program ends", {op(Opcode::kLdxImm, 0), op(Opcode::kDivX), ldb(8), kRetA}},
        {"CF-25: by 32 the program ends", {op(Opcode::kLdxImm, 32), op(Opcode::kLshX), ldb(8), kRetA}},
        {"CF-25: by 31 it does not", {op(Opcode::kLdxImm, 31), op(Opcode::kLshX), ldb(8), kRetA}, 2, kTimeToLive},
        {"CF-25: by the protocol, perhaps not", {ldb(9), kTax, op(Opcode::kRshX), ldb(8), kRetA}, 3, kTimeToLive},
        {"CF-25: by a constant bits move", {op(Opcode::kLdxImm, 24), ldh(8), op(Opcode::kLshX), kRetA}},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, loads_are_inside_of_all_packets_or_outside_of_all) {
    constexpr const char* kByte20 = "reads byte 20, which not every packet of the flow has";
    constexpr const char* kByte24 = "reads byte 24, which not every packet of the flow has";
    constexpr const char* kByte1000 = "reads byte 1000, which not every packet of the flow has";
    constexpr const char* kComputed = "reads at an offset that it computes, perhaps outside of the packet";
    const Instruction by_protocol = op(Opcode::kLdbInd, 16);
    const Case table[] = {
        {"the last byte of the shortest header", {ldb(19), ret(1)}},
        {"the byte behind it, though it is not used", {ldb(20), ret(1)}, 0, kByte20},
        {"half inside", {ld(18), ret(1)}, 0, kByte20},
        {"a header length from there", {op(Opcode::kLdxMsh, 20), ret(1)}, 0, kByte20},
        {"far behind", {ldb(1000), ret(1)}, 0, kByte1000},
        {"TCP has four bytes more", of_tcp({ld(20), ret(1)})},
        {"and they may be options", of_tcp({ld(20), kRetA}), 4,
         "reads byte 20 (an option or a port), which is not part of the flow"},
        {"and not five", of_tcp({ld(21), ret(1)}), 4, kByte24},
        {"CF-23: no packet is as long", {ldb(0x80000000), ldb(8), kRetA}},
        {"CF-23: nor does it end there", {ldh(0x7fffffff), ldb(8), kRetA}},
        {"CF-23: but perhaps here",
         {ldb(0x7fffffff), ret(1)},
         0,
         "reads byte 2147483647, which not every packet of the flow has"},
        {"CF-22: X + k does not wrap", {op(Opcode::kLdxImm, 0xffffffff), op(Opcode::kLdbInd, 13), ldb(8), kRetA}},
        {"CF-22: nor does the end of the header",
         {op(Opcode::kLdxMsh, 0), op(Opcode::kLdbInd, 0xfffffff0), ldb(8), kRetA}},
        {"in code that no packet of the form reaches",
         {ldb(0), op(Opcode::kAndK, 0xf0), jeq(0x60, 1), ldb(40), ret(1)}},
        {"in code that nothing reaches", {op(Opcode::kJa, 1), ldb(40), ret(1)}},
        {"an offset of two, both inside", {ldb(8), op(Opcode::kAndK, 1), kTax, op(Opcode::kLdbInd, 12), ret(1)}},
        {"then what it loads is tainted",
         {ldb(8), op(Opcode::kAndK, 1), kTax, op(Opcode::kLdbInd, 12), kRetA},
         3,
         "reads at an offset that it computes"},
        {"an offset of many", {ldb(8), kTax, op(Opcode::kLdbInd, 0), ret(1)}, 0, kTimeToLive},
        {"an offset that the key decides, inside", {ldb(9), op(Opcode::kAndK, 3), kTax, by_protocol, ret(1)}},
        {"an offset that the key decides, perhaps not",
         {ldb(9), op(Opcode::kAndK, 7), kTax, by_protocol, ret(1)},
         3,
         kComputed},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, ports_are_where_the_protocol_has_them) {
    const Instruction length = op(Opcode::kLdxMsh, 0);
    const Instruction source = op(Opcode::kLdhInd, 0);
    const Case table[] = {
        {"of any protocol", {length, source, kRetA}, 1, kPerhapsNoPort},
        {"of TCP", {ldb(9), jeq(6, 3), length, source, kRetA, ret(0)}},
        {"of TCP or UDP",
         {ldb(9), unless(Opcode::kJeqK, 6, 1), op(Opcode::kJa, 1), jeq(17, 3), length, source, kRetA, ret(0)}},
        {"of what is not TCP",
         {ldb(9), {info(Opcode::kJeqK).code, 3, 0, 6}, length, source, kRetA, ret(0)},
         3,
         kPerhapsNoPort},
        {"of TCP or ICMP",
         {ldb(9), {info(Opcode::kJeqK).code, 1, 0, 6}, jeq(1, 3), length, source, kRetA, ret(0)},
         4,
         kPerhapsNoPort},
        {"of ICMP, which has none",
         {ldb(9), jeq(1, 3), length, source, kRetA, ret(0)},
         3,
         "reads byte 0 behind the IPv4 header, which is not part of the flow"},
        {"of TCP, joined with the rest", {ldb(9), jeq(6, 0), length, source, kRetA}, 3, kPerhapsNoPort},
        {"of what is between 6 and 6",
         {ldb(9), unless(Opcode::kJgeK, 6, 4), {info(Opcode::kJgtK).code, 3, 0, 6}, length, source, kRetA, ret(0)}},
        {"of a protocol that is loaded at X",
         {op(Opcode::kLdxImm, 4), op(Opcode::kLdbInd, 5), jeq(6, 3), length, source, kRetA, ret(0)}},
        {"of a protocol that is compared with X",
         {op(Opcode::kLdxImm, 6), ldb(9), unless(Opcode::kJeqX, 0, 3), length, source, kRetA, ret(0)}},
        {"of two bytes, of which the first is the protocol",
         {ldh(9), jeq(6, 3), length, source, kRetA, ret(0)},
         0,
         "reads byte 10 (header checksum), which is not part of the flow"},
        {"two bytes are not the protocol, though they compare by key",
         {ldh(9), unless(Opcode::kJsetK, 0xff00, 2), ldb(8), kRetA, ret(0)},
         2,
         kTimeToLive},
        {"of two bytes, of which the second is the protocol",
         {ldh(8), op(Opcode::kAndK, 0xff), jeq(6, 3), length, source, kRetA, ret(0)},
         4,
         kPerhapsNoPort},
        {"of a byte that is 6, but not the protocol",
         {ldb(12), jeq(6, 3), length, source, kRetA, ret(0)},
         3,
         kPerhapsNoPort},
        {"TCP, asked twice: the second no is not taken",
         {ldb(9), jeq(6, 3), ldb(9), jeq(6, 2), ret(1), ret(0), ldb(8), kRetA}},
        {"both ports", of_tcp({length, op(Opcode::kLdInd, 0), kRetA})},
        {"one byte of them", of_tcp({length, op(Opcode::kLdbInd, 3), kRetA})},
        {"what is behind them, not used", of_tcp({length, op(Opcode::kLdhInd, 3), ret(1)}), 5,
         "reads byte 4 behind the IPv4 header, which is not part of the flow"},
        {"what is before them", of_tcp({length, kTxa, op(Opcode::kSubK, 4), kTax, op(Opcode::kLdInd, 2), ret(1)}), 4,
         kHeaderLength},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, the_end_of_the_header_is_no_number_but_can_be_moved) {
    const Instruction length = op(Opcode::kLdxMsh, 0);
    const auto add = [](std::uint32_t k) { return op(Opcode::kAddK, k); };
    const auto load = [](std::uint32_t k) { return op(Opcode::kLdhInd, k); };
    const Case table[] = {
        {"returned", {length, kTxa, kRetA}, 0, kHeaderLength},
        {"compared", {length, kTxa, jeq(20, 1), ret(1), ret(2)}, 0, kHeaderLength},
        {"divided by", {length, op(Opcode::kDivX), ret(1)}, 0, kHeaderLength},
        {"but it is a multiple of 4", {length, kTxa, op(Opcode::kAndK, 3), kRetA}},
        {"and not above 60", {length, kTxa, unless(Opcode::kJgtK, 60, 1), ldb(8), ret(1)}},
        {"moved up", of_tcp({length, kTxa, add(2), kTax, load(0), kRetA})},
        {"moved up by X", of_tcp({op(Opcode::kLdImm, 2), length, op(Opcode::kAddX), kTax, load(0), kRetA})},
        {"moved up too far", of_tcp({length, kTxa, add(3), kTax, load(0), kRetA}), 8,
         "reads byte 4 behind the IPv4 header, which is not part of the flow"},
        {"moved down", of_tcp({length, kTxa, op(Opcode::kSubK, 20), kTax, load(22), kRetA})},
        {"moved down by adding", of_tcp({length, kTxa, add(0U - 20), kTax, load(22), kRetA})},
        {"CF-22: moved down below 0", of_tcp({length, kTxa, op(Opcode::kSubK, 24), kTax, load(24), kRetA}), 4,
         kHeaderLength},
        {"moved on one of two paths", of_tcp({length, ld(12), jeq(1, 3), kTxa, add(2), kTax, load(0), kRetA}), 4,
         kHeaderLength},
        {"moved alike on both", of_tcp({length, ld(12), jeq(1, 4), kTxa, add(2), kTax, op(Opcode::kJa, 3), kTxa, add(2),
                                        kTax, load(0), kRetA})},
        {"another byte's low bits", of_tcp({op(Opcode::kLdxMsh, 9), load(0), kRetA}), 5,
         "reads at an offset that it computes, perhaps outside of the packet"},
        {"made with shifts is only a number",
         of_tcp({ldb(0), op(Opcode::kAndK, 15), op(Opcode::kLshK, 2), kTax, load(0), kRetA}), 4,
         "reads byte 0 (header length), which is not part of the flow"},
    };
    expect_all(PacketForm::kInet, table);
}

TEST(FlowDependence, an_IPv6_header_has_its_own_fields) {
    const Case table[] = {
        {"an address", {ld(36), kRetA}},
        {"the traffic class",
         {ld(0), op(Opcode::kAndK, 0x0f000000), kRetA},
         0,
         "reads byte 0 (traffic class), which is not part of the flow"},
        {"the flow label",
         {ld(0), op(Opcode::kAndK, 0xffff), kRetA},
         0,
         "reads byte 2 (flow label), which is not part of the flow"},
        {"the hop limit", {ldh(6), kRetA}, 0, "reads byte 7 (hop limit), which is not part of the flow"},
        {"the payload length", {ldh(4), kRetA}, 0, "reads byte 4 (payload length), which is not part of the flow"},
        {"ports of any protocol", {ldh(40), ret(1)}, 0, "reads byte 40 without knowing that it is of a port"},
        {"ports of UDP", {ldb(6), jeq(17, 2), ld(40), kRetA, ret(0)}},
        {"behind the ports of UDP",
         {ldb(6), jeq(17, 2), ld(42), kRetA, ret(0)},
         2,
         "reads byte 44, which not every packet of the flow has"},
        {"behind the header of ICMP",
         {ldb(6), jeq(58, 2), ldb(40), kRetA, ret(0)},
         2,
         "reads byte 40, which not every packet of the flow has"},
        {"ports behind a fragment header, which no canonical packet has", {ldb(6), jeq(44, 2), ldb(40), kRetA, ret(0)}},
        {"the low nibble of the first byte is no header length",
         {ldb(6), jeq(6, 3), op(Opcode::kLdxMsh, 0), op(Opcode::kLdhInd, 0), kRetA, ret(0)},
         2,
         "reads byte 0 (traffic class), which is not part of the flow"},
    };
    expect_all(PacketForm::kInet6, table);
}

TEST(FlowDependence, protocols_with_ports_and_extension_headers_are_those_of_the_key) {
    for (std::uint32_t protocol = 0; protocol < 256; ++protocol) {
        const auto byte = static_cast<std::uint8_t>(protocol);
        const bool ports = pfild_has_ports(byte) != 0;
        const auto inet = Program::verify(
            Code{ldb(9), jeq(protocol, 3), op(Opcode::kLdxMsh, 0), op(Opcode::kLdInd, 0), kRetA, ret(0)});
        EXPECT_EQ(!why_per_packet(*inet, PacketForm::kInet), ports) << protocol;
        const auto inet6 = Program::verify(Code{ldb(6), jeq(protocol, 2), ld(40), kRetA, ret(0)});
        EXPECT_EQ(!why_per_packet(*inet6, PacketForm::kInet6), ports || pfild_is_extension(byte) != 0) << protocol;
    }
}

/// Returns what instruction 6 loads from packets with two tags of type 0x8100 and this type behind them.
Code behind_two_tags(std::uint32_t type, Instruction load) {
    return {ldh(12), jeq(0x8100, 6), ldh(16), jeq(0x8100, 4), ldh(20), jeq(type, 2), load, kRetA, ret(0)};
}

TEST(FlowDependence, ethernet_is_judged_with_and_without_tags) {
    const Case table[] = {
        {"the type", {ldh(12), kRetA}},
        {"the tag, or what is in its place", {ldh(12), jeq(0x8100, 2), ldh(14), kRetA, ret(0)}},
        {"a tag of type 0x88a8",
         {ldh(12), jeq(0x88a8, 2), ldb(0), kRetA, ret(0)},
         2,
         "reads byte 0 (destination MAC), which is not part of the flow, in IPv4 behind a VLAN tag"},
        {"a type that no canonical packet has", {ldh(12), jeq(0x9100, 2), ldb(0), kRetA, ret(0)}},
        {"nor this", {ldh(12), jeq(0x0806, 2), ldb(0), kRetA, ret(0)}},
        {"nor any length in its place", {ldh(12), {info(Opcode::kJgtK).code, 2, 0, 1500}, ldb(0), kRetA, ret(0)}},
        {"the destination", {ld(0), kRetA}, 0, "reads byte 0 (destination MAC), which is not part of the flow"},
        {"the source", {ldb(11), kRetA}, 0, "reads byte 11 (source MAC), which is not part of the flow"},
        {"the time to live where it is only one without tags",
         {ldh(12), jeq(0x800, 2), ldb(22), kRetA, ret(0)},
         2,
         "reads byte 22 (time to live), which is not part of the flow"},
        {"the protocol, without a look at the type",
         {ldb(23), kRetA},
         0,
         "reads byte 23 (identification), which is not part of the flow, in IPv4 behind a VLAN tag"},
        {"the protocol behind two tags", behind_two_tags(0x0800, ldb(31))},
        {"the hop limit behind two tags", behind_two_tags(0x86dd, ldb(29)), 6,
         "reads byte 29 (hop limit), which is not part of the flow, in IPv6 behind two VLAN tags"},
    };
    expect_all(PacketForm::kEthernet, table);
}

TEST(FlowDependence, one_pass_is_enough_for_the_longest_program_of_two_way_jumps) {
    Code code{ld(12)};
    while (code.size() + 2 < kMaxInstructions) {
        code.push_back(jeq(static_cast<std::uint32_t>(code.size()), 1)); // 2^509 paths
    }
    code.push_back(ld(16));
    code.push_back(kRetA);
    EXPECT_EQ(why_per_packet(*Program::verify(code), PacketForm::kInet), std::nullopt);
    code[code.size() - 2] = ldb(8);
    EXPECT_EQ(why_per_packet(*Program::verify(code), PacketForm::kInet),
              (PerPacket{kMaxInstructions - 2, kTimeToLive}));
}

} // namespace
} // namespace pfild::cbpf
