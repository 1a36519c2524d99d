// SPDX-License-Identifier: BSD-2-Clause
// What tcpdump's language says about protocols, addresses, ports and VLANs is per flow; the rest says why not.
#include <gtest/gtest.h>

#include "cbpf/flow_dependence.h"
#include "tests/unit/cbpf/flow_dependence_filters.h"

namespace pfild::cbpf {
namespace {

std::string why(const Program& program, PacketForm form) {
    const std::optional<PerPacket> found = why_per_packet(program, form);
    return found ? found->why : "";
}

TEST(FlowDependence, filters_of_ip_are_per_flow_or_say_why_not) {
    for (const tests::CompiledFilter& row : tests::filters_of_ip()) {
        const Program program = tests::program_of(row);
        EXPECT_EQ(why(program, PacketForm::kInet), row.why) << row.expression << ' ' << row.options << ", IPv4";
        EXPECT_EQ(why(program, PacketForm::kInet6), row.why_inet6) << row.expression << ' ' << row.options << ", IPv6";
    }
}

TEST(FlowDependence, filters_of_ethernet_are_per_flow_or_say_why_not) {
    for (const tests::CompiledFilter& row : tests::filters_of_ethernet()) {
        EXPECT_EQ(why(tests::program_of(row), PacketForm::kEthernet), row.why) << row.expression << ' ' << row.options;
    }
}

} // namespace
} // namespace pfild::cbpf
