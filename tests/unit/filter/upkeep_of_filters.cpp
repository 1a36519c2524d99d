// SPDX-License-Identifier: BSD-2-Clause
// What of that which keeps a link up a filter is asked about, and which filters can match nothing.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/program.h"
#include "cbpf/upkeep.h"
#include "filter/proved.h"
#include "pfild/upkeep.h"

namespace pfild::filter {
namespace {

using cbpf::PacketForm;

cbpf::Program program_of(const std::string& expression, PacketForm form) {
    const auto made = compile_proved(expression, form == PacketForm::kEthernet ? kEthernet : kRaw, Names::kNumeric);
    EXPECT_TRUE(made) << expression << ": " << made.error().line();
    return *cbpf::Program::verify(made->program);
}

std::uint64_t asked(const std::string& expression, PacketForm form) {
    return cbpf::upkeep_told_apart(program_of(expression, form), form);
}

std::uint64_t untagged(unsigned kind) { return PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kind, 0)); }

/// As hooks of inet6 see them: behind any tags.
std::uint64_t anywhere(unsigned kind) {
    return untagged(kind) | PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kind, 1)) |
           PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kind, 2));
}

TEST(UpkeepOfFilters, is_what_the_filter_tells_from_other_packets) {
    constexpr unsigned kAdvertisement = PFILD_UPKEEP_DISCOVERY + 1;
    struct Row {
        const char* expression;
        std::uint64_t asked;
    };
    const std::vector<Row> frames{
        {"arp", untagged(PFILD_UPKEEP_ARP)},
        {"not arp", untagged(PFILD_UPKEEP_ARP)},
        {"arp or rarp", untagged(PFILD_UPKEEP_ARP)},
        {"arp or ip or ip6", untagged(PFILD_UPKEEP_ARP)},
        {"arp src host 192.0.2.1 or ip", untagged(PFILD_UPKEEP_ARP)},
        {"arp[6:2] = 2", untagged(PFILD_UPKEEP_ARP)},
        {"vlan 5 and arp", PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 1))},
        {"vlan and vlan and arp", PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 2))},
        {"icmp6 and ip6[40] = 134", untagged(kAdvertisement)},
        {"vlan and icmp6 and ip6[40] = 134", PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kAdvertisement, 1))},
        {"ether proto 0x888e", untagged(PFILD_UPKEEP_EAPOL)},
        {"ether proto 0x8809", untagged(PFILD_UPKEEP_SLOW)},
        {"ether proto 0x88cc", untagged(PFILD_UPKEEP_LLDP)},
        {"ether proto 0x88f7", untagged(PFILD_UPKEEP_PTP)},
        {"ether proto 0x88e5", untagged(PFILD_UPKEEP_MACSEC)},
        {"stp", untagged(PFILD_UPKEEP_STP)},
        {"ether dst 01:80:c2:00:00:03", PFILD_UPKEEP_CONTROL},
    };
    for (const Row& row : frames) {
        EXPECT_EQ(asked(row.expression, PacketForm::kEthernet), row.asked) << row.expression;
    }
    const std::vector<Row> packets{
        {"icmp6 and ip6[40] = 134", anywhere(kAdvertisement)},
        {"icmp6 and ip6[40] != 134", anywhere(kAdvertisement)},
        {"icmp6[icmp6type] = icmp6-redirect", anywhere(PFILD_UPKEEP_DISCOVERY + 4)},
        {"icmp6 and (ip6[40] = 128 or ip6[40] = 135)", anywhere(PFILD_UPKEEP_DISCOVERY + 2)},
        {"ip6[40] = 143", anywhere(PFILD_UPKEEP_LISTENERS_V2)},
        {"ip6[6] = 0 and ip6[40] = 58 and ip6[48] = 130", anywhere(PFILD_UPKEEP_LISTENERS)},
    };
    for (const Row& row : packets) {
        EXPECT_EQ(asked(row.expression, PacketForm::kInet6), row.asked) << row.expression;
    }
}

