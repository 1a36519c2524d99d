// SPDX-License-Identifier: BSD-2-Clause
// See daemon/interfaces/known_interfaces.h.
#include "daemon/interfaces/known_interfaces.h"

#include <utility>

#include "daemon/net/port.h"

namespace pfild::interfaces {

void KnownInterfaces::know(const net::Link& link) {
    if (all_are_known_ && !interfaces_.contains(link.ifindex)) {
        new_.insert(link.ifindex);
    }
    interfaces_.insert_or_assign(link.ifindex,
                                 config::HostInterface{.ifindex = link.ifindex,
                                                       .name = link.name,
                                                       .altnames = link.altnames,
                                                       .only_by_name = link.loopback || net::is_port(link)});
}

void KnownInterfaces::know_all(const std::vector<net::Link>& links) {
    std::set<std::uint32_t> there;
    for (const net::Link& link : links) {
        there.insert(link.ifindex);
        know(link);
    }
    std::erase_if(interfaces_, [&](const auto& one) { return !there.contains(one.first); });
    std::erase_if(new_, [&](std::uint32_t one) { return !there.contains(one); });
}

std::optional<config::HostInterface> KnownInterfaces::forget(std::uint32_t ifindex) {
    new_.erase(ifindex);
    auto node = interfaces_.extract(ifindex);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
}

std::vector<config::HostInterface> KnownInterfaces::all(const std::map<std::uint32_t, std::string>& attached) const {
    std::vector<config::HostInterface> found;
    std::set<std::string> taken;
    for (const auto& [ifindex, name] : attached) {
        const auto known = interfaces_.find(ifindex);
        found.push_back(known != interfaces_.end() ? known->second
                                                   : config::HostInterface{.ifindex = ifindex, .name = ""});
        found.back().name = name;
        taken.insert(name);
    }
    for (const auto& [ifindex, host_interface] : interfaces_) {
        if (!attached.contains(ifindex) && taken.insert(host_interface.name).second) {
            found.push_back(host_interface);
        }
    }
    return found;
}

} // namespace pfild::interfaces
