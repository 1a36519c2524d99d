// SPDX-License-Identifier: BSD-2-Clause
// Which flows an expression means, and which expressions are no questions about flows.
#include "bpfctl/flow_filter.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

using testing::HasSubstr;

const char* const kWeb = R"({"family": "inet", "protocol": 6, "tags": [], "remote": "192.0.2.1", "remote_port": 443,
    "local": "198.51.100.7", "local_port": 51034})";
const char* const kName = R"({"family": "inet6", "protocol": 17, "tags": [], "remote": "2001:db8::1",
    "remote_port": 53, "local": "2001:db8::7", "local_port": 40000})";
const char* const kEcho = R"({"family": "inet", "protocol": 1, "tags": [], "remote": "192.0.2.1", "remote_port": null,
    "local": "198.51.100.7", "local_port": null})";
const char* const kTagged = R"({"family": "inet", "protocol": 6,
    "tags": [{"type": "802.1Q", "vlan": 5, "priority": 3, "drop_eligible": true}], "remote": "192.0.2.1",
    "remote_port": 443, "local": "198.51.100.7", "local_port": 51034})";
const char* const kTwice = R"({"family": "inet6", "protocol": 58,
    "tags": [{"type": "802.1ad", "vlan": 100, "priority": 0, "drop_eligible": false},
             {"type": "802.1Q", "vlan": 5, "priority": 0, "drop_eligible": false}],
    "remote": "fe80::1", "remote_port": null, "local": "fe80::2", "local_port": null})";

struct FilterRow {
    const char* sentence;
    const char* expression;
    const char* flow;
    bool meant;
};

TEST(FlowFilter, means_a_flow_if_packets_of_either_direction_match) {
    const FilterRow rows[] = {
        {"a protocol", "tcp", kWeb, true},
        {"another", "udp", kWeb, false},
        {"a family", "ip6", kName, true},
        {"the other family", "ip", kName, false},
        {"IPv4 ICMP", "icmp", kEcho, true},
        {"a host", "host 192.0.2.1", kWeb, true},
        {"another host", "host 192.0.2.2", kWeb, false},
        {"the remote host is the source of what comes in", "src host 192.0.2.1", kWeb, true},
        {"and the destination of what goes out", "dst host 192.0.2.1", kWeb, true},
        {"a network", "net 198.51.100.0/24", kWeb, true},
        {"a port by its name", "port https", kWeb, true},
        {"a source port with its address", "src host 192.0.2.1 and src port 443", kWeb, true},
        {"the port of the other end is none of that address", "src host 192.0.2.1 and src port 51034", kWeb, false},
        {"a range of ports", "udp portrange 50-60", kName, true},
        {"an IPv6 network", "net 2001:db8::/32", kName, true},
        {"a flow without ports has none", "port 0", kEcho, false},
        {"not", "not tcp", kEcho, true},
        {"not, and it is", "not tcp", kWeb, false},
        {"without vlan it is about what is inside the tag", "tcp port 443", kTagged, true},
        {"negated, too", "not tcp", kTagged, false},
        {"a VLAN", "vlan 5", kTagged, true},
        {"another VLAN", "vlan 6", kTagged, false},
        {"a VLAN and what is inside", "vlan 5 and tcp port 443", kTagged, true},
        {"a VLAN and what is not inside", "vlan 5 and udp", kTagged, false},
        {"no VLAN", "vlan", kWeb, false},
        {"without tags", "not vlan", kWeb, true},
        {"the outer VLAN comes first", "vlan 100 and vlan 5 and icmp6", kTwice, true},
        {"and not the inner one", "vlan 5", kTwice, false},
        {"inside two tags", "icmp6", kTwice, true},
        {"drop eligible", "vlan and ether[14] & 0x10 != 0", kTagged, true},
        {"no flow is ARP", "arp", kWeb, false},
    };
    for (const FilterRow& row : rows) {
        SCOPED_TRACE(row.sentence);
        const auto filter = FlowFilter::compile(row.expression, filter::Names::kNumeric);
        ASSERT_TRUE(filter) << filter.error().line();
        const auto key = flow_key(Json::parse(row.flow));
        ASSERT_TRUE(key);
        EXPECT_EQ(filter->means(*key), row.meant);
    }
}

