// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/links.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/route/link/veth.h>

#include "daemon/sys/failure.h"

namespace pfild::net {
namespace {

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

std::string text(const char* words) { return words == nullptr ? std::string() : std::string(words); }

} // namespace

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
    if (nl_addr* address = rtnl_link_get_addr(link); address != nullptr && nl_addr_get_len(address) == 6) {
        Mac mac{};
        std::copy_n(static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(address)), mac.size(), mac.begin());
        result.mac = mac;
    }
    return result;
}

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

core::Result<RtnlLink> Links::get(std::uint32_t ifindex, const char* name) {
    rtnl_link* found = nullptr;
    const int error = rtnl_link_get_kernel(socket_.get(), static_cast<int>(ifindex), name, &found);
    if (error < 0) {
        const std::string object = name != nullptr ? name : fmt::format("interface {}", ifindex);
        if (to_errno(error) == ENODEV) {
            return core::fail({"find", object, "no such interface", "`ip link` lists what there is", ENODEV});
        }
        return refused("find", object, error);
    }
    return RtnlLink(found);
}

core::Result<Link> Links::find(const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ) { // the kernel would search the alternative names for it
        return core::fail({"find", name, "no such interface", "a name has 1 to 15 characters", ENODEV});
    }
    return get(0, name.c_str()).map([](const RtnlLink& link) { return describe(link.get()); });
}

core::Result<Link> Links::find(std::uint32_t ifindex) {
    return get(ifindex, nullptr).map([](const RtnlLink& link) { return describe(link.get()); });
}

core::Result<std::vector<Link>> Links::all() {
    nl_cache* cache = nullptr;
    if (const int error = rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &cache); error < 0) {
        return refused("list", "the interfaces", error);
    }
    const std::unique_ptr<nl_cache, decltype(&nl_cache_free)> links(cache, &nl_cache_free);
    std::vector<Link> all;
    for (nl_object* one = nl_cache_get_first(cache); one != nullptr; one = nl_cache_get_next(one)) {
        all.push_back(describe(reinterpret_cast<rtnl_link*>(one))); // NOLINT: libnl's way to cast
    }
    return all;
}

core::Result<std::uint64_t> Links::tx_dropped(std::uint32_t ifindex) {
    return get(ifindex, nullptr).map([](const RtnlLink& link) {
        return std::uint64_t{rtnl_link_get_stat(link.get(), RTNL_LINK_TX_DROPPED)};
    });
}

core::Result<void> Links::make_pair(const PairRequest& request) {
    rtnl_link* link = rtnl_link_veth_alloc();
    if (link == nullptr) {
        return sys::failed("make port", request.name, ENOMEM);
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
        return refused("make port", request.name, error);
    }
    const auto made = find(request.name);
    if (!made) {
        return core::fail(made.error());
    }
    const RtnlLink alias(rtnl_link_alloc());
    rtnl_link_set_ifalias(alias.get(), request.alias.c_str());
    return change(made->ifindex, alias.get(), "name port");
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

} // namespace pfild::net
