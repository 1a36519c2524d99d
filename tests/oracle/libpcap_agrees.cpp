// SPDX-License-Identifier: BSD-2-Clause
// libpcap's bpf_filter() as judge. It agrees on everything but register shifts by 32 or more (CF-25); unlike the kernel
// it also tells the whole result, and a wire length apart from the captured one.
#include <vector>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "cbpf/interpret.h"
#include "tests/data/contract_vectors.h"
#include "tests/oracle/random_program.h"

namespace pfild::tests {
namespace {

std::vector<bpf_insn> translated(const std::vector<cbpf::Instruction>& program) {
    std::vector<bpf_insn> code; // the layout is the same; a copy needs no cast
    code.reserve(program.size());
    for (const cbpf::Instruction& instruction : program) {
        code.push_back({instruction.code, instruction.jt, instruction.jf, instruction.k});
    }
    return code;
}

std::uint32_t by_libpcap(const std::vector<bpf_insn>& code, const std::vector<std::uint8_t>& packet,
                         std::uint32_t wire_length) {
    return bpf_filter(code.data(), packet.data(), wire_length, static_cast<u_int>(packet.size()));
}

TEST(Libpcap, yields_what_the_interpreter_yields_but_for_a_shift_by_32_or_more) {
    for (const RunVector& vector : read_contract_vectors().run) {
        const auto program = cbpf::Program::verify(vector.program);
        ASSERT_TRUE(program) << vector.id;
        const std::uint32_t ours = interpret(*program, cbpf::Packet(vector.packet, vector.wire_length));
        const std::uint32_t theirs = by_libpcap(translated(vector.program), vector.packet, vector.wire_length);
        if (vector.id == "R060") { // it goes on with A = 0, we end
            EXPECT_EQ(theirs, 7U);
            EXPECT_EQ(ours, 0U);
        } else {
            EXPECT_EQ(ours, theirs) << vector.id << ' ' << vector.what;
        }
    }
}

TEST(Libpcap, agrees_on_random_programs_with_any_offset) {
    RandomProgram random(1992, {.register_shifts = false, .wild_offsets = true});
    std::size_t nonzero = 0;
    for (int round = 0; round < 5000; ++round) {
        const std::vector<cbpf::Instruction> code = random.program(random.below(60));
        const auto program = cbpf::Program::verify(code);
        ASSERT_TRUE(program) << "round " << round << ": " << program.error().message();
        const std::vector<bpf_insn> theirs = translated(code);
        for (int packets = 0; packets < 4; ++packets) {
            const std::vector<std::uint8_t> packet = random.packet(100);
            const std::uint32_t wire_length = random.below(2000);
            const std::uint32_t expected = by_libpcap(theirs, packet, wire_length);
            ASSERT_EQ(interpret(*program, cbpf::Packet(packet, wire_length)), expected) << "round " << round;
            nonzero += expected != 0 ? 1 : 0;
        }
    }
    EXPECT_GT(nonzero, 5000U) << "most random programs end early: they no longer test much";
}

/// What libpcap compiles is what hooks will run: every such program must verify, whatever the expression.
TEST(Libpcap, whatever_it_compiles_verifies_and_runs_as_it_does_there) {
    const char* expressions[] = {
        "",
        "ip",
        "arp or rarp",
        "tcp dst port 23",
        "host 192.0.2.1 and not port 22",
        "ip6 and udp port 53",
        "vlan 7 and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
        "net 198.51.100.0/24 or ip6 net 2001:db8::/32",
        "len > 100 and ip[8] < 5",
        "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
        "ip[6:2] & 0x1fff != 0 or icmp6",
        "portrange 1000-2000 and ether host 02:00:00:00:00:01",
    };
    pcap_t* handle = pcap_open_dead(DLT_EN10MB, 262144);
    RandomProgram random(11, {});
    for (const char* expression : expressions) {
        bpf_program compiled{};
        ASSERT_EQ(pcap_compile(handle, &compiled, expression, 1, PCAP_NETMASK_UNKNOWN), 0) << pcap_geterr(handle);
        std::vector<cbpf::Instruction> code;
        for (u_int index = 0; index < compiled.bf_len; ++index) {
            const bpf_insn& row = compiled.bf_insns[index];
            code.push_back({row.code, row.jt, row.jf, row.k});
        }
        pcap_freecode(&compiled);
        const auto program = cbpf::Program::verify(code);
        ASSERT_TRUE(program) << expression << ": " << program.error().message();
        const std::vector<bpf_insn> theirs = translated(code);
        for (int packets = 0; packets < 300; ++packets) {
            std::vector<std::uint8_t> packet = random.packet(120);
            if (packet.size() > 24 && packets % 2 == 0) { // half of them IPv4 and TCP
                packet[12] = 0x08;
                packet[13] = 0x00;
                packet[14] = 0x45;
                packet[23] = 6;
            }
            const auto length = static_cast<std::uint32_t>(packet.size());
            EXPECT_EQ(interpret(*program, cbpf::Packet(packet)), by_libpcap(theirs, packet, length)) << expression;
        }
    }
    pcap_close(handle);
}

} // namespace
} // namespace pfild::tests
