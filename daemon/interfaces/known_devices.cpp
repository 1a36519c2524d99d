// SPDX-License-Identifier: BSD-2-Clause
// See daemon/interfaces/known_devices.h.
#include "daemon/interfaces/known_devices.h"

#include <utility>

#include "daemon/net/port.h"

namespace pfild::interfaces {

void KnownDevices::know(const net::Link& link) {
    if (all_are_known_ && !devices_.contains(link.ifindex)) {
        new_.insert(link.ifindex);
    }
    devices_.insert_or_assign(link.ifindex, config::Device{.ifindex = link.ifindex,
                                                           .name = link.name,
                                                           .altnames = link.altnames,
                                                           .only_by_name = link.loopback || net::is_port(link)});
}

void KnownDevices::know_all(const std::vector<net::Link>& links) {
    std::set<std::uint32_t> there;
    for (const net::Link& link : links) {
        there.insert(link.ifindex);
        know(link);
    }
    std::erase_if(devices_, [&](const auto& one) { return !there.contains(one.first); });
    std::erase_if(new_, [&](std::uint32_t one) { return !there.contains(one); });
}

std::optional<config::Device> KnownDevices::forget(std::uint32_t ifindex) {
    new_.erase(ifindex);
    auto node = devices_.extract(ifindex);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
}

std::vector<config::Device> KnownDevices::all(const std::map<std::uint32_t, std::string>& attached) const {
    std::vector<config::Device> found;
    std::set<std::string> taken;
    for (const auto& [ifindex, name] : attached) {
        const auto known = devices_.find(ifindex);
        found.push_back(known != devices_.end() ? known->second : config::Device{.ifindex = ifindex, .name = ""});
        found.back().name = name;
        taken.insert(name);
    }
    for (const auto& [ifindex, device] : devices_) {
        if (!attached.contains(ifindex) && taken.insert(device.name).second) {
            found.push_back(device);
        }
    }
    return found;
}

} // namespace pfild::interfaces
