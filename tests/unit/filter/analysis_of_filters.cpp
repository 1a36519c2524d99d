// SPDX-License-Identifier: BSD-2-Clause
// The analyses of cbpf/ on what people write, compiled by libpcap for five link types, and tried on packets of each:
// nothing that an analysis says is contradicted by a packet, and what it says is not the least that it could say.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "capture/tap_program.h"
#include "cbpf/analysis/dependence.h"
#include "cbpf/analysis/equivalence.h"
#include "cbpf/analysis/link_types.h"
#include "cbpf/interpret.h"
#include "cbpf/jit/compile.h"
#include "cbpf/lower/ways.h"
#include "cbpf/text.h"
#include "filter/expression.h"

namespace pfild::filter {
namespace {

using Bytes = std::vector<std::uint8_t>;
using cbpf::LinkForm;
using cbpf::Program;

/// What people write; all of them look for a protocol.
constexpr std::array kFilters{"ip",
                              "ip6",
                              "tcp",
                              "udp",
                              "icmp",
                              "icmp6",
                              "sctp",
                              "tcp dst port 443",
                              "tcp port 80",
                              "udp port 53",
                              "port 53",
                              "src port 1024",
                              "portrange 6000-6063",
                              "tcp portrange 1-1023",
                              "host 192.0.2.1",
                              "src host 192.0.2.1",
                              "dst net 198.51.100.0/24",
                              "not host 192.0.2.1",
                              "ip6 host 2001:db8::1",
                              "src net 2001:db8::/32",
                              "host 192.0.2.1 and port 23",
                              "tcp and not port 22",
                              "tcp or udp",
                              "tcp[tcpflags] & tcp-syn != 0",
                              "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn and dst port 23",
                              "icmp[icmptype] = icmp-echo",
                              "ip[8] < 5",
                              "ip[6:2] & 0x1fff = 0",
                              "ip proto 47",
                              "ip6 proto 58",
                              "udp[4:2] > 100",
                              "ip[2:2] = 40",
                              "tcp[13] & 7 != 0 and src host 192.0.2.1",
                              "ip multicast",
                              "src host 192.0.2.1 or src host 192.0.2.9 or dst host 192.0.2.7",
                              "ip[0] & 0xf != 5",
                              "ip6[6] = 17",
                              "(tcp or udp) and (port 53 or port 123) and not src net 192.0.2.0/28",
                              "tcp[4:4] > 0x7fffffff",
                              "ip and ip[9] = 6 and (ip[12:4] = 0xc0000201 or ip[16:4] = 0xc0000201)",
                              "ip and greater 60",
                              "ip[2:2] - ip[0] > 3",
                              "tcp[12] & 0xf0 = 0x50",
                              "icmp or icmp6"};

/// What looks for none.
constexpr std::array kOpenFilters{"greater 60", "less 100", "len = 42"};

constexpr std::array kLinkTypes{LinkType{1, "EN10MB"}, LinkType{12, "RAW"}, LinkType{113, "LINUX_SLL"},
                                LinkType{276, "LINUX_SLL2"}, LinkType{0, "NULL"}};

Program compiled(const char* expression, LinkType type, Optimiser optimiser = Optimiser::kOn) {
    auto instructions = compile(expression, type, Names::kNumeric, kSnapLength, optimiser);
    EXPECT_TRUE(instructions) << expression << ' ' << type.name << ": " << instructions.error().line();
    auto program = Program::verify(*instructions);
    EXPECT_TRUE(program) << expression << ": " << program.error().message();
    return std::move(*program);
}

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

/// IP packets of every kind that the filters tell apart; documentation addresses.
std::vector<Bytes> ip_packets() {
    std::vector<Bytes> packets;
    const Bytes ports{4, 0, 1, 187};
    for (const std::uint8_t protocol : {1, 6, 17, 47, 132}) {
        for (const std::uint8_t host : {1, 7, 200}) {
            for (const Bytes& there :
                 {ports, Bytes{0, 53, 4, 0}, Bytes{23, 112, 0, 80}, Bytes{0, 123, 4, 0}, Bytes{8, 0, 0, 23}}) {
                for (const std::uint8_t fragment : {0, 3}) {
                    for (const std::uint8_t words : {5, 6}) {
                        Bytes header{static_cast<std::uint8_t>(0x40 + words),
                                     0,
                                     0,
                                     40,
                                     0,
                                     0,
                                     0,
                                     fragment,
                                     static_cast<std::uint8_t>(host % 9),
                                     protocol,
                                     0,
                                     0,
                                     192,
                                     0,
                                     2,
                                     host,
                                     198,
                                     51,
                                     100,
                                     7};
                        header.resize(words * 4U, 1);
                        packets.push_back(joined({header, there, {128, 0, 0, 1, 0, 0, 0, 0, 0x50, host, 1, 2, 3, 4}}));
                    }
                }
            }
        }
    }
    for (const std::uint8_t protocol : {6, 17, 58, 132}) {
        for (const std::uint8_t host : {1, 2}) {
            Bytes header{0x60, 0, 0, 0, 0, 20, protocol, 64};
            for (const std::uint8_t last : {host, std::uint8_t{9}}) {
                header.insert(header.end(), {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
            }
            packets.push_back(joined({header, ports, {0, 20, 0, 0, 0, 0, 0, 0, 0x50, 2, 1, 2}}));
        }
    }
    return packets;
}

Bytes link_header(LinkType type, bool inet6) {
    const std::uint8_t high = inet6 ? 0x86 : 0x08;
    const std::uint8_t low = inet6 ? 0xdd : 0x00;
    switch (type.number) {
    case 1:
        return {0, 0, 0x5e, 0, 0x53, 2, 0, 0, 0x5e, 0, 0x53, 1, high, low};
    case 113:
        return {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, high, low};
    case 276:
        return {high, low, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0};
    case 0:
        return {static_cast<std::uint8_t>(inet6 ? 10 : 2), 0, 0, 0};
    default:
        return {};
    }
}

std::vector<Bytes> packets_of(LinkType type) {
    std::vector<Bytes> packets;
    for (const Bytes& ip : ip_packets()) {
        packets.push_back(joined({link_header(type, ip[0] >> 4U == 6), ip}));
    }
    return packets;
}

std::uint32_t judged(const Program& program, std::span<const std::uint8_t> bytes, std::uint32_t wire) {
    return cbpf::interpret(program, cbpf::Packet(bytes, wire));
}

bool agree(const Program& one, const Program& other, const std::vector<Bytes>& packets) {
    return std::all_of(packets.begin(), packets.end(), [&](const Bytes& bytes) {
        const auto length = static_cast<std::uint32_t>(bytes.size());
        return judged(one, bytes, length) == judged(other, bytes, length);
    });
}

/// The same, of packets that were cut anywhere.
bool agree_when_cut(const Program& one, const Program& other, const std::vector<Bytes>& packets) {
    return std::all_of(packets.begin(), packets.end(), [&](const Bytes& bytes) {
        const auto wire = static_cast<std::uint32_t>(bytes.size());
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            const auto front = std::span(bytes).first(length);
            if (judged(one, front, wire) != judged(other, front, wire)) {
                return false;
            }
        }
        return true;
    });
}

unsigned bytes_named(const cbpf::Dependence& dependence) {
    unsigned count = 0;
    for (const cbpf::ByteRange range : dependence.bytes) {
        count += range.last - range.first + 1;
    }
    return count;
}

TEST(FilterAnalysis, names_every_byte_and_length_that_packets_show_to_matter) {
    std::mt19937 random(3); // NOLINT: the same numbers every time
    for (const LinkType type : kLinkTypes) {
        const std::vector<Bytes> packets = packets_of(type);
        for (const char* filter : kFilters) {
            const Program program = compiled(filter, type);
            const cbpf::Dependence dependence = cbpf::dependence_of(program);
            EXPECT_LT(dependence.to_judge, 150U) << filter << " for " << type.name << ": it is no longer bounded";
            EXPECT_LT(bytes_named(dependence), 90U) << filter << " for " << type.name;
            for (const Bytes& packet : packets) {
                const auto length = static_cast<std::uint32_t>(packet.size());
                const std::uint32_t result = judged(program, packet, length);
                Bytes mutated = packet;
                for (std::uint32_t at = 0; at < length; ++at) {
                    const bool named = std::any_of(dependence.bytes.begin(), dependence.bytes.end(),
                                                   [at](auto range) { return range.first <= at && at <= range.last; });
                    mutated[at] = named ? mutated[at] : static_cast<std::uint8_t>(random());
                }
                ASSERT_EQ(judged(program, mutated, length), result) << filter << " for " << type.name;
                const auto front = std::span(packet).first(std::min(dependence.to_judge, length));
                ASSERT_EQ(judged(program, front, length), result) << filter << " for " << type.name;
                ASSERT_LE(result, dependence.to_keep);
            }
        }
    }
}

TEST(FilterAnalysis, foresees_little_work_for_the_verifier_with_what_people_write) {
    std::string hosts = "host 192.0.2.1";
    std::string ports = "port 1";
    for (int i = 2; i <= 30; ++i) {
        hosts += " or host 192.0.2." + std::to_string(i);
        ports += i <= 10 ? " or port " + std::to_string(i) : "";
    }
    std::vector<std::string> filters(kFilters.begin(), kFilters.end());
    filters.insert(filters.end(), {hosts, ports, "(" + hosts + ") and (" + ports + ")"});
    for (const LinkType type : kLinkTypes) {
        for (const std::string& filter : filters) {
            const Program program = compiled(filter.c_str(), type);
            EXPECT_LT(cbpf::steps_of_all_ways(cbpf::jit::optimised(program)), capture::kMostTapSteps * 3 / 4)
                << filter << " for " << type.name;
        }
    }
}

TEST(FilterAnalysis, finds_the_optimised_program_equal_unless_the_optimiser_dropped_a_load_that_can_fail) {
    unsigned found = 0;
    for (const LinkType type : kLinkTypes) {
        const std::vector<Bytes> packets = packets_of(type);
        for (const char* filter : kFilters) {
            const Program optimised = compiled(filter, type);
            const Program plain = compiled(filter, type, Optimiser::kOff);
            const bool equal = cbpf::certainly_equal(optimised, plain);
            found += equal ? 1 : 0;
            EXPECT_TRUE(agree(optimised, plain, packets)) << filter;
            EXPECT_EQ(equal, agree_when_cut(optimised, plain, packets)) << filter << " for " << type.name;
        }
    }
    EXPECT_EQ(found, 210U) << "of " << kLinkTypes.size() * kFilters.size();
}

TEST(FilterAnalysis, never_finds_filters_equal_that_a_packet_tells_apart) {
    for (const LinkType type : {kLinkTypes[0], kLinkTypes[1]}) {
        const std::vector<Bytes> packets = packets_of(type);
        std::vector<Program> programs;
        programs.reserve(kFilters.size());
        for (const char* filter : kFilters) {
            programs.push_back(compiled(filter, type));
        }
        unsigned told_apart = 0;
        for (const Program& one : programs) {
            for (const Program& other : programs) {
                const bool same = agree(one, other, packets);
                told_apart += same ? 0 : 1;
                EXPECT_TRUE(same || !cbpf::certainly_equal(one, other));
            }
        }
        EXPECT_GT(told_apart * 10, programs.size() * (programs.size() - 1) * 8) << "the packets tell too little apart";
    }
}

TEST(FilterAnalysis, finds_filters_equal_that_are_written_in_another_order) {
    const std::pair<const char*, const char*> pairs[] = {
        {"tcp or udp", "udp or tcp"},
        {"host 192.0.2.1 and port 23", "port 23 and host 192.0.2.1"},
        {"not (tcp and port 22)", "not tcp or not port 22"},
        {"ip and not ip", "less 0 and greater 1"},
        {"src host 192.0.2.1 or dst host 192.0.2.1", "host 192.0.2.1"},
        {"greater 60", "len >= 60"},
        {"udp portrange 53-53", "udp port 53"},
    };
    for (const LinkType type : kLinkTypes) {
        for (const auto& [one, other] : pairs) {
            const auto first = compile(one, type, Names::kNumeric, kSnapLength, Optimiser::kOff);
            const auto second = compile(other, type, Names::kNumeric, kSnapLength, Optimiser::kOff);
            ASSERT_TRUE(first && second) << one;
            const bool both_arp = std::string_view(one).find("host") != std::string_view::npos; // arp and rarp, too
            if (both_arp && type.number != 12) {
                continue;
            }
            EXPECT_TRUE(cbpf::certainly_equal(*Program::verify(*first), *Program::verify(*second)))
                << one << " and " << other << " for " << type.name;
        }
    }
}

TEST(FilterAnalysis, knows_that_an_order_of_questions_matters_for_a_packet_that_was_cut) {
    const auto one = compile("tcp port 443 or tcp port 80", kRaw, Names::kNumeric, kSnapLength, Optimiser::kOff);
    const auto other = compile("tcp and (port 80 or port 443)", kRaw, Names::kNumeric, kSnapLength, Optimiser::kOff);
    const Program first = *Program::verify(*one);
    const Program second = *Program::verify(*other);
    Bytes packet{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0, 80, 4, 0};
    EXPECT_EQ(judged(first, packet, 40), judged(second, packet, 40));
    packet.resize(22); // behind the source port, which is enough for the second
    EXPECT_NE(judged(first, packet, 40), judged(second, packet, 40));
    EXPECT_FALSE(cbpf::certainly_equal(first, second));
}

TEST(FilterAnalysis, never_finds_a_filter_foreign_to_its_own_link_type_but_to_all_others) {
    for (const LinkType type : kLinkTypes) {
        for (const char* filter : kFilters) {
            const cbpf::LinkFits fits = cbpf::link_fits_of(compiled(filter, type));
            for (const cbpf::LinkFormInfo& row : cbpf::kLinkFormTable) {
                const cbpf::Fit wanted = row.number == type.number ? cbpf::Fit::kMeant : cbpf::Fit::kForeign;
                EXPECT_EQ(fits.at(static_cast<std::size_t>(row.form)), wanted)
                    << filter << " for " << type.name << " on " << row.name;
            }
        }
        for (const char* filter : kOpenFilters) {
            EXPECT_EQ(cbpf::link_fits_of(compiled(filter, type)).front(), cbpf::Fit::kOpen) << filter;
        }
    }
}

TEST(FilterAnalysis, finds_foreign_only_what_finds_no_packet_there) {
    for (const LinkType type : kLinkTypes) {
        for (const LinkType other : kLinkTypes) {
            const std::vector<Bytes> packets = packets_of(other);
            for (const char* filter : kFilters) {
                const Program program = compiled(filter, type);
                const bool negated = std::string_view(filter).substr(0, 3) == "not";
                const bool any = std::any_of(packets.begin(), packets.end(), [&](const Bytes& bytes) {
                    return judged(program, bytes, static_cast<std::uint32_t>(bytes.size())) != 0;
                });
                EXPECT_TRUE(type.number == other.number || negated || !any)
                    << filter << " for " << type.name << " on " << other.name;
            }
        }
    }
}

TEST(Listing, is_what_libpcap_prints_but_for_what_it_has_no_name_for) {
    for (const cbpf::OpcodeInfo& row : cbpf::kOpcodes) {
        if (row.opcode == cbpf::Opcode::kLdxLen) {
            continue; // libpcap: unimp
        }
        for (const std::uint32_t k : {0U, 12U, 262144U, 0x7fffffffU, 0x80000000U, 0xffffffffU, 0xfffff008U, 0xfffff030U,
                                      0xfffff03cU, 0xfffff040U, 0xfffff001U}) {
            for (const std::size_t number : {0U, 3U, 511U}) {
                const bpf_insn insn{row.code, 7, 255, k};
                const std::string theirs = bpf_image(&insn, static_cast<int>(number));
                EXPECT_EQ(cbpf::listing_line({row.code, 7, 255, k}, number), theirs);
            }
        }
    }
}

} // namespace
} // namespace pfild::filter
