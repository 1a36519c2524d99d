// SPDX-License-Identifier: BSD-2-Clause
// Which tunnels keep keys beside their packets, by messages as kernels with these tunnels write them.
#include "daemon/net/tunnel_keys.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

namespace pfild::net {
namespace {

enum class Said { kNothing, kFlag, kZero, kOne };

bool has_keys(const std::string& kind, int attribute, Said said) {
    const std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message(nlmsg_alloc_simple(RTM_NEWLINK, 0), &nlmsg_free);
    const ifinfomsg header{};
    nlmsg_append(message.get(), const_cast<ifinfomsg*>(&header), sizeof header, NLMSG_ALIGNTO); // NOLINT: it copies
    nlattr* const info = nla_nest_start(message.get(), IFLA_LINKINFO);
    nla_put_string(message.get(), IFLA_INFO_KIND, kind.c_str());
    nlattr* const data = nla_nest_start(message.get(), IFLA_INFO_DATA);
    nla_put_u32(message.get(), IFLA_VXLAN_LINK, 7);
    if (said == Said::kFlag) {
        nla_put_flag(message.get(), attribute);
    } else if (said != Said::kNothing) {
        nla_put_u8(message.get(), attribute, said == Said::kOne ? 1 : 0);
    }
    nla_put_u32(message.get(), IFLA_VXLAN_AGEING, 300);
    nla_nest_end(message.get(), data);
    nla_nest_end(message.get(), info);
    return has_tunnel_keys(nlmsg_find_attr(nlmsg_hdr(message.get()), sizeof(ifinfomsg), IFLA_LINKINFO));
}

TEST(TunnelKeys, are_beside_packets_of_every_kind_in_external_mode) {
    EXPECT_TRUE(has_keys("vxlan", IFLA_VXLAN_COLLECT_METADATA, Said::kOne));
    EXPECT_TRUE(has_keys("geneve", IFLA_GENEVE_COLLECT_METADATA, Said::kFlag));
    for (const char* const kind : {"gretap", "ip6gretap", "erspan", "ip6erspan"}) {
        EXPECT_TRUE(has_keys(kind, IFLA_GRE_COLLECT_METADATA, Said::kFlag)) << kind;
    }
}

TEST(TunnelKeys, are_in_packets_of_tunnels_that_have_one_key) {
    EXPECT_FALSE(has_keys("vxlan", IFLA_VXLAN_COLLECT_METADATA, Said::kZero));
    for (const char* const kind : {"vxlan", "geneve", "gretap", "ip6gretap", "erspan", "ip6erspan"}) {
        EXPECT_FALSE(has_keys(kind, IFLA_VXLAN_COLLECT_METADATA, Said::kNothing)) << kind;
    }
}

TEST(TunnelKeys, are_not_taken_from_what_the_same_number_means_to_other_kinds) {
    for (const char* const kind : {"veth", "bridge", "vlan", "macvlan", "bond", "vxlan2", ""}) {
        EXPECT_FALSE(has_keys(kind, IFLA_VXLAN_COLLECT_METADATA, Said::kOne)) << kind;
        EXPECT_FALSE(has_keys(kind, IFLA_GRE_COLLECT_METADATA, Said::kFlag)) << kind;
    }
    EXPECT_FALSE(has_tunnel_keys(nullptr)) << "hardware says nothing of itself";
}

} // namespace
} // namespace pfild::net
