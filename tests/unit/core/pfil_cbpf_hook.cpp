// SPDX-License-Identifier: BSD-2-Clause
// The classic BPF hook: what a match does, what the program sees, what is counted.
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "core/pfil/cbpf_hook.h"
#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

using cbpf::Instruction;

// The opcodes that these programs use, as <pcap/bpf.h> spells them out.
constexpr std::uint16_t kLdByte = 0x30;  // BPF_LD | BPF_B | BPF_ABS
constexpr std::uint16_t kLdHalf = 0x28;  // BPF_LD | BPF_H | BPF_ABS
constexpr std::uint16_t kLdWord = 0x20;  // BPF_LD | BPF_W | BPF_ABS
constexpr std::uint16_t kLdLen = 0x80;   // BPF_LD | BPF_W | BPF_LEN
constexpr std::uint16_t kLdxMsh = 0xb1;  // BPF_LDX | BPF_B | BPF_MSH
constexpr std::uint16_t kLdHalfX = 0x48; // BPF_LD | BPF_H | BPF_IND
constexpr std::uint16_t kJeq = 0x15;     // BPF_JMP | BPF_JEQ | BPF_K
constexpr std::uint16_t kRetK = 0x06;    // BPF_RET | BPF_K
constexpr std::uint16_t kRetA = 0x16;    // BPF_RET | BPF_A

cbpf::Program program(const std::vector<Instruction>& instructions) {
    auto verified = cbpf::Program::verify(instructions);
    EXPECT_TRUE(verified.has_value()) << verified.error().message();
    return std::move(*verified);
}

/// `udp dst port PORT` of an IPv4 packet without link header.
std::vector<Instruction> udp_port(std::uint32_t port) {
    return {{kLdByte, 0, 0, 9}, {kJeq, 0, 4, 17},     {kLdxMsh, 0, 0, 0}, {kLdHalfX, 0, 0, 2},
            {kJeq, 0, 1, port}, {kRetK, 0, 0, 65535}, {kRetK, 0, 0, 0}};
}

/// A packet as a head shows it.
struct Shown {
    Shown(Frame& from, HeadType type) : frame(from), whole(type == HeadType::kEthernet), view(parse(from)) {}

    Frame& frame;
    bool whole;
    PacketView view;
    Packet packet{.frame = frame,
                  .view = view,
                  .offset = whole ? 0U : view.network_offset,
                  .length = whole ? frame.length() : view.network_length,
                  .direction = Direction::kIn,
                  .forwarded = false,
                  .ifindex = 1};
};

TEST(CbpfHook, drops_passes_or_counts_what_matches) {
    struct Row {
        OnMatch on_match;
        Verdict matching;
        Verdict other;
        std::uint64_t dropped;
    };
    for (const Row& row : {
             Row{OnMatch::kDrop, Verdict::dropped(EACCES), Verdict::pass(), 2},
             Row{OnMatch::kPass, Verdict::pass(), Verdict::dropped(EACCES), 1},
             Row{OnMatch::kCount, Verdict::pass(), Verdict::pass(), 0},
         }) {
        SCOPED_TRACE(name(row.on_match));
        Buffers buffers;
        CbpfHook hook({.name = "cbpf:a", .type = HeadType::kInet, .on_match = row.on_match}, program(udp_port(23)));
        Frame matching = buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(23))));  // 36 bytes of IP
        Frame other = buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(24, 20)))); // 48 bytes of IP
        Shown matching_packet(matching, HeadType::kInet);
        Shown other_packet(other, HeadType::kInet);
        EXPECT_EQ(hook.run(matching_packet.packet), row.matching);
        EXPECT_EQ(hook.run(matching_packet.packet), row.matching);
        EXPECT_EQ(hook.run(other_packet.packet), row.other);
        const std::uint64_t dropped_bytes = row.dropped == 2 ? 72 : row.dropped * 48;
        EXPECT_EQ(hook.tally(), (HookTally{.seen_packets = 3,
                                           .seen_bytes = 120,
                                           .matched_packets = 2,
                                           .matched_bytes = 72,
                                           .dropped_packets = row.dropped,
                                           .dropped_bytes = dropped_bytes}));
    }
}

