// SPDX-License-Identifier: BSD-2-Clause
// One attached interface: its port, its two sockets, its heads, and the order in which they come and go.
//
//      attach   port, programs on it, up, sockets, engine, tables, heads last          so no packet is sent to nobody
//      detach   divert no more, drain, heads, engine, sockets, tables, port            so no packet is on its way
//
// An interface that is only tapped has heads, and nothing of the rest.
//
// Where XDP is the IN head (xdp_side.h) it comes after the TC heads, which decide until it is there, and goes before.
//
// The heads are removed after the drain, not before it: they are what takes the stamp off packets that come back.
//
// It follows its interface (name, MTU, address) and repairs its port. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/views.h"
#include "core/direction.h"
#include "core/error.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "daemon/interfaces/attachment_world.h"
#include "daemon/interfaces/front_watch.h"
#include "daemon/interfaces/lane_watch.h"
#include "daemon/interfaces/port_and_sockets.h"
#include "daemon/interfaces/xdp_side.h"
#include "daemon/kernel/heads.h"
#include "daemon/net/device_hold.h"
#include "daemon/net/links.h"
#include "daemon/xsk/umem.h"

namespace pfild {

struct AttachmentSpec {
    net::Link link;
    std::uint8_t slot = 0;
    core::FailMode unknown = core::FailMode::kPass;
    core::HeadMode mode = core::HeadMode::automatic;
    core::HeadPosition position = core::HeadPosition::anywhere;
    std::vector<std::string> turned_off; ///< offloads that a run before turned off on it
    core::Directions divert;             ///< in which directions a hook is linked
    core::Directions chained;            ///< in which directions hooks run in the kernel
    bool heads_later = false;            ///< everything but the heads: go_live() attaches them
    bool heads_first = false;            ///< nothing but the heads: go_on() makes the rest
    bool strict = false;                 ///< it is down until then
    bool tc_will_do = false;             ///< until then also where mode xdp is wanted and cannot be had
};

class Attachment {
  public:
    [[nodiscard]] static core::Result<std::unique_ptr<Attachment>> make(AttachmentWorld& world, AttachmentSpec spec);
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    /// Detaches; also when the interface is gone.
    ~Attachment();

    /// Why pfild cannot be attached to this device; success if it can.
    [[nodiscard]] static core::Result<void> attachable(const net::Link& link, core::HeadMode mode,
                                                       const xsk::Umem& umem);

    [[nodiscard]] const net::Link& link() const { return spec_.link; }
    [[nodiscard]] std::uint8_t slot() const { return spec_.slot; }
    [[nodiscard]] core::HeadMode mode() const { return spec_.mode; } ///< as it was asked for
    [[nodiscard]] bool only_tapped() const { return spec_.mode == core::HeadMode::tap; }
    /// Whether there is an XDP head.
    [[nodiscard]] bool has_xdp_head() const { return xdp_ && xdp_->has_head(); }
    /// Whether the device is p1 or q1 of this attachment.
    [[nodiscard]] bool owns_port(std::uint32_t ifindex) const { return port_ && port_->port().owns(ifindex); }

