// SPDX-License-Identifier: BSD-2-Clause
// The one place that knows all edges: it makes an instance of kernel programs, packet memory, engine and rules, puts in
// force what a transaction asks for, and shows what there is. Control thread.
//
//      daemon/rules (transactions)     views
//                 |  rules::World          |
//          +------v-------+     snapshots      +--------+
//          | orchestrator | -----------------> | engine |
//          +--+--------+--+                    +--------+
//             |        |  attachments: port, sockets, heads
//          registry   netlink: interfaces and ports that change
//
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/model.h"
#include "control/requests.h"
#include "control/views.h"
#include "core/flow/flow_rules.h"
#include "core/flow/flow_table.h"
#include "core/odd_packets.h"
#include "core/pfil/publication.h"
#include "core/pfil/registry.h"
#include "daemon/captures/tap.h"
#include "daemon/guard/judge.h"
#include "daemon/interfaces/attachment.h"
#include "daemon/interfaces/known_devices.h"
#include "daemon/kernel/flow_maps.h"
#include "daemon/net/link_monitor.h"
#include "daemon/rules/lowered_hooks.h"
#include "daemon/rules/world.h"
#include "daemon/sys/loop.h"

namespace pfild {

struct OrchestratorOptions {
    std::string instance = "default";
    std::uint32_t frames = 32768; ///< buffers of xsk::kBufferSize bytes
    std::uint32_t flows = 65536;  ///< entries of the flow table; 0: every packet that a hook could see is asked about
    core::FlowTimeouts flow_timeouts;
    std::uint32_t capture_bytes = 16U << 20U;       ///< of the tap's ring, a power of two
    std::uint32_t capture_buffer_bytes = 4U << 20U; ///< of the largest of a device's two buffers
    std::uint32_t devices = 16;                     ///< capture devices that can be open at once
    std::string device_socket;                      ///< path
    core::OddPackets odd_packets;
    bool tcx_wanted = true; ///< heads by TCX where the kernel has it, or always on clsact
};

/// What happens to interfaces by itself.
struct InterfaceEvents {
    std::function<void(const std::string& name)> seen; ///< new, or it has other names, or is not attached
    std::function<void(const std::string& name)> gone;
    std::function<void(const std::map<std::string, std::string>& names)> renamed; ///< old name -> name now
    std::function<void()> every_second;
};

class Orchestrator final : public rules::World {
  public:
    /// For the network namespace that the calling thread is in. => `loop` outlives it and is run by the same thread.
    [[nodiscard]] static core::Result<std::unique_ptr<Orchestrator>> start(OrchestratorOptions options,
                                                                           sys::Loop& loop);
    Orchestrator(const Orchestrator&) = delete;
    Orchestrator& operator=(const Orchestrator&) = delete;
    Orchestrator(Orchestrator&&) = delete;
    Orchestrator& operator=(Orchestrator&&) = delete;
    ~Orchestrator() override;
    /// => called once, before the loop runs.
    void tell(InterfaceEvents events) { events_ = std::move(events); }

    // Between prepare() and go_live() what is attached gets everything but its heads, what is detached keeps them, and
    // the rules in force stay as they are; at the end all changes of rules come as one, then heads come, then heads go.
    // So no packet meets half of it.
    void prepare(rules::WithoutXdp without_xdp, rules::HeadsCome heads) override;
    [[nodiscard]] core::Result<void> go_live(rules::Promises promises) override;
    [[nodiscard]] std::vector<config::Device> devices(rules::Look look) override;
    [[nodiscard]] bool has_head(const std::string& name) const override;
    [[nodiscard]] bool has_left_heads(const std::string& name) const override;
    [[nodiscard]] core::Result<void> put_interface(const config::Interface& interface) override;
    void remove_interface(const std::string& name) override;
    [[nodiscard]] core::Result<void> put_hook(const config::Hook& hook) override;
    void remove_hook(const std::string& name) override;
    [[nodiscard]] core::Result<void> set_run_order(const std::string& head, core::Direction direction,
                                                   const std::vector<std::string>& hooks) override;
    void set_panic(bool on) override;
    [[nodiscard]] std::vector<rules::Attached> attached(const config::Model& model) const override;
    /// Between prepare() and go_live(): the rules that are in force, and those that will be. Panic that is on before
    /// and after hides none.
    [[nodiscard]] guard::Prospect prospect() const;
    /// Offloads that a daemon before has turned off, by interface: restored when that is detached.
    void remember(const std::vector<rules::Attached>& before);

