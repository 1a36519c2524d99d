// SPDX-License-Identifier: BSD-2-Clause
// One attached interface in the kernel: its port pair, its two sockets, its heads, and the order in which they come and
// go.
//
//      attach   port pair, programs on it, up, sockets, engine, tables, heads last          so no packet is sent to
//      nobody detach   divert no more, drain, heads, engine, sockets, tables, port pair       so no packet is on its
//      way
//
// Where XDP is the IN head (xdp_side.h) it comes after the TC heads, which decide until it is there, and goes before.
//
// The heads are removed after the drain, not before it: they are what takes the stamp off packets that come back.
//
// It follows its interface (name, MTU, address) and repairs its port pair. Control thread.
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
#include "daemon/interfaces/attachment.h"
#include "daemon/interfaces/attachment_world.h"
#include "daemon/interfaces/front_watch.h"
#include "daemon/interfaces/lane_watch.h"
#include "daemon/interfaces/port_and_sockets.h"
#include "daemon/interfaces/xdp_side.h"
#include "daemon/kernel/heads.h"
#include "daemon/net/device_hold.h"
#include "daemon/net/links.h"
#include "daemon/xsk/umem.h"

namespace pfild::interfaces {

class KernelAttachment final : public Attachment {
  public:
    [[nodiscard]] static core::Result<std::unique_ptr<Attachment>> make(AttachmentWorld& world, AttachmentSpec spec);
    KernelAttachment(const KernelAttachment&) = delete;
    KernelAttachment& operator=(const KernelAttachment&) = delete;
    KernelAttachment(KernelAttachment&&) = delete;
    KernelAttachment& operator=(KernelAttachment&&) = delete;
    ~KernelAttachment() override;

    /// Why pfild cannot be attached to this interface; success if it can.
    [[nodiscard]] static core::Result<void> attachable(const net::Link& link, core::HeadMode mode,
                                                       const xsk::Umem& umem);

    [[nodiscard]] std::uint32_t number() const override { return number_; }
    [[nodiscard]] bool has_xdp_head() const override { return xdp_ && xdp_->has_head(); }
    [[nodiscard]] bool has_heads() const override { return heads_.has_value(); }
    [[nodiscard]] bool is_live() const override { return heads_ && !heads_->missing(); }
    [[nodiscard]] std::uint32_t way_in() const override { return port_ ? port_->port().p().engine_ifindex : 0; }
    [[nodiscard]] bool owns_port(std::uint32_t ifindex) const override { return port_ && port_->port().owns(ifindex); }
    [[nodiscard]] std::vector<std::string> turned_off() const override {
        return xdp_ ? xdp_->turned_off() : std::vector<std::string>();
    }
    [[nodiscard]] control::InterfaceView view() const override;
    [[nodiscard]] control::Counters counters(core::Direction direction) const override;

    [[nodiscard]] core::Result<void> go_live(WithoutHeads then) override;
    void keep() noexcept override;
    [[nodiscard]] core::Result<void> set_divert(core::Directions divert, core::Directions chained,
                                                const core::AskedUpkeep& asked) override;
    [[nodiscard]] core::Result<void> set_manner(core::FailModes fail, core::HeadPosition position) override;

    [[nodiscard]] bool is_coming() const override { return coming_; }
    [[nodiscard]] bool needs_port() const override { return coming_ && !stood_down_ && !port_; }
    [[nodiscard]] std::shared_ptr<PortWork> port_work() const override;
    [[nodiscard]] core::Result<void> take_port(PortWork& work) override;
    [[nodiscard]] core::Result<void> go_on() override;

    [[nodiscard]] bool is_there() override;
    void let_go() noexcept override;
    [[nodiscard]] core::Result<void> take_back() override;
    [[nodiscard]] Work clear_up() override;
    [[nodiscard]] core::Result<void> follow(const net::Link& link) override;
    [[nodiscard]] core::Result<bool> repair() override;
    void watch_lanes() override;

    /// Detaches them together: what waits for the kernel or for packets on their way waits once for all.
    static void end(AttachmentWorld& world, const std::vector<std::unique_ptr<Attachment>>& all) noexcept;

  private:
    KernelAttachment(AttachmentWorld& world, AttachmentSpec spec);
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

    void stop_diverting() noexcept;
    [[nodiscard]] bool is_drained() const;
    static void drain(const std::vector<KernelAttachment*>& all) noexcept;
    void remove_heads() noexcept;

    AttachmentWorld& world_;
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
    bool ends_ = false; ///< with others: heads and port pair are gone
    bool coming_ = false;
    bool held_down_ = false; ///< the interface, which was up
    bool repairing_ = false;
    bool stood_down_ = false; ///< the interface has become one that cannot be attached: it waits until that is over
};

} // namespace pfild::interfaces
