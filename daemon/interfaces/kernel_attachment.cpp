// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/interfaces/kernel_attachment.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <net/if_arp.h>
#include <spdlog/spdlog.h>

#include "daemon/net/features.h"
#include "daemon/net/link_type.h"

namespace pfild::interfaces {
namespace {

using core::Direction;

// What a frame is longer than the MTU of its interface: Ethernet header, two tags, the label.
constexpr std::uint32_t kFrameOverhead = 14 + 8 + PFILD_LABEL_SIZE;

std::uint32_t flags_of(core::FailModes fail) {
    return (fail.unknown != core::FailMode::kPass ? PFILD_FAIL_DROP : 0U) |
           (fail.unknown == core::FailMode::kClosed ? PFILD_UNKNOWN_CLOSED : 0U) |
           (fail.silent == core::FailMode::kPass ? PFILD_SILENT_PASS : 0U) |
           (fail.silent == core::FailMode::kClosed ? PFILD_SILENT_CLOSED : 0U);
}

} // namespace

core::Result<void> KernelAttachment::attachable(const net::Link& link, core::HeadMode mode, const xsk::Umem& umem) {
    const auto refuse = [&](std::string why, std::string advice) {
        return core::fail({"attach", link.name, std::move(why), std::move(advice), EOPNOTSUPP});
    };
    if (link.alias.starts_with(net::kAliasPrefix)) {
        return refuse("it is of a port pair of pfild itself", "attach the interface that it belongs to");
    }
    if (mode == core::HeadMode::kTap) {
        return net::link_type(link)
                   ? core::Result<void>()
                   : refuse(fmt::format("captures know nothing of its link type {}", link.arp_type), "");
    }
    if (link.loopback) {
        return refuse("it is the loopback interface: packets cannot be handed back to it", "--tap captures there");
    }
    if (link.arp_type != ARPHRD_ETHER || !link.mac) {
        return refuse(fmt::format("it is {} (type {})", net::link_type_words(link.arp_type), link.arp_type),
                      "only interfaces with an Ethernet header can be filtered");
    }
    if (link.tunnel_keys) {
        return refuse(fmt::format("it is {} in external mode: the keys of packets lie beside them, and those that go "
                                  "through the engine would lose theirs",
                                  link.kind),
                      "attach the interface below it, or give the tunnel a key of its own; --tap captures there");
    }
    if (const std::uint32_t longest = umem.longest_frame(); link.mtu + kFrameOverhead > longest) {
        return refuse(
            fmt::format("its MTU of {} bytes is more than the {} that fit here", link.mtu, longest - kFrameOverhead),
            umem.multi_buffer() ? "lower the MTU" : "lower the MTU, or use Linux 6.6 or newer");
    }
    return {};
}

KernelAttachment::KernelAttachment(AttachmentWorld& world, AttachmentSpec spec)
    : Attachment(std::move(spec)), world_(world), ready_(world.take_spare(spec_.slot)),
      number_(ready_ ? ready_->attachment : ++world.attachments), front_(world.programs, spec_.position) {}

core::Result<std::unique_ptr<Attachment>> KernelAttachment::make(AttachmentWorld& world, AttachmentSpec spec) {
    std::unique_ptr<KernelAttachment> self(new KernelAttachment(world, std::move(spec)));
    world.programs.reset_counters(self->slot());
    if (auto renewed = world.programs.renew_secrets(self->slot()); !renewed) {
        return core::fail(std::move(renewed.error()));
    }
    if (auto up = self->spec_.heads_first ? self->come() : self->bring_up(); !up) {
        std::string& object = up.error().object;
        if (const std::string& name = self->link().name; object != name) {
            object = object.empty() ? name : name + ", " + object;
        }
        return core::fail(std::move(up.error()));
    }
    return self;
}

core::Result<void> KernelAttachment::hold_device() {
    return within(world_.stack, [&] { return net::DeviceHold::take(spec_.link.ifindex); })
        .map([&](net::DeviceHold hold) { device_.emplace(std::move(hold)); });
}

core::Result<void> KernelAttachment::bring_up() {
    if (!device_) {
        if (auto held = hold_device(); !held) {
            return held;
        }
    }
    if (only_tapped()) {
        return write_interface({}, {}).and_then(
            [&] { return spec_.heads_later ? core::Result<void>() : attach_heads(); });
    }
    world_.side_thread.wait(); // a port pair that it makes or removes may have the same name
    return take(PortAndSockets::make(world_, {spec_.link, slot()})).and_then([&] { return use_xdp(); }).and_then([&] {
        return spec_.heads_later ? core::Result<void>() : attach_heads();
    });
}

// Heads may be there: the port pair is another.
core::Result<void> KernelAttachment::take(core::Result<std::unique_ptr<PortAndSockets>> made) {
    if (!made) {
        return core::fail(std::move(made.error()));
    }
    port_ = std::move(*made);
    return write_interface(spec_.divert, spec_.chained).and_then([&] { return port_->enter_engine(); });
}

// Makes ready what the XDP head will need, if it is to come.
core::Result<void> KernelAttachment::use_xdp() {
    const bool wanted = spec_.mode == core::HeadMode::kXdp;
    if (spec_.mode == core::HeadMode::kTc || (!wanted && !spec_.link.is_hardware())) {
        mode_because_ = spec_.mode == core::HeadMode::kTc ? "" : "it is a virtual interface";
        return restore_offloads();
    }
    auto made = within(world_.stack,
                       [&] { return XdpSide::make(world_, spec_.link, slot(), std::exchange(spec_.turned_off, {})); });
    if (made) {
        xdp_ = std::move(*made);
        mode_because_.clear();
        return {};
    }
    if (wanted && !spec_.tc_will_do && !heads_) { // in a repair TC guards the interface
        return core::fail(std::move(made.error()));
    }
    do_without_xdp(made.error());
    return {};
}

// Those that a run before turned off for XDP.
core::Result<void> KernelAttachment::restore_offloads() {
    const std::vector<std::string> turned_off = std::exchange(spec_.turned_off, {});
    if (turned_off.empty()) {
        return {};
    }
    return within(world_.stack, [&] { return net::turn_on(spec_.link.name, turned_off); });
}

// Mode auto; and mode xdp at a start or reload, when an error would leave the interface open.
void KernelAttachment::do_without_xdp(const core::Error& why) {
    mode_because_ = "no native XDP: " + why.why;
    spdlog::warn("{}: {}; TC it is", spec_.link.name, why.line());
    drop_xdp();
    (void)within(world_.stack, [&]() -> core::Result<void> {
        // It would go on deciding for a daemon that is no more.
        kernel::XdpHead::remove_stranded(spec_.link.ifindex, world_.programs.identity());
        return {};
    });
}

void KernelAttachment::drop_xdp() noexcept {
    (void)within(world_.stack, [&]() -> core::Result<void> {
        xdp_.reset();
        return {};
    });
}

core::Result<void> KernelAttachment::go_live(WithoutHeads then) {
    if (coming_ && then == WithoutHeads::kStays) {
        keep();
    }
    if (!spec_.heads_later) {
        return {};
    }
    kept_ = then == WithoutHeads::kStays;
    auto attached = attach_heads();
    spec_.heads_later = false;
    spec_.tc_will_do = false;
    return attached;
}

core::Result<void> KernelAttachment::attach_heads() {
    return within(world_.stack, [&]() -> core::Result<void> {
        if (!heads_ || !heads_->intact()) { // what is in place stays
            std::optional<SpareHeads> ready = std::exchange(ready_, std::nullopt);
            auto heads = kernel::Heads::attach(world_.programs,
                                               {.ifindex = spec_.link.ifindex,
                                                .slot = slot(),
                                                .attachment = number_,
                                                .tcx_wanted = world_.tcx_wanted,
                                                .partly = kept_},
                                               ready ? std::optional(std::move(ready->programs)) : std::nullopt);
            if (!heads) {
                return core::fail(std::move(heads.error()));
            }
            heads_ = *std::move(heads);
            // While no TC head was there to take it off, the XDP head's mark has left the host.
            if (auto renewed = world_.programs.renew_mark(slot()); !renewed) {
                return renewed;
            }
        }
        if (kept_) {
            heads_->keep(world_.programs.identity());
        }
        if (heads_->missing()) {
            return core::fail(*heads_->missing());
        }
        if (!xdp_) {
            kernel::XdpHead::remove_stranded(spec_.link.ifindex, world_.programs.identity());
            return {};
        }
        return attach_xdp_head();
    });
}

void KernelAttachment::keep() noexcept {
    kept_ = true;
    (void)within(world_.stack, [&]() -> core::Result<void> {
        if (heads_) {
            heads_->keep(world_.programs.identity());
        }
        return {};
    });
}

// The TC head decides until this one is there.
core::Result<void> KernelAttachment::attach_xdp_head() {
    if (auto attached = xdp_->attach_head(number_); !attached) {
        if (spec_.mode == core::HeadMode::kXdp && !spec_.tc_will_do) {
            return attached;
        }
        do_without_xdp(attached.error());
        return {};
    }
    if (!spec_.link.is_hardware()) {
        spdlog::warn(
            "{}: XDP does not see VLAN tags that a virtual peer keeps beside its packets, which then lose them; "
            "mode tc does not",
            spec_.link.name);
    }
    return {};
}

core::Result<void> KernelAttachment::write_interface(core::Directions divert, core::Directions chained) {
    if (gone_) {
        return {};
    }
    pfild_interface entry{};
    entry.slot = slot();
    entry.ifindex = spec_.link.ifindex;
    entry.attachment = number_;
    if (only_tapped()) {
        entry.flags = PFILD_ONLY_TAPPED;
        return world_.programs.set_interface(entry);
    }
    entry.flags = flags_of(spec_.fail) | (divert.has(Direction::kIn) ? PFILD_DIVERT_IN : 0U) |
                  (divert.has(Direction::kOut) ? PFILD_DIVERT_OUT : 0U) |
                  (chained.has(Direction::kIn) ? PFILD_CHAIN_IN : 0U) |
                  (chained.has(Direction::kOut) ? PFILD_CHAIN_OUT : 0U) | (stood_down_ ? PFILD_STOOD_DOWN : 0U);
    std::copy(spec_.asked.begin(), spec_.asked.end(), std::begin(entry.asked));
    if (port_) {
        entry.port_p = port_->port().p().stack_ifindex;
        entry.port_q = port_->port().q().stack_ifindex;
    }
    std::copy_n(spec_.link.mac.value_or(net::Mac{}).begin(), sizeof(entry.mac), entry.mac);
    return world_.programs.set_interface(entry);
}

void KernelAttachment::take_down_port() noexcept {
    drop_xdp();
    port_.reset();
}

// It may have left and come back, with its heads.
bool KernelAttachment::is_there() {
    if (device_->is_here()) {
        return true;
    }
    const auto came_back = within(world_.stack, [&]() -> core::Result<bool> {
        return kernel::has_head_of(spec_.link.ifindex, world_.programs.identity(slot(), number_));
    });
    return came_back.value_or(false) && !strayed_ && hold_device();
}

void KernelAttachment::let_go() noexcept {
    gone_ = true;
    world_.programs.clear_interface(slot());
}

core::Result<void> KernelAttachment::take_back() {
    return std::exchange(gone_, false) ? write_interface(spec_.divert, spec_.chained) : core::Result<void>();
}

core::Result<void> KernelAttachment::set_divert(core::Directions divert, core::Directions chained,
                                                const core::AskedUpkeep& asked) {
    if (divert == spec_.divert && chained == spec_.chained && asked == spec_.asked) {
        return {};
    }
    const core::AskedUpkeep before = std::exchange(spec_.asked, asked);
    auto written = write_interface(divert, chained);
    if (written) {
        spec_.divert = divert;
        spec_.chained = chained;
    } else {
        spec_.asked = before;
    }
    return written;
}

core::Result<void> KernelAttachment::set_manner(core::FailModes fail, core::HeadPosition position) {
    spec_.position = position;
    front_.set_position(position);
    return std::exchange(spec_.fail, fail) == fail ? core::Result<void>()
                                                   : write_interface(spec_.divert, spec_.chained);
}

core::Result<void> KernelAttachment::follow(const net::Link& link) {
    if (link == spec_.link) {
        return {};
    }
    const bool mtu_changed = link.mtu != spec_.link.mtu;
    const bool mac_changed = link.mac != spec_.link.mac;
    spec_.link = link;
    if (auto held = hold_down(); !held) {
        return held;
    }
    if (auto fits = attachable(link, spec_.mode, world_.umem); !fits) {
        stood_down_ = true;
        auto told = write_interface(spec_.divert, spec_.chained);
        take_down_port(); // the heads see empty sockets and do as when unattended
        if (!told) {
            return told;
        }
        fits.error().what = "filter";
        return fits;
    }
    if (std::exchange(stood_down_, false)) {
        if (auto told = write_interface(spec_.divert, spec_.chained); !told) {
            return told;
        }
        return repair().map([](bool) {});
    }
    if (mac_changed) {
        if (auto written = write_interface(spec_.divert, spec_.chained); !written) {
            return written;
        }
    }
    return mtu_changed && port_ ? port_->port().set_mtu(link.mtu) : core::Result<void>();
}

bool KernelAttachment::port_intact() const {
    if (only_tapped()) {
        return true;
    }
    auto links = net::Links::open();
    if (!links || !port_) {
        return false;
    }
    return std::all_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](Direction direction) {
        const net::Pair& down = direction == Direction::kIn ? port_->port().p() : port_->port().q();
        const auto end = links->find(down.stack_ifindex);
        return end && end->up && end->mtu == spec_.link.mtu + net::kPortHeadroom &&
               kernel::reentry_intact(down.stack_ifindex, direction, world_.programs);
    });
}