TEST(UpkeepOfFilters, is_nothing_for_rules_about_something_else) {
    for (const char* const expression : {"tcp dst port 22",
                                         "ip",
                                         "not ip",
                                         "ip or ip6",
                                         "not ip and not ip6",
                                         "greater 100",
                                         "less 60",
                                         "icmp6",
                                         "host 192.0.2.1",
                                         "not net 192.0.2.0/24",
                                         "src host 192.0.2.1 and tcp",
                                         "ether host 02:00:5e:10:00:01",
                                         "ether broadcast",
                                         "ether multicast",
                                         "vlan",
                                         "vlan 5 and tcp",
                                         "icmp6 and ip6[40] = 128",
                                         "ip6[40] > 128",
                                         "ip6[7] = 255",
                                         "rarp",
                                         "ether proto 0x88b5",
                                         "ether[0] & 1 = 0"}) {
        EXPECT_EQ(asked(expression, PacketForm::kEthernet), 0U) << expression;
    }
    for (const char* const expression :
         {"tcp", "ip6", "icmp6", "host 2001:db8::1", "icmp6 and ip6[40] = 128", "ip6[7] = 255", "ip6[7] < 128",
          "ip6[40] > 128", "not icmp6", "ip6[6] = 0", "greater 100", "src net 2001:db8::/32 and icmp6"}) {
        EXPECT_EQ(asked(expression, PacketForm::kInet6), 0U) << expression;
    }
    EXPECT_EQ(asked("tcp or icmp", PacketForm::kInet), 0U);
}

/// What people write to let in what they want, and nothing else.
std::string any_allowance(std::mt19937& random) {
    const std::vector<std::string> terms{"tcp dst port 22",
                                         "udp port 53",
                                         "icmp",
                                         "icmp6",
                                         "host 192.0.2.9",
                                         "net 198.51.100.0/24",
                                         "host 2001:db8::9",
                                         "src net 10.0.0.0/8",
                                         "ip",
                                         "ip6",
                                         "tcp[13] & 18 = 2",
                                         "ip[8] > 5",
                                         "icmp6 and ip6[40] = 128",
                                         "greater 60",
                                         "udp portrange 1000-2000",
                                         "ip proto 47",
                                         "not tcp port 25",
                                         "tcp src port 443"};
    std::string all;
    for (std::size_t count = 1 + random() % 4; count > 0; --count) {
        all += (all.empty() ? "(" : random() % 3 == 0 ? " and (" : " or (") + terms[random() % terms.size()] + ")";
    }
    return all;
}

TEST(UpkeepOfFilters, locks_nobody_out_by_what_lets_only_something_in) {
    std::mt19937 random(12); // NOLINT(cert-msc51-cpp,cert-msc32-c): the same each time
    for (int round = 0; round < 1'000; ++round) {
        const std::string expression = any_allowance(random);
        for (const PacketForm form : {PacketForm::kEthernet, PacketForm::kInet6}) {
            const auto made =
                compile_proved(expression, form == PacketForm::kEthernet ? kEthernet : kRaw, Names::kNumeric);
            if (made) { // libpcap refuses what can match nothing
                EXPECT_EQ(cbpf::upkeep_told_apart(*cbpf::Program::verify(made->program), form), 0U) << expression;
            }
        }
    }
}

TEST(UpkeepOfFilters, knows_which_can_match_no_packet_of_their_type) {
    struct Row {
        const char* expression;
        PacketForm form;
        bool nothing;
    };
    for (const Row& row :
         {Row{"ip6", PacketForm::kInet, true}, Row{"ip6", PacketForm::kInet6, false},
          Row{"ip", PacketForm::kInet6, true}, Row{"ip", PacketForm::kInet, false},
          Row{"tcp", PacketForm::kInet, false}, Row{"host 2001:db8::1", PacketForm::kInet, true},
          Row{"host 192.0.2.1 and udp", PacketForm::kInet6, true}, Row{"ip[0] & 0xf0 = 0x60", PacketForm::kInet, true},
          Row{"ip[9] = 6 and ip[9] = 17", PacketForm::kEthernet, true}, Row{"ip6[40] = 134", PacketForm::kInet6, false},
          Row{"arp", PacketForm::kEthernet, false}, Row{"ip[8] > 255", PacketForm::kEthernet, true},
          Row{"greater 0", PacketForm::kInet, false}}) {
        const auto made =
            compile_proved(row.expression, row.form == PacketForm::kEthernet ? kEthernet : kRaw, Names::kNumeric);
        if (!made) {
            EXPECT_TRUE(row.nothing) << row.expression << " is what libpcap refuses";
            continue;
        }
        EXPECT_EQ(cbpf::matches_nothing(*cbpf::Program::verify(made->program), row.form), row.nothing)
            << row.expression;
    }
}

} // namespace
} // namespace pfild::filter
