// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/heads.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include "daemon/kernel/forgotten_descriptors.h"
#include "daemon/kernel/found_heads.h"
#include "daemon/kernel/tcx.h"
#include "daemon/sys/failure.h"

namespace pfild::kernel {
namespace {

bool use_tcx(std::uint32_t ifindex, bool wanted) { return wanted && tcx::supported(ifindex); }

std::string_view side_of(core::Direction direction) { return direction == core::Direction::kIn ? "ingress" : "egress"; }

/// The heads that this attachment may take the place of.
std::vector<FoundHead> take_over_from(std::uint32_t ifindex, const pfild_identity& self) {
    std::vector<FoundHead> heads = find_heads(ifindex);
    std::erase_if(heads, [&](const FoundHead& head) {
        return head.place == HeadPlace::kXdp || whose(head.owner, self) == Whose::kOther;
    });
    return heads;
}

std::string words(core::Direction direction, std::uint32_t program) {
    return fmt::format("tcx {}: {} ({})", side_of(direction), program_name(program), program);
}

std::string words(core::Direction direction, const clsact::Filter& filter) {
    const std::string place = fmt::format("tc {} pref {}: {}", side_of(direction), filter.preference, filter.kind);
    return filter.program == 0 ? place : fmt::format("{} {} ({})", place, program_name(filter.program), filter.program);
}

} // namespace

// What may fail comes first: a direction where nothing of ours was can be full of others' programs.
core::Result<Heads> Heads::attach(const Programs& programs, const HeadsSpec& spec, std::optional<HeadPrograms> ready) {
    Heads heads(spec, use_tcx(spec.ifindex, spec.tcx_wanted));
    const bool has_just_come = ready.has_value();
    auto loaded = ready ? core::Result<HeadPrograms>(std::move(*ready))
                        : HeadPrograms::load(programs, spec.slot, spec.attachment);
    if (!loaded) {
        return core::fail(std::move(loaded.error()));
    }
    const std::vector<FoundHead> before = take_over_from(spec.ifindex, programs.identity());
    if (has_just_come && heads.tcx_ && before.empty()) {
        heads.guard_meanwhile(*loaded);
    }
    std::array<core::Direction, core::kDirections> order{};
    std::partition_copy(core::kEachDirection.begin(), core::kEachDirection.end(), order.begin(), order.rbegin(),
                        [&](core::Direction direction) { return heads.found(direction, before) == before.end(); });
    for (const core::Direction direction : order) {
        auto attached = heads.attach_one(direction, *loaded, before);
        if (attached) {
            continue;
        }
        if (!spec.partly || heads.missing_) {
            heads.detach();
            return core::fail(std::move(attached.error()));
        }
        heads.missing_ = std::move(attached.error());
    }
    return heads;
}

// TCX waits for a grace period of RCU at each head, 10 ms and more on a busy host: the second one would come so late. A
// filter waits for nothing. keep() removes it; if it cannot be had, there is nothing but the wait.
void Heads::guard_meanwhile(const HeadPrograms& programs) {
    constexpr auto kSecond = core::Direction::kOut;
    if (auto filter = clsact::attach(spec_.ifindex, kSecond, programs.fd(kSecond), false)) {
        meanwhile_ = std::move(*filter);
    }
}

// The one whose place a head takes in one step.
std::vector<FoundHead>::const_iterator Heads::found(core::Direction direction,
                                                    const std::vector<FoundHead>& before) const {
    const HeadPlace place = tcx_ ? HeadPlace::kTcx : HeadPlace::kClsact;
    return std::find_if(before.begin(), before.end(),
                        [&](const FoundHead& head) { return head.place == place && head.direction == direction; });
}

core::Result<void> Heads::attach_one(core::Direction direction, const HeadPrograms& programs,
                                     const std::vector<FoundHead>& before) {
    const auto old = found(direction, before);
    return old != before.end() ? replace(direction, programs, *old) : attach_new(direction, programs, before);
}

core::Result<void> Heads::attach_new(core::Direction direction, const HeadPrograms& programs,
                                     const std::vector<FoundHead>& before) {
    bool own_qdisc = false;
    if (!tcx_) {
        const auto came_with_seat = [](const Seat& seat) {
            return seat.filter && clsact::came_with_qdisc(*seat.filter);
        };
        const auto came_with_head = [](const FoundHead& head) { return clsact::came_with_qdisc(head.filter); };
        own_qdisc = std::any_of(before.begin(), before.end(), came_with_head) ||
                    std::any_of(seats_.begin(), seats_.end(), came_with_seat);
    }
    return put_first(direction, programs, own_qdisc).map([&](Seat seat) { seat_of(direction) = std::move(seat); });
}

core::Result<void> Heads::replace(core::Direction direction, const HeadPrograms& programs, const FoundHead& old) {
    sys::Fd held(bpf_prog_get_fd_by_id(old.program));
    if (!held) {
        return sys::failed("hold", "the head to be replaced", errno);
    }
    Seat seat{.program = programs.id(direction), .filter = std::nullopt};
    core::Result<void> done;
    if (tcx_) {
        done = tcx::replace(spec_.ifindex, direction, programs.fd(direction), held.get());
    } else {
        done =
            clsact::replace(spec_.ifindex, direction, programs.fd(direction), old.filter).map([&](clsact::Filter now) {
                seat.filter = std::move(now);
            });
    }
    if (done) {
        seat_of(direction) = std::move(seat);
        replaced_[core::index(direction)] = std::move(held);
    }
    return done;
}

// Attached the other way, or by a daemon that was killed while it moved one.
void Heads::keep(const pfild_identity& self) noexcept {
    replaced_ = {};
    if (meanwhile_ && seat_of(core::Direction::kOut).program != 0) {
        clsact::detach(spec_.ifindex, core::Direction::kOut, *std::exchange(meanwhile_, std::nullopt));
    }
    for (const FoundHead& head : take_over_from(spec_.ifindex, self)) {
        if (!has(head.program)) {
            remove_head(spec_.ifindex, head);
        }
    }
}

core::Result<Heads::Seat> Heads::put_first(core::Direction direction, const HeadPrograms& programs,
                                           bool own_qdisc) const {
    Seat seat{.program = programs.id(direction), .filter = std::nullopt};
    if (tcx_) {
        return tcx::attach_first(spec_.ifindex, direction, programs.fd(direction)).map([&] { return seat; });
    }
    return clsact::attach(spec_.ifindex, direction, programs.fd(direction), own_qdisc).map([&](clsact::Filter now) {
        seat.filter = std::move(now);
        return seat;
    });
}

// A device that is gone may have left its index to another, with filters of the same handles.
bool Heads::seated(core::Direction direction) const {
    const Seat& seat = seat_of(direction);
    if (tcx_) {
        const auto programs = tcx::list(spec_.ifindex, direction);
        return std::find(programs.begin(), programs.end(), seat.program) != programs.end();
    }
    const auto filters = clsact::list(spec_.ifindex, direction);
    return seat.filter && std::find(filters.begin(), filters.end(), *seat.filter) != filters.end();
}

void Heads::leave(core::Direction direction, const Seat& seat) const noexcept {
    if (seat.filter) {
        clsact::detach(spec_.ifindex, direction, *seat.filter);
    } else if (seat.program != 0) {
        tcx::detach(spec_.ifindex, direction, seat.program);
    }
}

bool Heads::put_back(core::Direction direction) const noexcept {
    const sys::Fd& before = replaced_[core::index(direction)];
    const Seat& seat = seat_of(direction);
    if (!before) {
        return false;
    }
    if (seat.filter) {
        return clsact::replace(spec_.ifindex, direction, before.get(), *seat.filter).has_value();
    }
    const sys::Fd now(bpf_prog_get_fd_by_id(seat.program));
    return now && tcx::replace(spec_.ifindex, direction, before.get(), now.get());
}

void Heads::detach() const noexcept {
    bool qdisc_was_ours = false;
    if (meanwhile_) {
        clsact::detach(spec_.ifindex, core::Direction::kOut, *meanwhile_);
    }
    for (const core::Direction direction : core::kEachDirection) {
        if (!seated(direction)) {
            continue;
        }
        const Seat& seat = seat_of(direction);
        qdisc_was_ours = qdisc_was_ours || (seat.filter && clsact::came_with_qdisc(*seat.filter));
        if (!put_back(direction)) {
            leave(direction, seat);
        }
    }
    if (qdisc_was_ours) {
        clsact::remove_qdisc_if_unused(spec_.ifindex);
    }
}

bool Heads::has(std::uint32_t program) const {
    return std::any_of(seats_.begin(), seats_.end(), [&](const Seat& seat) { return seat.program == program; });
}

bool Heads::intact() const {
    return std::all_of(core::kEachDirection.begin(), core::kEachDirection.end(),
                       [&](core::Direction direction) { return seated(direction); });
}

std::vector<std::string> Heads::in_front(core::Direction direction) const {
    std::vector<std::string> others;
    for (const std::uint32_t program : tcx::list(spec_.ifindex, direction)) {
        if (tcx_ && program == seat_of(direction).program) {
            return others;
        }
        others.push_back(words(direction, program)); // clsact comes after all of these
    }
    for (const clsact::Filter& filter : tcx_ ? std::vector<clsact::Filter>() : clsact::list(spec_.ifindex, direction)) {
        if (filter == seat_of(direction).filter) {
            return others;
        }
        others.push_back(words(direction, filter));
    }
    return {}; // ours is gone: it is put back first
}

std::vector<std::string> Heads::in_front() const {
    std::vector<std::string> all = in_front(core::Direction::kIn);
    const std::vector<std::string> out = in_front(core::Direction::kOut);
    all.insert(all.end(), out.begin(), out.end());
    return all;
}

namespace {

// What was in front before the head moved cannot be preceded. What came while it moved can.
core::Result<void> still_behind(core::Direction direction, const std::vector<std::string>& before,
                                const std::vector<std::string>& after) {
    std::string head = fmt::format("the {} head", core::name(direction));
    const auto stayed = std::find_first_of(after.begin(), after.end(), before.begin(), before.end());
    if (stayed != after.end()) {
        return core::fail({"put first", std::move(head), *stayed + " cannot be preceded",
                           "remove it, or let it have a higher preference", EBUSY});
    }
    return core::fail({"put first", std::move(head), after.front() + " came in front meanwhile",
                       "it is tried again each second", EAGAIN});
}

} // namespace

// A program cannot move, so another one of the same takes its place, and both are there for a moment.
core::Result<void> Heads::move_to_front(const Programs& programs) {
    auto loaded = HeadPrograms::load(programs, spec_.slot, spec_.attachment);
    if (!loaded) {
        return core::fail(std::move(loaded.error()));
    }
    core::Result<void> result; // one direction that cannot is no reason to leave the other
    for (const core::Direction direction : core::kEachDirection) {
        const std::vector<std::string> preceding = in_front(direction);
        if (preceding.empty()) {
            continue;
        }
        const Seat before = seat_of(direction);
        const bool own_qdisc = before.filter && clsact::came_with_qdisc(*before.filter);
        auto now = put_first(direction, *loaded, own_qdisc);
        if (!now) {
            result = core::fail(std::move(now.error()));
            continue;
        }
        seat_of(direction) = *std::move(now);
        leave(direction, before);
        if (const auto left = in_front(direction); !left.empty()) {
            result = still_behind(direction, preceding, left);
        }
    }
    return result;
}

std::string Heads::place(core::Direction direction) const {
    const Seat& seat = seat_of(direction);
    return seat.filter ? fmt::format("tc {} pref {}", side_of(direction), seat.filter->preference)
                       : fmt::format("tcx {}", side_of(direction));
}

core::Result<void> attach_reentry(std::uint32_t ifindex, core::Direction direction, const Programs& programs) {
    return clsact::attach(ifindex, core::Direction::kIn, programs.reentry_fd(direction), false)
        .map([](const clsact::Filter&) {});
}

bool reentry_intact(std::uint32_t ifindex, core::Direction direction, const Programs& programs) {
    const std::uint32_t program = program_id(programs.reentry_fd(direction));
    const auto by_tcx = tcx::list(ifindex, core::Direction::kIn);
    if (std::find(by_tcx.begin(), by_tcx.end(), program) != by_tcx.end()) {
        return true;
    }
    const auto filters = clsact::list(ifindex, core::Direction::kIn);
    return std::any_of(filters.begin(), filters.end(),
                       [&](const clsact::Filter& filter) { return filter.program == program; });
}

core::Result<void> attach_port_up(std::uint32_t ifindex, int program_fd) {
    if (const int error = bpf_xdp_attach(static_cast<int>(ifindex), program_fd, XDP_FLAGS_DRV_MODE, nullptr);
        error != 0) {
        return sys::failed("attach native XDP to", "a port", -error);
    }
    return {};
}

} // namespace pfild::kernel
