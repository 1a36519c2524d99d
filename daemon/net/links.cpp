// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/links.h"

#include <algorithm>
#include <cerrno>
#include <random>

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/link/veth.h>

#include "daemon/net/tunnel_keys.h"
#include "daemon/sys/failure.h"

namespace pfild::net {
namespace {

constexpr std::size_t kLongestAltname = 127; // ALTIFNAMSIZ without its NUL
constexpr int kRounds = 10;

// libnl has its own error numbers; these are the ones that a caller here acts on.
int to_errno(int nl_error) {
    switch (-nl_error) {
    case NLE_NODEV:
    case NLE_OBJ_NOTFOUND:
        return ENODEV;
    case NLE_EXIST:
        return EEXIST;
    case NLE_PERM:
    case NLE_NOACCESS:
        return EPERM;
    case NLE_NOMEM:
        return ENOMEM;
    case NLE_RANGE:
    case NLE_INVAL:
        return EINVAL;
    default:
        return EIO;
    }
}

tl::unexpected<core::Error> refused(std::string what, std::string object, int nl_error) {
    return core::fail({std::move(what), std::move(object), nl_geterror(nl_error), "", to_errno(nl_error)});
}

int put_header(nl_msg* message, ifinfomsg header) {
    return nlmsg_append(message, &header, sizeof header, NLMSG_ALIGNTO);
}

std::string text(const char* words) { return words == nullptr ? std::string() : std::string(words); }

/// libnl does not read these.
std::vector<std::string> altnames_of(nl_msg* message) {
    std::vector<std::string> names;
    const nlattr* const list = nlmsg_find_attr(nlmsg_hdr(message), sizeof(ifinfomsg), IFLA_PROP_LIST);
    if (list == nullptr) {
        return names;
    }
    int left = nla_len(list);
    for (auto* one = static_cast<nlattr*>(nla_data(list)); nla_ok(one, left) != 0; one = nla_next(one, &left)) {
        if (nla_type(one) == IFLA_ALT_IFNAME) {
            names.emplace_back(nla_get_string(one));
        }
    }
    return names;
}

std::optional<std::uint32_t> peer_netns_of(rtnl_link* link) {
    std::int32_t number = -1;
    const bool known = rtnl_link_get_link_netnsid(link, &number) == 0 && number >= 0;
    return known ? std::optional(static_cast<std::uint32_t>(number)) : std::nullopt;
}

Link describe(rtnl_link* link) {
    Link result;
    result.ifindex = static_cast<std::uint32_t>(rtnl_link_get_ifindex(link));
    result.name = text(rtnl_link_get_name(link));
    result.kind = text(rtnl_link_get_type(link));
    result.alias = text(rtnl_link_get_ifalias(link));
    result.mtu = rtnl_link_get_mtu(link);
    result.arp_type = rtnl_link_get_arptype(link);
    result.rx_queues = rtnl_link_get_num_rx_queues(link);
    result.up = (rtnl_link_get_flags(link) & IFF_UP) != 0;
    result.loopback = (rtnl_link_get_flags(link) & IFF_LOOPBACK) != 0;
    result.peer_netns = peer_netns_of(link);
    if (nl_addr* address = rtnl_link_get_addr(link); address != nullptr && nl_addr_get_len(address) == 6) {
        Mac mac{};
        std::copy_n(static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(address)), mac.size(), mac.begin());
        result.mac = mac;
    }
    return result;
}

} // namespace

std::string to_string(const std::optional<Mac>& mac) {
    return mac ? fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", (*mac)[0], (*mac)[1], (*mac)[2], (*mac)[3],
                             (*mac)[4], (*mac)[5])
               : std::string();
}

core::Result<Links> Links::open() {
    NlSocket socket(nl_socket_alloc());
    if (!socket) {
        return sys::failed("open", "rtnetlink", ENOMEM);
    }
    if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) {
        return refused("open", "rtnetlink", error);
    }
    return Links(std::move(socket));
}

// Where an answer's parts go that libnl reads for itself.
int Links::on_link(nl_msg* message, void* found) {
    auto* all = static_cast<std::vector<Found>*>(found);
    const auto take = [](nl_object* object, void* into) {
        auto* link = reinterpret_cast<rtnl_link*>(object); // NOLINT: how libnl's objects are cast
        static_cast<std::vector<Found>*>(into)->push_back(
            {describe(link), std::uint64_t{rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED)}, rtnl_link_get_group(link)});
    };
    if (nlmsg_hdr(message)->nlmsg_type != RTM_NEWLINK) {
        return NL_OK;
    }
    const std::size_t before = all->size();
    if (nl_msg_parse(message, take, all) >= 0 && all->size() > before) {
        all->back().link.altnames = altnames_of(message);
        all->back().link.tunnel_keys =
            has_tunnel_keys(nlmsg_find_attr(nlmsg_hdr(message), sizeof(ifinfomsg), IFLA_LINKINFO));
    }
    return NL_OK;
}

