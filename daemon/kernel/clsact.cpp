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

#include "daemon/kernel/clsact_message.h"
#include "daemon/sys/failure.h"

namespace pfild::kernel::clsact {
namespace {

// TC handles of our filters, "pf" and two bits. A daemon that finds its heads after a crash knows from them what to
// remove at detach; whose a filter is they do not tell.
constexpr std::uint32_t kHandle = 0x70660000;
constexpr std::uint32_t kOwnQdisc = 1;
constexpr std::uint32_t kSecond = 2; // while a filter takes the place of another by being in front of it
constexpr std::uint32_t kBits = kOwnQdisc | kSecond;

// Filters of one preference have one kind, so the first preference may be taken by a kind that is not ours.
constexpr std::uint32_t kFirstPreference = 1;
constexpr std::uint32_t kLastPreference = 8;

bpf_tc_hook hook_of(std::uint32_t ifindex, core::Direction direction) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = direction == core::Direction::kIn ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    return hook;
}

bpf_tc_opts filter_of(std::uint32_t handle, std::uint32_t preference) {
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.handle = handle;
    options.priority = preference;
    return options;
}

/// The number of the program that a filter of kind "bpf" runs.
std::uint32_t program_of(std::uint32_t ifindex, core::Direction direction, const Filter& filter) {
    const bpf_tc_hook hook = hook_of(ifindex, direction);
    bpf_tc_opts options = filter_of(filter.handle, filter.preference);
    return bpf_tc_query(&hook, &options) == 0 ? options.prog_id : 0;
}

/// Packets do not meet filters of other chains by themselves.
bool is_met(nl_object* entry) {
    std::uint32_t chain = 0;
    return rtnl_tc_get_chain(TC_CAST(entry), &chain) != 0 || chain == 0;
}

Filter read(nl_object* entry) {
    const char* const kind = rtnl_tc_get_kind(TC_CAST(entry));
    return {.handle = rtnl_tc_get_handle(TC_CAST(entry)),
            .preference = rtnl_cls_get_prio(reinterpret_cast<rtnl_cls*>(entry)), // NOLINT: libnl's way to cast
            .kind = kind != nullptr ? kind : "",
            .program = 0};
}

enum class Chains : std::uint8_t { kMet, kAll };

// With one entry without handle for each preference. nullopt: the kernel would not say.
std::optional<std::vector<Filter>> list_entries(std::uint32_t ifindex, core::Direction direction, Chains chains) {
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(), &nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) {
        return std::nullopt;
    }
    const std::uint32_t minor = direction == core::Direction::kIn ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
    nl_cache* cache = nullptr;
    if (rtnl_cls_alloc_cache(socket.get(), static_cast<int>(ifindex), TC_H_MAKE(TC_H_CLSACT, minor), &cache) < 0) {
        return std::nullopt;
    }
    const std::unique_ptr<nl_cache, decltype(&nl_cache_free)> filters(cache, &nl_cache_free);
    std::vector<Filter> entries;
    for (nl_object* entry = nl_cache_get_first(cache); entry != nullptr; entry = nl_cache_get_next(entry)) {
        if (chains == Chains::kAll || is_met(entry)) {
            entries.push_back(read(entry));
        }
    }
    return entries;
}

bool unused(std::uint32_t ifindex, core::Direction direction) {
    const auto entries = list_entries(ifindex, direction, Chains::kAll);
    return entries && std::all_of(entries->begin(), entries->end(), [](const Filter& one) { return one.handle == 0; });
}

/// Whether that filter is there, and nobody else uses the qdisc.
bool is_alone(std::uint32_t ifindex, core::Direction direction, const Filter& filter) {
    const auto other_way = direction == core::Direction::kIn ? core::Direction::kOut : core::Direction::kIn;
    const auto entries = list_entries(ifindex, direction, Chains::kAll);
    const auto is_other = [&filter](const Filter& one) {
        return one.handle != 0 && (one.handle != filter.handle || one.preference != filter.preference);
    };
    const auto is_it = [&filter](const Filter& one) {
        return one.handle == filter.handle && one.preference == filter.preference && one.kind == "bpf";
    };
    return entries && std::any_of(entries->begin(), entries->end(), is_it) &&
           std::none_of(entries->begin(), entries->end(), is_other) && unused(ifindex, other_way);
}

void take_out(std::uint32_t ifindex, core::Direction direction, const Filter& filter) {
    const bpf_tc_hook hook = hook_of(ifindex, direction);
    const bpf_tc_opts options = filter_of(filter.handle, filter.preference);
    (void)bpf_tc_detach(&hook, &options); // gone already is what is wanted
}