TEST(FlowFilter, refuses_what_is_no_question_about_a_flow) {
    struct Refused {
        const char* sentence;
        const char* expression;
        const char* part;
    };
    const Refused rows[] = {
        {"lengths", "tcp and greater 100", "(ask for protocols, addresses, ports and VLANs only)"},
        {"TCP flags", "tcp[tcpflags] & tcp-syn != 0", "(ask for protocols, addresses, ports and VLANs only)"},
        {"payload", "udp[8] = 1", "which is not part of the flow"},
        {"an ICMP type", "icmp[icmptype] = icmp-echo", "which is not part of the flow"},
        {"time to live", "ip[8] < 5", "which is not part of the flow"},
        {"MAC addresses", "ether host 02:00:00:00:00:01", "which is not part of the flow"},
        {"a name of a host", "host localhost", "names are not looked up: write the address, or add --resolve"},
        {"no expression", "tcp port", "filter 'tcp port': can't parse filter expression: syntax error"},
        {"nothing", "  ", "the expression is empty"},
    };
    for (const Refused& row : rows) {
        SCOPED_TRACE(row.sentence);
        const auto filter = FlowFilter::compile(row.expression, filter::Names::kNumeric);
        ASSERT_FALSE(filter);
        EXPECT_EQ(filter.error().code, EINVAL);
        EXPECT_THAT(filter.error().line(), HasSubstr(row.part));
    }
}

TEST(FlowKey, is_read_as_it_is_on_the_wire) {
    const auto key = flow_key(Json::parse(kTwice));
    ASSERT_TRUE(key);
    const std::vector<std::uint8_t> frame = core::representative(*key, core::Direction::kIn);
    const std::vector<std::uint8_t> types(frame.begin() + 12, frame.begin() + 22);
    EXPECT_EQ(types, (std::vector<std::uint8_t>{0x88, 0xa8, 0, 100, 0x81, 0x00, 0, 5, 0x86, 0xdd}));
    EXPECT_EQ(flow_key(Json::parse(kTagged))->tag[0].tci, __builtin_bswap16(0x7005));
    const auto web = flow_key(Json::parse(kWeb));
    ASSERT_TRUE(web);
    EXPECT_EQ(web->remote_port, __builtin_bswap16(443));
    EXPECT_EQ(web->local_port, __builtin_bswap16(51034));
}

TEST(FlowKey, is_none_if_anything_is_missing_or_out_of_range) {
    struct Change {
        const char* sentence;
        const char* member;
        const char* value; ///< JSON
    };
    const Change changes[] = {
        {"a family that does not exist", "family", R"("inet5")"},
        {"a family as a number", "family", "4"},
        {"addresses of the other family", "family", R"("inet6")"},
        {"a protocol of 9 bits", "protocol", "256"},
        {"a negative protocol", "protocol", "-1"},
        {"no list of tags", "tags", "null"},
        {"three tags", "tags", "[{}, {}, {}]"},
        {"an empty tag", "tags", "[{}]"},
        {"a tag of no type", "tags", R"([{"type": "802.1x", "vlan": 1, "priority": 0}])"},
        {"a VLAN of 13 bits", "tags", R"([{"type": "802.1Q", "vlan": 4096, "priority": 0}])"},
        {"a priority of 4 bits", "tags", R"([{"type": "802.1Q", "vlan": 1, "priority": 8}])"},
        {"no address", "remote", R"("192.0.2")"},
        {"an address with something behind it", "local", R"("192.0.2.1\u0000x")"},
        {"a port of 17 bits", "remote_port", "65536"},
        {"no port where there must be one", "local_port", "null"},
        {"ports where there are none", "protocol", "1"},
    };
    for (const Change& change : changes) {
        Json flow = Json::parse(kWeb);
        flow[change.member] = Json::parse(change.value);
        EXPECT_FALSE(flow_key(flow)) << change.sentence;
    }
    for (const char* member : {"family", "protocol", "tags", "remote", "local", "remote_port", "local_port"}) {
        Json flow = Json::parse(kWeb);
        flow.erase(member);
        EXPECT_FALSE(flow_key(flow)) << "without " << member;
    }
    for (const char* none : {"null", "[]", "5", R"("x")"}) {
        EXPECT_FALSE(flow_key(Json::parse(none))) << none;
    }
}

} // namespace
} // namespace pfild::bpfctl