// An error of libnl, or 0. Of ifindex and name, one is given; or none, for all.
int Links::ask(std::uint32_t ifindex, const std::string& name, int flags, std::vector<Found>& found) {
    const std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message(nlmsg_alloc_simple(RTM_GETLINK, flags), &nlmsg_free);
    const std::unique_ptr<nl_cb, decltype(&nl_cb_put)> callbacks(nl_cb_alloc(NL_CB_DEFAULT), &nl_cb_put);
    if (!message || !callbacks) {
        return -NLE_NOMEM;
    }
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(ifindex);
    int error = put_header(message.get(), header);
    if (error >= 0 && !name.empty()) {
        const bool alternative = name.size() >= IFNAMSIZ;
        error = nla_put_string(message.get(), alternative ? IFLA_ALT_IFNAME : IFLA_IFNAME, name.c_str());
    }
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, &Links::on_link, &found);
    if (error >= 0) {
        error = nl_send_auto(socket_.get(), message.get());
    }
    if (error >= 0) {
        error = nl_recvmsgs(socket_.get(), callbacks.get());
    }
    const bool acknowledged = (flags & NLM_F_DUMP) == 0 && error >= 0;
    return acknowledged ? nl_wait_for_ack(socket_.get()) : error;
}

core::Result<Links::Found> Links::get(std::uint32_t ifindex, const std::string& name) {
    std::vector<Found> found;
    const int error = ask(ifindex, name, 0, found);
    if (error < 0 || found.empty()) {
        const std::string object = !name.empty() ? name : fmt::format("interface {}", ifindex);
        if (error >= 0 || to_errno(error) == ENODEV) {
            return core::fail({"find", object, "no such interface", "`ip link` lists what there is", ENODEV});
        }
        return refused("find", object, error);
    }
    return std::move(found.front());
}

core::Result<Link> Links::find(const std::string& name) {
    if (name.empty() || name.size() > kLongestAltname) {
        return core::fail({"find", name, "no such interface", "a name has 1 to 127 characters", ENODEV});
    }
    return get(0, name).map([](Found found) { return std::move(found.link); });
}

core::Result<Link> Links::find(std::uint32_t ifindex) {
    return get(ifindex, "").map([](Found found) { return std::move(found.link); });
}

core::Result<std::vector<Links::Found>> Links::list() {
    std::vector<Found> found;
    int error = -NLE_DUMP_INTR;
    for (int round = 0; error == -NLE_DUMP_INTR && round < kRounds; round++) { // they changed meanwhile
        found.clear();
        error = ask(0, "", NLM_F_DUMP, found);
    }
    if (error < 0) {
        return refused("list", "the interfaces", error);
    }
    return found;
}

core::Result<std::vector<Link>> Links::all() {
    return list().map([](std::vector<Found> found) {
        std::vector<Link> all;
        all.reserve(found.size());
        for (Found& one : found) {
            all.push_back(std::move(one.link));
        }
        return all;
    });
}

core::Result<std::uint64_t> Links::tx_dropped(std::uint32_t ifindex) {
    return get(ifindex, "").map([](const Found& found) { return found.tx_dropped; });
}

core::Result<void> Links::make_pair(const PairRequest& request) {
    rtnl_link* link = rtnl_link_veth_alloc();
    if (link == nullptr) {
        return sys::failed("make port pair", request.name, ENOMEM);
    }
    rtnl_link* peer = rtnl_link_veth_get_peer(link); // takes a reference
    for (rtnl_link* end : {link, peer}) {
        rtnl_link_set_name(end, request.name.c_str());
        rtnl_link_set_mtu(end, request.mtu);
        rtnl_link_set_num_tx_queues(end, 1);
        rtnl_link_set_num_rx_queues(end, 1);
        rtnl_link_set_flags(end, IFF_NOARP);
    }
    rtnl_link_set_ns_fd(peer, request.peer_netns);
    int error = rtnl_link_add(socket_.get(), link, NLM_F_CREATE | NLM_F_EXCL);
    rtnl_link_put(peer);
    rtnl_link_veth_release(link);
    if (error < 0) {
        return refused("make port pair", request.name, error);
    }
    const auto made = find(request.name);
    if (!made) {
        return core::fail(made.error());
    }
    const RtnlLink alias(rtnl_link_alloc());
    rtnl_link_set_ifalias(alias.get(), request.alias.c_str());
    return change(made->ifindex, alias.get(), "name port pair");
}

