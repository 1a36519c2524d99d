// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/clsact.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>

#include "daemon/sys/failure.h"

namespace pfild::kernel::clsact {
namespace {

// TC handles of our filters; "pf", and whether the clsact came with them: a daemon that finds its heads after a crash
// knows from it what to remove at detach.
constexpr std::uint32_t kHandleForeignClsact = 0x70660000;
constexpr std::uint32_t kHandleOwnClsact = 0x70660001;

// Filters of one preference have one kind, so the first preference may be taken by a kind that is not ours.
constexpr std::uint32_t kFirstPreference = 1;
constexpr std::uint32_t kLastPreference = 8;

bpf_tc_hook hook_of(std::uint32_t ifindex, core::Direction direction) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = direction == core::Direction::in ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    return hook;
}

bpf_tc_opts filter_of(std::uint32_t handle, std::uint32_t preference) {
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.handle = handle;
    options.priority = preference;
    return options;
}

struct Place {
    std::uint32_t handle;
    std::uint32_t preference;
};

// Every filter of that direction, whoever's; nullopt when the kernel would not say.
std::optional<std::vector<Place>> list_filters(std::uint32_t ifindex, core::Direction direction) {
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) {
        return std::nullopt;
    }
    const std::uint32_t minor = direction == core::Direction::in ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
    nl_cache* cache = nullptr;
    if (rtnl_cls_alloc_cache(socket.get(), static_cast<int>(ifindex), TC_H_MAKE(TC_H_CLSACT, minor), &cache) < 0) {
        return std::nullopt;
    }
    const std::unique_ptr<nl_cache, decltype(&nl_cache_free)> filters(cache, &nl_cache_free);
    std::vector<Place> places;
    for (nl_object* entry = nl_cache_get_first(cache); entry != nullptr; entry = nl_cache_get_next(entry)) {
        places.push_back({rtnl_tc_get_handle(TC_CAST(entry)),
                          rtnl_cls_get_prio(reinterpret_cast<rtnl_cls*>(entry))}); // NOLINT: libnl's way to cast
    }
    return places;
}

bool is_ours(const Place& place) { return place.handle == kHandleOwnClsact || place.handle == kHandleForeignClsact; }

std::optional<Place> find_ours(std::uint32_t ifindex, core::Direction direction) {
    const auto places = list_filters(ifindex, direction);
    if (!places) {
        return std::nullopt;
    }
    const auto found = std::find_if(places->begin(), places->end(), is_ours);
    return found == places->end() ? std::nullopt : std::optional(*found);
}

void remove_filter(std::uint32_t ifindex, core::Direction direction, Place place) {
    const bpf_tc_hook hook = hook_of(ifindex, direction);
    const bpf_tc_opts options = filter_of(place.handle, place.preference);
    (void)bpf_tc_detach(&hook, &options); // gone already is what is wanted
}

// A preference without filters is listed as a filter without handle.
bool unused(std::uint32_t ifindex, core::Direction direction) {
    const auto places = list_filters(ifindex, direction);
    return places && std::all_of(places->begin(), places->end(), [](const Place& place) { return place.handle == 0; });
}

void remove_clsact_if_unused(std::uint32_t ifindex) {
    if (unused(ifindex, core::Direction::in) && unused(ifindex, core::Direction::out)) {
        bpf_tc_hook hook = hook_of(ifindex, core::Direction::in);
        hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
        (void)bpf_tc_hook_destroy(&hook);
    }
}

// libbpf says nothing of its own errors' kinds that we need: a preference of another kind answers EEXIST or EINVAL.
core::Result<std::uint32_t> attach_filter(std::uint32_t ifindex, core::Direction direction, int program_fd,
                                          std::uint32_t handle) {
    const bpf_tc_hook hook = hook_of(ifindex, direction);
    const auto old = find_ours(ifindex, direction);
    int error = 0;
    for (std::uint32_t preference = old ? old->preference : kFirstPreference; preference <= kLastPreference;
         preference++) {
        bpf_tc_opts options = filter_of(handle, preference);
        options.prog_fd = program_fd;
        options.flags = old ? BPF_TC_F_REPLACE : 0;
        error = bpf_tc_attach(&hook, &options);
        if (error == 0) {
            return preference;
        }
    }
    return core::fail({"attach", fmt::format("the {} head", core::name(direction)), sys::errno_text(-error),
                       "`tc filter show dev IFACE` lists the filters in the way", -error});
}

} // namespace

core::Result<std::uint32_t> attach(std::uint32_t ifindex, core::Direction direction, int program_fd) {
    const auto old_in = find_ours(ifindex, core::Direction::in);
    const auto known = old_in ? old_in : find_ours(ifindex, core::Direction::out);
    bpf_tc_hook hook = hook_of(ifindex, core::Direction::in);
    const int created = bpf_tc_hook_create(&hook);
    if (created != 0 && created != -EEXIST) {
        return core::fail({"make", "the clsact qdisc", sys::errno_text(-created), "", -created});
    }
    const bool own = created == 0 || (known && known->handle == kHandleOwnClsact);
    return attach_filter(ifindex, direction, program_fd, own ? kHandleOwnClsact : kHandleForeignClsact);
}

bool present(std::uint32_t ifindex, core::Direction direction) { return find_ours(ifindex, direction).has_value(); }

void detach(std::uint32_t ifindex) {
    bool own_clsact = false;
    for (const core::Direction direction : core::kEachDirection) {
        if (const auto place = find_ours(ifindex, direction)) {
            own_clsact = own_clsact || place->handle == kHandleOwnClsact;
            remove_filter(ifindex, direction, *place);
        }
    }
    if (own_clsact) {
        remove_clsact_if_unused(ifindex);
    }
}

} // namespace pfild::kernel::clsact
