// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/tunnel_keys.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <netlink/attr.h>

namespace pfild::net {
namespace {

struct Kind {
    std::string_view name;
    int attribute; ///< by which the kernel says `external`
    bool is_flag;  ///< it is there or not, and has no value
};

constexpr std::array kKinds{
    Kind{"vxlan", IFLA_VXLAN_COLLECT_METADATA, false}, Kind{"geneve", IFLA_GENEVE_COLLECT_METADATA, true},
    Kind{"gretap", IFLA_GRE_COLLECT_METADATA, true},   Kind{"ip6gretap", IFLA_GRE_COLLECT_METADATA, true},
    Kind{"erspan", IFLA_GRE_COLLECT_METADATA, true},   Kind{"ip6erspan", IFLA_GRE_COLLECT_METADATA, true}};

} // namespace

bool has_tunnel_keys(nlattr* link_info) {
    if (link_info == nullptr) {
        return false;
    }
    nlattr* const kind = nla_find(static_cast<nlattr*>(nla_data(link_info)), nla_len(link_info), IFLA_INFO_KIND);
    nlattr* const data = nla_find(static_cast<nlattr*>(nla_data(link_info)), nla_len(link_info), IFLA_INFO_DATA);
    if (kind == nullptr || data == nullptr) {
        return false;
    }
    const auto* const known =
        std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& one) { return one.name == nla_get_string(kind); });
    if (known == kKinds.end()) {
        return false;
    }
    nlattr* const external = nla_find(static_cast<nlattr*>(nla_data(data)), nla_len(data), known->attribute);
    return external != nullptr && (known->is_flag || nla_get_u8(external) != 0);
}

} // namespace pfild::net
