// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/routes.h.
#include "daemon/guard/routes.h"

#include <algorithm>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace pfild::guard {
namespace {

using Mac = std::array<std::uint8_t, 6>;

constexpr std::size_t kMostWays = 64;

struct Route {
    std::uint32_t ifindex = 0;
    Address hop; ///< the next one: a router, or the peer itself
};

/// What is said of a device.
struct Device {
    std::uint32_t ifindex = 0;
    std::uint32_t mtu = 1500;
    std::uint32_t below = 0; ///< ifindex; 0: nothing, or in another namespace
    std::string kind;
    std::optional<std::uint16_t> vlan;
    Mac mac{};
};

void copy_to(Mac& mac, ByteSpan value) {
    if (value.size() == mac.size()) {
        std::copy(value.begin(), value.end(), mac.begin());
    }
}

/// A question for the route of a TCP packet from one address to another.
Question route_question(const Address& from, std::uint16_t from_port, const Address& to, std::uint16_t to_port) {
    const auto bits = static_cast<unsigned char>(to.size() * 8);
    rtmsg body{};
    body.rtm_family = to.inet ? AF_INET : AF_INET6;
    body.rtm_dst_len = bits;
    body.rtm_src_len = bits;
    Question question(RTM_GETROUTE, 0, body);
    question.with(RTA_DST, to.bytes.data(), to.size());
    question.with(RTA_SRC, from.bytes.data(), from.size());
    const std::uint8_t protocol = IPPROTO_TCP;
    const std::uint16_t source = htons(from_port);
    const std::uint16_t destination = htons(to_port);
    question.with(RTA_IP_PROTO, &protocol, sizeof protocol);
    question.with(RTA_SPORT, &source, sizeof source);
    question.with(RTA_DPORT, &destination, sizeof destination);
    return question;
}

core::Result<Route> route_of(Netlink& kernel, const Connection& connection) {
    const bool inet = connection.remote.inet;
    Question question =
        route_question(connection.local, connection.local_port, connection.remote, connection.remote_port);
    if (connection.ifindex != 0) {
        question.with(RTA_OIF, connection.ifindex);
    }
    Route route{0, connection.remote};
    auto asked = kernel.ask(std::move(question), [&route, inet](ByteSpan answer) {
        each_attribute(answer.subspan(std::min(sizeof(rtmsg), answer.size())),
                       [&route, inet](std::uint16_t type, ByteSpan value) {
                           constexpr std::size_t kFamily = sizeof(std::uint16_t);
                           if (type == RTA_OIF) {
                               route.ifindex = front_of<std::uint32_t>(value);
                           } else if (type == RTA_GATEWAY && value.size() == (inet ? 4U : 16U)) {
                               route.hop = Address::of(inet, value.data());
                           } else if (type == RTA_VIA && value.size() == kFamily + 16) { // a router by IPv6
                               route.hop = Address::of(false, value.data() + kFamily);
                           }
                       });
    });
    return std::move(asked).map([&route] { return route; });
}

/// The interface that has an address; nothing: none, or the loopback device.
std::optional<std::uint32_t> interface_with(Netlink& kernel, const Address& address) {
    ifaddrmsg body{};
    body.ifa_family = address.inet ? AF_INET : AF_INET6;
    std::optional<std::uint32_t> found;
    (void)kernel.ask(Question(RTM_GETADDR, NLM_F_DUMP, body), [&](ByteSpan answer) {
        const auto header = front_of<ifaddrmsg>(answer);
        std::optional<Address> local;
        each_attribute(answer.subspan(std::min(sizeof header, answer.size())), [&](std::uint16_t type, ByteSpan value) {
            const bool is_local = type == IFA_LOCAL || (type == IFA_ADDRESS && !local);
            if (is_local && value.size() == address.size()) {
                local = Address::of(address.inet, value.data());
            }
        });
        if (local == address && header.ifa_scope != RT_SCOPE_HOST) {
            found = header.ifa_index;
        }
    });
    return found;
}

/// Whether the kernel takes packets of the peer that come by that interface.
bool is_taken(Netlink& kernel, const Connection& connection, std::uint32_t ifindex) {
    Question question =
        route_question(connection.remote, connection.remote_port, connection.local, connection.local_port);
    question.with(RTA_IIF, ifindex);
    bool local = false;
    const auto asked = kernel.ask(std::move(question),
                                  [&local](ByteSpan answer) { local = front_of<rtmsg>(answer).rtm_type == RTN_LOCAL; });
    return asked && local;
}

/// Nothing of it is known: zeros.
Mac neighbour(Netlink& kernel, const Route& route) {
    ndmsg body{};
    body.ndm_family = route.hop.inet ? AF_INET : AF_INET6;
    body.ndm_ifindex = static_cast<int>(route.ifindex);
    Question question(RTM_GETNEIGH, 0, body);
    question.with(NDA_DST, route.hop.bytes.data(), route.hop.size());
    Mac mac{};
    (void)kernel.ask(std::move(question), [&mac](ByteSpan answer) {
        each_attribute(answer.subspan(std::min(sizeof(ndmsg), answer.size())),
                       [&mac](std::uint16_t type, ByteSpan value) {
                           if (type == NDA_LLADDR) {
                               copy_to(mac, value);
                           }
                       });
    });
    return mac;
}

void take_vlan(Device& device, ByteSpan data) {
    each_attribute(data, [&device](std::uint16_t type, ByteSpan value) {
        if (type == IFLA_VLAN_ID) {
            device.vlan = front_of<std::uint16_t>(value);
        }
    });
}

void take_kind(Device& device, ByteSpan info) {
    ByteSpan data;
    each_attribute(info, [&](std::uint16_t type, ByteSpan value) {
        if (type == IFLA_INFO_KIND) {
            device.kind.assign(value.begin(), std::find(value.begin(), value.end(), 0));
        } else if (type == IFLA_INFO_DATA) {
            data = value;
        }
    });
    if (device.kind == "vlan") {
        take_vlan(device, data);
    }
}

Device device_in(ByteSpan answer) {
    Device device{.ifindex = static_cast<std::uint32_t>(front_of<ifinfomsg>(answer).ifi_index)};
    bool elsewhere = false;
    each_attribute(answer.subspan(std::min(sizeof(ifinfomsg), answer.size())), [&](std::uint16_t type, ByteSpan value) {
        if (type == IFLA_MTU) {
            device.mtu = front_of<std::uint32_t>(value);
        } else if (type == IFLA_ADDRESS) {
            copy_to(device.mac, value);
        } else if (type == IFLA_LINK) {
            device.below = front_of<std::uint32_t>(value);
        } else if (type == IFLA_LINK_NETNSID) {
            elsewhere = true;
        } else if (type == IFLA_LINKINFO) {
            take_kind(device, value);
        }
    });
    const bool stands_on = device.kind == "vlan" || device.kind == "macvlan" || device.kind == "ipvlan";
    device.below = stands_on && !elsewhere ? device.below : 0;
    return device;
}

core::Result<Device> device_of(Netlink& kernel, std::uint32_t ifindex) {
    ifinfomsg body{};
    body.ifi_index = static_cast<int>(ifindex);
    Device device;
    auto asked = kernel.ask(Question(RTM_GETLINK, 0, body), [&device](ByteSpan answer) { device = device_in(answer); });
    return std::move(asked).map([&device] { return device; });
}

/// Bridge ports, parts of a bond.
std::vector<std::uint32_t> parts_of(Netlink& kernel, std::uint32_t ifindex) {
    std::vector<std::uint32_t> parts;
    Question question(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    question.with(IFLA_MASTER, ifindex);
    (void)kernel.ask(std::move(question), [&](ByteSpan answer) {
        bool is_part = false;
        each_attribute(answer.subspan(std::min(sizeof(ifinfomsg), answer.size())),
                       [&](std::uint16_t type, ByteSpan value) {
                           is_part = is_part || (type == IFLA_MASTER && front_of<std::uint32_t>(value) == ifindex);
                       });
        if (is_part) {
            parts.push_back(static_cast<std::uint32_t>(front_of<ifinfomsg>(answer).ifi_index));
        }
    });
    return parts;
}

/// The port of a bridge at which an address was learned.
std::optional<std::uint32_t> port_of(Netlink& kernel, std::uint32_t bridge, const Mac& mac) {
    ndmsg body{};
    body.ndm_family = AF_BRIDGE;
    Question question(RTM_GETNEIGH, 0, body);
    question.with(NDA_LLADDR, mac.data(), mac.size());
    question.with(NDA_MASTER, bridge);
    std::optional<std::uint32_t> port;
    (void)kernel.ask(std::move(question), [&port](ByteSpan answer) {
        port = static_cast<std::uint32_t>(front_of<ndmsg>(answer).ndm_ifindex);
    });
    return port;
}

/// The interfaces below one, with what packets have there.
std::vector<Way> below(Netlink& kernel, const Way& way, const Device& device) {
    std::vector<std::uint32_t> parts;
    Way next = way;
    if (device.below != 0) {
        parts = {device.below};
        if (device.vlan) {
            next.vlans.insert(next.vlans.begin(), *device.vlan);
        }
    } else if (device.kind == "bridge") {
        const auto port = port_of(kernel, device.ifindex, way.remote);
        parts = port ? std::vector{*port} : parts_of(kernel, device.ifindex);
    } else if (device.kind == "bond" || device.kind == "team") {
        parts = parts_of(kernel, device.ifindex);
    }
    std::vector<Way> ways;
    for (const std::uint32_t ifindex : parts) {
        next.ifindex = ifindex;
        ways.push_back(next);
    }
    return ways;
}

/// From an interface of the network layer down to the wire.
core::Result<void> add_ways(Netlink& kernel, std::vector<Way>& ways, Way top) {
    const std::size_t first = ways.size();
    ways.push_back(std::move(top));
    for (std::size_t i = first; i < ways.size() && ways.size() < kMostWays; ++i) {
        const auto device = device_of(kernel, ways[i].ifindex);
        if (!device) {
            return core::fail(device.error());
        }
        ways[i].mtu = device->mtu;
        ways[i].local = i == first ? device->mac : ways[first].local;
        const std::vector<Way> under = below(kernel, ways[i], *device);
        ways.insert(ways.end(), under.begin(), under.end());
    }
    return {};
}

} // namespace

core::Result<std::vector<Way>> ways_of(Netlink& kernel, const Connection& connection) {
    const auto route = route_of(kernel, connection);
    if (!route) {
        return core::fail(route.error());
    }
    std::vector<Way> ways;
    if (auto added = add_ways(kernel, ways, {.ifindex = route->ifindex, .remote = neighbour(kernel, *route)}); !added) {
        return core::fail(std::move(added.error()));
    }
    const auto other = interface_with(kernel, connection.local);
    if (other && *other != route->ifindex && is_taken(kernel, connection, *other)) {
        const Route back{*other, connection.remote};
        // What cannot be found out of it is no reason to know nothing of the route.
        (void)add_ways(kernel, ways,
                       {.ifindex = *other, .remote = neighbour(kernel, back), .directions = {true, false}});
    }
    return ways;
}

} // namespace pfild::guard