TEST(CbpfHook, says_whether_its_answer_lasts_and_counts_nothing_when_it_foresees) {
    const std::vector<Instruction> length{{kLdLen, 0, 0, 0}, {kRetA, 0, 0, 0}};
    struct Row {
        const char* sentence;
        std::vector<Instruction> instructions;
        OnMatch on_match;
        std::uint16_t port;
        bool lasts;
    };
    for (const Row& row : {Row{"a flow is dropped", udp_port(53), OnMatch::kDrop, 53, true},
                           Row{"a flow is not dropped", udp_port(53), OnMatch::kDrop, 54, true},
                           Row{"a flow is counted, packet by packet", udp_port(53), OnMatch::kCount, 53, false},
                           Row{"a flow is not counted", udp_port(53), OnMatch::kCount, 54, true},
                           Row{"the length says what happens", length, OnMatch::kDrop, 53, false}}) {
        CbpfHook hook({.name = "cbpf:a", .on_match = row.on_match}, program(row.instructions));
        Buffers buffers;
        Frame frame = buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(row.port))));
        Shown packet(frame, HeadType::kInet);
        const Verdict foreseen = hook.foresee(packet.packet);
        EXPECT_EQ(hook.tally().seen_packets, 0U) << row.sentence;
        const Verdict verdict = hook.run(packet.packet);
        EXPECT_EQ(verdict, foreseen) << row.sentence;
        EXPECT_EQ(verdict.lasts, row.lasts) << row.sentence;
        EXPECT_EQ(foreseen.lasts, row.lasts) << row.sentence;
        EXPECT_EQ(hook.tally().seen_packets, 1U) << row.sentence;
    }
}

TEST(CbpfHook, says_what_it_was_made_with) {
    const CbpfHook with({.name = "cbpf:a", .type = HeadType::kInet6, .on_match = OnMatch::kPass, .filter = "udp"},
                        program({{kRetK, 0, 0, 1}}));
    EXPECT_EQ(with.module(), "cbpf");
    EXPECT_EQ(with.type(), HeadType::kInet6);
    EXPECT_EQ(with.answers(), (Answers{Answers::Hold::kPerFlow, std::nullopt}));
    EXPECT_EQ(with.runs_in(), RunsIn::kAutomatic);
    const ProgramInfo info = with.program_info().value();
    EXPECT_EQ(info.on_match, OnMatch::kPass);
    EXPECT_EQ(info.filter, "udp");
    EXPECT_EQ(info.instructions.size(), 1U);
    EXPECT_EQ(info.compiled, Compiled::kUnverified);
    EXPECT_EQ(info.as_it_is, std::nullopt);
    const CbpfHook without({.name = "cbpf:b"}, program({{kRetK, 0, 0, 1}}));
    EXPECT_EQ(without.program_info()->filter, std::nullopt);
    const CbpfHook curious({.name = "cbpf:c"}, program({{kLdLen, 0, 0, 0}, {kRetA, 0, 0, 0}}));
    EXPECT_EQ(curious.answers(), (Answers{Answers::Hold::kPerPacket, "instruction 0 uses the packet length"}));
    const CbpfHook counting({.name = "cbpf:d", .on_match = OnMatch::kCount}, program({{kRetK, 0, 0, 1}}));
    EXPECT_EQ(counting.answers(), (Answers{Answers::Hold::kPerFlow, "packets that match are counted one by one"}));
    EXPECT_EQ(on_match_named("count"), OnMatch::kCount);
    EXPECT_EQ(on_match_named("drop"), OnMatch::kDrop);
    EXPECT_EQ(on_match_named("accept"), std::nullopt);
}

TEST(CbpfHook, PF_24_its_program_sees_the_header_of_its_type_inside_tags_and_without_padding) {
    Buffers buffers;
    struct Row {
        const char* sentence;
        HeadType type;
        Bytes bytes;
        std::vector<Instruction> instructions;
        bool matches;
    };
    const Bytes tagged = ethernet({kTypeServiceVlan, kTypeVlan}, kTypeIpv4, ipv4(udp(23)));
    const Bytes padded = ethernet({}, kTypeIpv4, joined(ipv4(udp(23)), Bytes(10, 0)));
    const std::vector<Instruction> length_is_36{
        {kLdLen, 0, 0, 0}, {kJeq, 0, 1, 36}, {kRetK, 0, 0, 1}, {kRetK, 0, 0, 0}};
    const std::vector<Instruction> has_byte_36{{kLdByte, 0, 0, 36}, {kRetK, 0, 0, 1}};
    const std::vector<Instruction> outer_tag{
        {kLdHalf, 0, 0, 12}, {kJeq, 0, 1, kTypeServiceVlan}, {kRetK, 0, 0, 1}, {kRetK, 0, 0, 0}};
    for (const Row& row : {
             Row{"inet looks inside two tags", HeadType::kInet, tagged, udp_port(23), true},
             Row{"its twin", HeadType::kInet, tagged, udp_port(24), false},
             Row{"ethernet sees the tags in-band", HeadType::kEthernet, tagged, outer_tag, true},
             Row{"its twin", HeadType::kEthernet, padded, outer_tag, false},
             Row{"the length is that of the IP packet", HeadType::kInet, padded, length_is_36, true},
             Row{"its twin", HeadType::kEthernet, padded, length_is_36, false},
             Row{"padding cannot be loaded", HeadType::kInet, padded, has_byte_36, false},
             Row{"its twin", HeadType::kEthernet, padded, has_byte_36, true},
         }) {
        SCOPED_TRACE(row.sentence);
        CbpfHook hook({.name = "cbpf:a", .type = row.type}, program(row.instructions));
        Frame frame = buffers.frame(row.bytes);
        Shown packet(frame, row.type);
        EXPECT_EQ(hook.run(packet.packet).stops(), row.matches);
    }
}