    /// What becomes of an attachment that cannot get its heads.
    enum class WithoutHeads : std::uint8_t {
        goes, ///< what was there before is there again
        stays ///< with the head that it can get; the rest is tried again each second
    };
    /// Attaches the heads, if they were to come later.
    [[nodiscard]] core::Result<void> go_live(WithoutHeads then);
    /// Whether it has nothing but heads yet, which drop what they would divert.
    [[nodiscard]] bool is_coming() const { return coming_; }
    /// A step towards the rest of it; after an error repair() tries all of it.
    /// => There is a port.
    [[nodiscard]] core::Result<void> go_on();
    /// Whether it waits for a port to go on: one as port_request() says, which any thread may make.
    [[nodiscard]] bool needs_port() const { return coming_ && !stood_down_ && !port_; }
    [[nodiscard]] PortAndSockets::Request port_request() const { return {spec_.link, slot()}; }
    [[nodiscard]] core::Result<void> take_port(core::Result<std::unique_ptr<PortAndSockets>> made);
    [[nodiscard]] std::uint32_t number() const { return number_; }
    /// From now on it stays: what its heads took the place of is let go.
    void keep() noexcept;
    /// Whether it has gone live.
    [[nodiscard]] bool has_heads() const { return heads_.has_value(); }
    /// Whether both heads are there, as far as is known.
    [[nodiscard]] bool is_live() const { return heads_ && !heads_->missing(); }
    /// Whether the interface is in this namespace: no other device with its index is.
    [[nodiscard]] bool is_there();
    /// The interface has left this namespace or is no more: its heads do nothing from now on, wherever they are.
    void let_go() noexcept;
    /// Of one that has been let go, what waits long for the kernel is done by the side thread, and `done` in the end.
    void clear_up(std::function<void()> done);
    [[nodiscard]] bool is_cleared_up() const { return cleared_up_; }
    /// It is here after all.
    [[nodiscard]] core::Result<void> take_back();
    /// Which directions divert from now on, and in which heads ask hooks in the kernel first.
    [[nodiscard]] core::Result<void> set_divert(core::Directions divert, core::Directions chained);
    /// What else was asked for, from now on.
    [[nodiscard]] core::Result<void> set_manner(core::FailMode unknown, core::HeadPosition position) {
        spec_.position = position;
        front_.set_position(position);
        return std::exchange(spec_.unknown, unknown) == unknown ? core::Result<void>()
                                                                : write_interface(spec_.divert, spec_.chained);
    }
    /// Offloads of the interface that are off because of the attachment.
    [[nodiscard]] std::vector<std::string> turned_off() const {
        return xdp_ ? xdp_->turned_off() : std::vector<std::string>();
    }
    /// The interface is now so: takes over what changed.
    [[nodiscard]] core::Result<void> follow(const net::Link& link);
    /// Looks whether port and heads are as they were made, and makes anew what is not. True: something was repaired.
    [[nodiscard]] core::Result<bool> repair();
    /// Once a second: whether what the engine sent on gets where it belongs.
    void watch_lanes();

    [[nodiscard]] control::InterfaceView view() const;
    [[nodiscard]] control::Counters counters(core::Direction direction) const;

  private:
    Attachment(AttachmentWorld& world, AttachmentSpec spec);
    [[nodiscard]] core::Result<void> hold_device();
    [[nodiscard]] core::Result<void> come();
    [[nodiscard]] core::Result<void> hold_down();
    void let_up() noexcept;
    [[nodiscard]] core::Result<void> bring_up();
    [[nodiscard]] core::Result<void> take(core::Result<std::unique_ptr<PortAndSockets>> made);
    [[nodiscard]] core::Result<void> attach_heads();
    [[nodiscard]] core::Result<void> use_xdp();
    [[nodiscard]] core::Result<void> attach_xdp_head();
    [[nodiscard]] core::Result<bool> repair_xdp();
    void watch_front();
    [[nodiscard]] core::Result<void> restore_offloads();
    void drop_xdp() noexcept;
    void do_without_xdp(const core::Error& why);
    [[nodiscard]] core::Result<void> write_interface(core::Directions divert, core::Directions chained);
    [[nodiscard]] bool port_intact() const;
    [[nodiscard]] std::uint64_t port_dropped(core::Direction direction) const;
    void take_down_port() noexcept;

    AttachmentWorld& world_;
    AttachmentSpec spec_;
    std::optional<net::DeviceHold> device_; ///< the interface
    std::unique_ptr<PortAndSockets> port_;  ///< the engine uses it
    std::optional<kernel::Heads> heads_;
    bool strayed_ = false; ///< it left during a repair: the heads are on another one that has its index
    std::unique_ptr<XdpSide> xdp_;
    std::optional<SpareHeads> ready_;
    std::uint32_t number_;     ///< of this attachment; no other of this run has it
    std::string mode_because_; ///< why there is no XDP
    std::array<LaneWatch, core::kDirections> watches_;
    bool was_broken_ = false; ///< since the last look at the lanes
    FrontWatch front_;
    bool kept_ = false; ///< what its heads took the place of is not to be put back
    bool gone_ = false; ///< the interface is
    bool cleared_up_ = false;
    bool coming_ = false;
    bool held_down_ = false; ///< the interface, which was up
    bool repairing_ = false;
    bool stood_down_ = false; ///< the interface has become one that cannot be attached: it waits until that is over
};

} // namespace pfild