    /// Whether interfaces may come that are to be attached at once: heads are loaded for them before.
    void expect_more(bool any);
    /// What has become live stays so: heads of a killed daemon that it took the place of are let go. At the start; then
    /// go_live() does it.
    void settle();
    /// The name of an interface that has heads of a killed daemon of this instance; nothing: it has none.
    [[nodiscard]] std::optional<std::string> left_on(std::uint32_t ifindex) const;
    /// The index of an interface, if it has such heads.
    [[nodiscard]] std::optional<std::uint32_t> left_on(const std::string& interface) const;
    /// Removes heads that belong to no attachment from all interfaces but those that `spared` names.
    void sweep_all(const std::set<std::string>& spared);
    /// Detaches everything, in order, without losing packets that are on their way. Afterwards only the destructor.
    /// in_order: nothing is to go on with what the kernel knows; else the next start finds it.
    void stop(bool in_order) noexcept;

    [[nodiscard]] control::VersionView version() const;
    [[nodiscard]] control::StatusView status() const;
    /// => it is attached.
    [[nodiscard]] control::InterfaceView interface(const std::string& name) const;
    [[nodiscard]] std::vector<control::HeadView> heads() const;
    /// => there is one of that name, as in the next.
    [[nodiscard]] control::HeadView head(const std::string& name) const;
    [[nodiscard]] std::vector<control::HookView> hooks() const;
    [[nodiscard]] control::HookView hook(const std::string& name) const;
    [[nodiscard]] core::Result<control::HookProgramView> hook_show(std::string_view name) const;
    [[nodiscard]] core::Result<control::StatsView> stats(const control::StatsRequest& request) const;
    [[nodiscard]] core::Result<control::FlowsView> flows(const control::FlowsRequest& request) const;
    [[nodiscard]] core::Result<std::uint64_t> flows_flush();
    [[nodiscard]] control::PeersView peers() const;

  private:
    using Attachments = std::map<std::uint32_t, std::unique_ptr<Attachment>>; // by ifindex

