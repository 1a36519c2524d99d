// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/found_heads.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "daemon/kernel/tcx.h"
#include "daemon/kernel/xdp_head.h"

namespace pfild::kernel {
namespace {

void add_if_head(std::vector<FoundHead>& heads, FoundHead candidate) {
    auto owner = owner_of(candidate.program);
    if (owner && owner->identity.attachment != 0) { // else it is a port's, or none of pfild
        candidate.owner = *owner;
        heads.push_back(std::move(candidate));
    }
}

} // namespace

std::string FoundHead::where() const {
    const std::string_view side = direction == core::Direction::kIn ? "ingress" : "egress";
    switch (place) {
    case HeadPlace::kTcx:
        return fmt::format("tcx {}", side);
    case HeadPlace::kClsact:
        return fmt::format("tc {} pref {}", side, filter.preference);
    default:
        return "xdp";
    }
}

std::vector<FoundHead> find_heads(std::uint32_t ifindex) {
    std::vector<FoundHead> heads;
    for (const core::Direction direction : core::kEachDirection) {
        for (const std::uint32_t program : tcx::list(ifindex, direction)) {
            add_if_head(heads, {.place = HeadPlace::kTcx, .direction = direction, .program = program});
        }
        for (clsact::Filter& filter : clsact::list(ifindex, direction)) {
            const std::uint32_t program = filter.program;
            add_if_head(
                heads,
                {.place = HeadPlace::kClsact, .direction = direction, .program = program, .filter = std::move(filter)});
        }
    }
    for (const std::uint32_t program : XdpHead::programs_at(ifindex)) {
        add_if_head(heads, {.place = HeadPlace::kXdp, .direction = core::Direction::kIn, .program = program});
    }
    return heads;
}

std::vector<Owner> port_owners(std::uint32_t ifindex) {
    std::vector<std::uint32_t> programs = tcx::list(ifindex, core::Direction::kIn);
    for (const clsact::Filter& filter : clsact::list(ifindex, core::Direction::kIn)) {
        programs.push_back(filter.program);
    }
    std::vector<Owner> owners;
    for (const std::uint32_t program : programs) {
        const auto owner = owner_of(program);
        if (owner && owner->identity.attachment == 0) {
            owners.push_back(*owner);
        }
    }
    return owners;
}

void remove_head(std::uint32_t ifindex, const FoundHead& head) {
    switch (head.place) {
    case HeadPlace::kTcx:
        tcx::detach(ifindex, head.direction, head.program);
        return;
    case HeadPlace::kClsact:
        clsact::detach(ifindex, head.direction, head.filter);
        return;
    case HeadPlace::kXdp:
        XdpHead::remove(ifindex, head.program);
        return;
    }
}

bool has_head_of(std::uint32_t ifindex, const pfild_identity& identity) {
    const std::vector<FoundHead> heads = find_heads(ifindex);
    return std::any_of(heads.begin(), heads.end(), [&](const FoundHead& head) {
        return whose(head.owner, identity) == Whose::kOurs && head.owner.identity.attachment == identity.attachment;
    });
}

core::Result<std::vector<std::string>> may_attach(std::uint32_t ifindex, const std::string& name,
                                                  const pfild_identity& self) {
    std::vector<std::string> taken_over;
    for (const FoundHead& head : find_heads(ifindex)) {
        if (whose(head.owner, self) == Whose::kOther) {
            return core::fail({"attach", name,
                               fmt::format("another instance of pfild has this interface: {} has a head there ({})",
                                           head.owner.words(), head.where()),
                               "detach it there first", EBUSY});
        }
        taken_over.push_back(fmt::format("{} of {}", head.where(), head.owner.words()));
    }
    return taken_over;
}

std::vector<std::string> sweep(std::uint32_t ifindex, const pfild_identity& self) {
    std::vector<std::string> removed;
    for (const FoundHead& head : find_heads(ifindex)) {
        const Whose whom = whose(head.owner, self);
        if (whom == Whose::kOurs || whom == Whose::kLeft || whom == Whose::kStrayed) {
            remove_head(ifindex, head);
            removed.push_back(fmt::format("{} of {}", head.where(), head.owner.words()));
        }
    }
    return removed;
}

} // namespace pfild::kernel