core::Result<void> Links::change(std::uint32_t ifindex, rtnl_link* changes, const char* what) {
    const RtnlLink original(rtnl_link_alloc());
    if (!original || changes == nullptr) {
        return sys::failed(what, "", ENOMEM);
    }
    rtnl_link_set_ifindex(original.get(), static_cast<int>(ifindex));
    if (const int error = rtnl_link_change(socket_.get(), original.get(), changes, 0); error < 0) {
        return refused(what, fmt::format("interface {}", ifindex), error);
    }
    return {};
}

core::Result<void> Links::set_mtu(std::uint32_t ifindex, std::uint32_t mtu) {
    const RtnlLink changes(rtnl_link_alloc());
    rtnl_link_set_mtu(changes.get(), mtu);
    return change(ifindex, changes.get(), "set the MTU of");
}

core::Result<void> Links::set_up(std::uint32_t ifindex) {
    const RtnlLink changes(rtnl_link_alloc());
    rtnl_link_set_flags(changes.get(), IFF_UP);
    return change(ifindex, changes.get(), "set up");
}

core::Result<void> Links::set_down(std::uint32_t ifindex) {
    const RtnlLink changes(rtnl_link_alloc());
    rtnl_link_unset_flags(changes.get(), IFF_UP);
    return change(ifindex, changes.get(), "set down");
}

core::Result<void> Links::move_to_peer(const Link& end, const std::string& name) {
    constexpr const char* kWhat = "move";
    if (!end.peer_netns) {
        return core::fail({kWhat, end.name, "nobody knows where its other end is", "", ENODEV});
    }
    nl_msg* const message = nlmsg_alloc_simple(RTM_SETLINK, 0); // freed by who sends it
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(end.ifindex);
    if (message == nullptr || put_header(message, header) < 0 ||
        nla_put_u32(message, IFLA_TARGET_NETNSID, *end.peer_netns) < 0 ||
        nla_put_string(message, IFLA_IFNAME, name.c_str()) < 0) {
        nlmsg_free(message);
        return sys::failed(kWhat, end.name, ENOMEM);
    }
    if (const int error = nl_send_sync(socket_.get(), message); error < 0) {
        return refused(kWhat, end.name, error);
    }
    return {};
}

core::Result<void> Links::remove(std::uint32_t ifindex) {
    const RtnlLink link(rtnl_link_alloc());
    if (!link) {
        return sys::failed("remove", "", ENOMEM);
    }
    rtnl_link_set_ifindex(link.get(), static_cast<int>(ifindex));
    if (const int error = rtnl_link_delete(socket_.get(), link.get()); error < 0) {
        return refused("remove", fmt::format("interface {}", ifindex), error);
    }
    return {};
}

// By chance: whoever groups interfaces takes small numbers.
core::Result<std::uint32_t> Links::unused_group() {
    constexpr std::uint32_t kLarge = 0x40000000;
    const auto found = list();
    if (!found) {
        return core::fail(found.error());
    }
    std::random_device random;
    for (;;) {
        const std::uint32_t group = kLarge | (random() >> 2U);
        if (std::none_of(found->begin(), found->end(), [&](const Found& one) { return one.group == group; })) {
            return group;
        }
    }
}

// The kernel waits some times for all processors, at each removal: for a group it does so once.
core::Result<void> Links::remove_all(const std::vector<std::uint32_t>& ifindexes) {
    const auto group = unused_group();
    if (!group) {
        return core::fail(group.error());
    }
    bool any = false;
    for (const std::uint32_t ifindex : ifindexes) {
        const RtnlLink changes(rtnl_link_alloc());
        rtnl_link_set_group(changes.get(), *group);
        auto changed = change(ifindex, changes.get(), "remove");
        if (!changed && changed.error().code != ENODEV) {
            return changed;
        }
        any = any || changed;
    }
    if (!any) {
        return {};
    }
    constexpr ifinfomsg kNoneByItself{};
    nl_msg* const message = nlmsg_alloc_simple(RTM_DELLINK, 0); // freed by who sends it
    if (message == nullptr || put_header(message, kNoneByItself) < 0 || nla_put_u32(message, IFLA_GROUP, *group) < 0) {
        nlmsg_free(message);
        return sys::failed("remove", "a group of interfaces", ENOMEM);
    }
    if (const int error = nl_send_sync(socket_.get(), message); error < 0) {
        return refused("remove", "a group of interfaces", error);
    }
    return {};
}

} // namespace pfild::net