TEST(CbpfHook, answers_the_same_however_the_packet_is_cut_into_buffers) {
    Buffers buffers;
    const Bytes bytes = ethernet({kTypeVlan}, kTypeIpv4, joined(ipv4(udp(0x1234)), Bytes(10, 0)));
    struct Row {
        const char* sentence;
        std::vector<Instruction> instructions;
    };
    std::vector<Row> rows{{"matches a port", udp_port(0x1234)}, {"does not match a port", udp_port(0x1235)}};
    for (std::uint32_t at = 0; at < 40; at++) {
        rows.push_back(
            {"answers with a word of the packet, or 0 where there is none", {{kLdWord, 0, 0, at}, {kRetA, 0, 0, 0}}});
    }
    const auto drops = [&](Frame frame, const std::vector<Instruction>& instructions, HeadType type) {
        CbpfHook hook({.name = "cbpf:a", .type = type}, program(instructions));
        Shown packet(frame, type);
        EXPECT_EQ(hook.tally().seen_bytes, 0U);
        return hook.run(packet.packet).stops();
    };
    for (const Row& row : rows) {
        for (const HeadType type : {HeadType::kInet, HeadType::kEthernet}) {
            SCOPED_TRACE(row.sentence);
            const bool expected = drops(buffers.frame(bytes), row.instructions, type);
            for (std::size_t cut = 0; cut <= bytes.size(); cut++) {
                ASSERT_EQ(drops(buffers.cut(bytes, {cut}), row.instructions, type), expected) << "cut at " << cut;
                ASSERT_EQ(drops(buffers.cut(bytes, {cut, 1, 0, 2, 1}), row.instructions, type), expected) << cut;
            }
        }
    }
    buffers.expect_all_free();
}

TEST(CbpfHook, on_a_head_drops_exactly_its_packets) {
    LastSnapshot publisher;
    Registry registry(publisher);
    expect_ok(registry.register_head({.name = "inet", .type = HeadType::kInet}));
    auto hook = std::make_shared<CbpfHook>(CbpfHookSpec{.name = "cbpf:a"}, program(udp_port(23)));
    expect_ok(registry.add_hook(hook));
    expect_ok(registry.link({.hook = "cbpf:a", .head = "inet", .directions = kIn}));
    Buffers buffers;
    struct Row {
        const char* sentence;
        Bytes bytes;
        Direction direction;
        Verdict verdict;
    };
    for (const Row& row : {
             Row{"the port", ethernet({}, kTypeIpv4, ipv4(udp(23))), Direction::kIn, Verdict::dropped(EACCES)},
             Row{"the port out", ethernet({}, kTypeIpv4, ipv4(udp(23))), Direction::kOut, Verdict::pass()},
             Row{"another port", ethernet({}, kTypeIpv4, ipv4(udp(24))), Direction::kIn, Verdict::pass()},
             Row{"the port over IPv6", ethernet({}, kTypeIpv6, ipv6(udp(23))), Direction::kIn, Verdict::pass()},
             Row{"the port in a tag", ethernet({kTypeVlan}, kTypeIpv4, ipv4(udp(23))), Direction::kIn,
                 Verdict::dropped(EACCES)},
         }) {
        SCOPED_TRACE(row.sentence);
        Frame frame = buffers.frame(row.bytes);
        PacketView view = parse(frame);
        EXPECT_EQ(run_heads(publisher.snapshot(), {.direction = row.direction}, frame, view), row.verdict);
    }
    buffers.expect_all_free();
    EXPECT_EQ(hook->tally().seen_packets, 3U);
    EXPECT_EQ(hook->tally().dropped_packets, 2U);
}

} // namespace
} // namespace pfild::core