    Orchestrator(OrchestratorOptions options, sys::NetNs stack, sys::NetNs engine);
    [[nodiscard]] core::Result<void> load_programs();
    [[nodiscard]] core::Result<void> make_engine();
    [[nodiscard]] core::Result<void> watch(sys::Loop& loop);
    [[nodiscard]] std::uint64_t used_slots() const;
    [[nodiscard]] core::Result<std::uint8_t> free_slot(const std::string& interface, bool with_sockets) const;
    [[nodiscard]] Attachments::iterator find_attached(std::string_view interface);
    [[nodiscard]] core::Directions diverted(std::uint8_t slot) const;
    void refresh_divert();
    [[nodiscard]] Attachments::const_iterator find_attached(std::string_view interface) const;
    /// As it was asked for, without heads until go_live().
    [[nodiscard]] core::Result<void> attach(const config::Interface& interface);
    [[nodiscard]] core::Result<std::unique_ptr<Attachment>> make_attachment(const net::Link& link, std::uint8_t slot,
                                                                            const config::Interface& interface);
    [[nodiscard]] core::Result<void> bring_heads(Attachment::WithoutHeads then);
    [[nodiscard]] core::Result<void> remake(std::uint32_t ifindex, const config::Interface& interface);
    void drop_leaving();
    [[nodiscard]] std::set<LaneHead> lane_heads() const;
    void put_in_force(LoweredHooks::Next next);
    [[nodiscard]] core::Result<void> try_in_kernel(const core::Hook& hook) const;
    [[nodiscard]] control::HookView hook_view(const core::HookInfo& hook) const;
    void look_at(std::uint32_t ifindex);
    void look_at_attached(std::uint32_t ifindex);
    void finish_soon();
    void finish_after(std::chrono::nanoseconds wait);
    void finish_next();
    void make_port(const Attachment& attachment);
    void take_port();
    void clear_up_gone();
    void load_spare();
    void look_at_other(std::uint32_t ifindex);
    [[nodiscard]] std::map<std::uint32_t, std::string> attached_names() const;
    void let_go(std::uint32_t ifindex);
    void follow_names();
    void end_attachment(Attachments::iterator attached);
    void sweep(const net::Link& link);
    [[nodiscard]] bool remove_spared(std::uint32_t ifindex);
    void look_at_all();
    void release_old_chains();
    void keep_house();
    void repair_all();
    static void repair(Attachment& attachment);
    /// A port that is made for an attachment.
    struct MakingPort {
        std::uint32_t ifindex = 0;
        std::uint32_t number = 0; ///< the attachment's
        core::Result<std::unique_ptr<PortAndSockets>> made;
    };
    /// When an attachment ends for which nothing more may come.
    enum class Ends : std::uint8_t { kNow, kLater };
    void drop_attachment(Attachments::iterator attached, Ends when);
    [[nodiscard]] control::FlowTableView flow_table_view() const;
    [[nodiscard]] std::vector<std::string> covered_by(const core::HeadInfo& head) const;
    [[nodiscard]] control::HeadView head_view(const core::HeadInfo& head) const;

    OrchestratorOptions options_;
    std::chrono::steady_clock::time_point started_;
    sys::NetNs stack_;
    sys::NetNs engine_;
    sys::SideThread side_thread_;
    core::Publication rules_;
    kernel::FlowPins pins_;
    std::unique_ptr<kernel::Programs> programs_;
    std::unique_ptr<kernel::FlowMaps> flow_maps_; ///< nothing without a flow table, as the next
    std::unique_ptr<core::FlowTable> flows_;
    core::FlowRules flow_rules_;
    core::Registry registry_; ///< its end is a change of rules: what is above is still needed
    std::unique_ptr<LoweredHooks> lowered_;
    std::unique_ptr<xsk::Umem> umem_;
    std::unique_ptr<xsk::EngineThread> engine_thread_;
    std::unique_ptr<AttachmentWorld> world_;
    Attachments attachments_;
    std::map<std::uint32_t, std::unique_ptr<Attachment>> going_; ///< of gone interfaces, by number; slots are theirs
    std::unique_ptr<captures::Tap> tap_;
    std::unique_ptr<net::LinkMonitor> monitor_;
    sys::Registration housekeeping_;
    InterfaceEvents events_;
    bool preparing_ = false;
    bool tc_will_do_ = false; ///< of the change that is prepared, as the next
    bool heads_first_ = false;
    bool expects_more_ = false;
    sys::Loop* loop_ = nullptr;
    sys::Registration finishing_;
    std::optional<MakingPort> making_;                                  ///< the side thread does
    std::thread loader_;                                                ///< of a spare; touches programs_ only
    std::optional<std::chrono::steady_clock::time_point> finish_since_; ///< something has been left to be finished
    bool old_chains_released_ = false;
    std::set<std::uint32_t> leaving_;                   ///< attached until go_live()
    std::map<std::uint32_t, config::Interface> remade_; ///< to be attached in another mode by go_live()
    std::map<std::string, std::vector<std::string>> turned_off_before_;
    KnownDevices known_;
    bool heads_come_ = false;          ///< with the next go_live()
    bool swept_ = false;               ///< before, what is there may be wanted
    std::set<std::uint32_t> spared_{}; ///< interfaces whose heads could not be replaced: better theirs than none
};

} // namespace pfild