core::Result<bool> KernelAttachment::repair() {
    if (stood_down_ || coming_) {
        return false;
    }
    if (!is_there()) {
        let_go(); // that it is gone will be announced; another interface may have its index
        return false;
    }
    if (auto back = take_back(); !back) {
        return core::fail(std::move(back.error()));
    }
    bool whole_port = false;
    bool whole_heads = false;
    auto looked = within(world_.stack, [&]() -> core::Result<void> {
        whole_port = port_intact();
        whole_heads = spec_.heads_later || (heads_ && heads_->intact());
        return {};
    });
    if (!looked) {
        return core::fail(std::move(looked.error()));
    }
    if (whole_port && whole_heads) {
        auto repaired = repair_xdp();
        repairing_ = !repaired;
        if (heads_) {
            watch_front();
        }
        return repaired;
    }
    repairing_ = true;
    was_broken_ = true;
    if (!whole_port) {
        take_down_port(); // the heads see empty sockets and a daemon that lives, and open nothing meanwhile
    }
    auto repaired = whole_port ? attach_heads() : bring_up();
    strayed_ = !device_->is_here();
    if (!repaired) {
        return core::fail(std::move(repaired.error()));
    }
    repairing_ = false;
    let_up();
    return true;
}

void KernelAttachment::watch_lanes() {
    const bool head_was_there = !std::exchange(was_broken_, false);
    if (only_tapped()) {
        return;
    }
    for (const Direction direction : core::kEachDirection) {
        const LaneWatch::Look seen =
            watches_[core::index(direction)].look(world_.programs.counters(slot(), direction), head_was_there);
        if (seen.first_part) {
            spdlog::warn(
                "{} {}: a packet with a part of pfild's stamp was dropped (dropped_stamp): somebody forges it, "
                "or a program in front of pfild's rewrites skb->mark, tc_index or cb",
                spec_.link.name, core::name(direction));
        }
        if (seen.circles || seen.changed) {
            world_.engine_thread.suspect(slot(), direction, seen.circles);
        }
        if (seen.circles && seen.changed) {
            spdlog::warn("{} {}: packets circle, which are ended (engine_dropped_circling): a program in front of "
                         "pfild's rewrites skb->mark, tc_index and cb of what comes back from the engine",
                         spec_.link.name, core::name(direction));
        }
    }
}

// Without its XDP head, the TC head decides.
core::Result<bool> KernelAttachment::repair_xdp() {
    if (!xdp_ || spec_.heads_later) {
        return false;
    }
    return within(world_.stack, [&]() -> core::Result<bool> {
        auto followed = xdp_->follow(spec_.link); // if it failed, TC decides about the queues without a socket
        if (xdp_->head_intact()) {
            return followed.map([] { return false; });
        }
        return attach_xdp_head().map([] { return true; });
    });
}

void KernelAttachment::watch_front() {
    (void)within(world_.stack, [&]() -> core::Result<void> {
        front_.look(spec_.link.name, spec_.link.ifindex, *heads_, xdp_ ? xdp_->head_id() : 0);
        return {};
    });
}

} // namespace pfild::interfaces