core::Result<Filter> put(std::uint32_t ifindex, core::Direction direction, int program_fd, Filter filter,
                         std::uint32_t flags) {
    const bpf_tc_hook hook = hook_of(ifindex, direction);
    bpf_tc_opts options = filter_of(filter.handle, filter.preference);
    options.prog_fd = program_fd;
    options.flags = flags;
    if (const int error = bpf_tc_attach(&hook, &options); error != 0) {
        return core::fail({"attach", fmt::format("the {} head", core::name(direction)), sys::errno_text(-error),
                           "`tc filter show dev IFACE` lists the filters in the way", -error});
    }
    filter.kind = "bpf";
    filter.program = options.prog_id;
    return filter;
}

// libbpf says nothing of its own errors' kinds that we need: a preference of another kind answers EEXIST or EINVAL.
core::Result<Filter> put_first(std::uint32_t ifindex, core::Direction direction, int program_fd, bool own_qdisc) {
    core::Result<Filter> result;
    for (std::uint32_t preference = kFirstPreference; preference <= kLastPreference; preference++) {
        for (const std::uint32_t second : {0U, kSecond}) { // the first handle may be taken, by ours or by anybody
            const std::uint32_t handle = kHandle | (own_qdisc ? kOwnQdisc : 0) | second;
            result = put(ifindex, direction, program_fd, {.handle = handle, .preference = preference, .kind = {}}, 0);
            if (result) {
                return result;
            }
        }
    }
    return result;
}

void remove_qdisc(std::uint32_t ifindex) {
    bpf_tc_hook hook = hook_of(ifindex, core::Direction::kIn);
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    (void)bpf_tc_hook_destroy(&hook);
}

// EEXIST: somebody has made one meanwhile. Then the filter may be there, and say that the qdisc is its own.
core::Result<Filter> make_and_put(std::uint32_t ifindex, core::Direction direction, int program_fd) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0) {
        return sys::failed("look at", "the head", errno);
    }
    const Filter filter{
        .handle = kHandle | kOwnQdisc, .preference = kFirstPreference, .kind = "bpf", .program = info.id};
    const auto name = fmt::format("{}:[{}]", static_cast<const char*>(info.name), info.id);
    const auto made = make_qdisc_with_filter(ifindex, direction, filter.handle, program_fd, name);
    if (!made) {
        return core::fail(made.error());
    }
    if (made->qdisc != 0) {
        if (made->filter == 0) {
            take_out(ifindex, direction, filter);
        }
        return sys::failed("make", "the clsact qdisc", made->qdisc);
    }
    if (made->filter != 0) {
        remove_qdisc_if_unused(ifindex);
        return sys::failed("attach", fmt::format("the {} head", core::name(direction)), made->filter);
    }
    return filter;
}

} // namespace

std::vector<Filter> list(std::uint32_t ifindex, core::Direction direction) {
    std::vector<Filter> filters;
    for (Filter& entry : list_entries(ifindex, direction, Chains::kMet).value_or(std::vector<Filter>())) {
        if (entry.handle == 0) {
            continue;
        }
        if (entry.kind == "bpf") {
            entry.program = program_of(ifindex, direction, entry);
        }
        filters.push_back(std::move(entry));
    }
    return filters;
}

core::Result<Filter> attach(std::uint32_t ifindex, core::Direction direction, int program_fd, bool own_qdisc) {
    const auto there = has_qdisc(ifindex);
    if (!there) {
        return core::fail(there.error());
    }
    if (*there) {
        return put_first(ifindex, direction, program_fd, own_qdisc);
    }
    auto first = make_and_put(ifindex, direction, program_fd);
    const bool there_by_now = !first && first.error().code == EEXIST;
    return there_by_now ? put_first(ifindex, direction, program_fd, own_qdisc) : std::move(first);
}

core::Result<Filter> replace(std::uint32_t ifindex, core::Direction direction, int program_fd, const Filter& old) {
    return put(ifindex, direction, program_fd, old, BPF_TC_F_REPLACE);
}

void detach(std::uint32_t ifindex, core::Direction direction, const Filter& filter) {
    if (came_with_qdisc(filter) && is_alone(ifindex, direction, filter)) {
        remove_qdisc(ifindex);
    } else {
        take_out(ifindex, direction, filter);
    }
}

bool came_with_qdisc(const Filter& filter) {
    return (filter.handle & ~kBits) == kHandle && (filter.handle & kOwnQdisc) != 0;
}

void remove_qdisc_if_unused(std::uint32_t ifindex) {
    if (unused(ifindex, core::Direction::kIn) && unused(ifindex, core::Direction::kOut)) {
        remove_qdisc(ifindex);
    }
}

} // namespace pfild::kernel::clsact
