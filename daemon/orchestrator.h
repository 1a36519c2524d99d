// SPDX-License-Identifier: BSD-2-Clause
// The one place that knows all edges: it makes an instance of kernel programs, packet memory, engine and rules, and
// does what the control socket and the configuration ask. Control thread.
//
//      control socket, configuration
//                 |  api::Service
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

#include "core/flow/flow_rules.h"
#include "core/flow/flow_table.h"
#include "core/odd_packets.h"
#include "core/pfil/publication.h"
#include "core/pfil/registry.h"
#include "daemon/api/service.h"
#include "daemon/kernel/flow_maps.h"
#include "daemon/net/link_monitor.h"
#include "daemon/orchestrator/attachment.h"
#include "daemon/orchestrator/lowered_hooks.h"
#include "daemon/orchestrator/tap.h"
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

class Orchestrator final : public api::Service {
  public:
    /// For the network namespace that the calling thread is in. => `loop` outlives it and is run by the same thread.
    [[nodiscard]] static core::Result<std::unique_ptr<Orchestrator>> start(OrchestratorOptions options,
                                                                           sys::Loop& loop);
    Orchestrator(const Orchestrator&) = delete;
    Orchestrator& operator=(const Orchestrator&) = delete;
    Orchestrator(Orchestrator&&) = delete;
    Orchestrator& operator=(Orchestrator&&) = delete;
    ~Orchestrator() override;
    /// Between the two, what is attached gets everything but its heads, and the rules in force stay as they are; at the
    /// end all changes of rules come as one, then the heads. So no packet meets half of them. For the start and for
    /// reloads; not nested.
    void prepare();
    /// The first error, after all were tried.
    [[nodiscard]] core::Result<void> go_live(Attachment::WithoutHeads then);
    /// What has become live stays so: heads of a killed daemon that it took the place of are let go.
    void settle();
    /// The name of an interface that has heads of a killed daemon of this instance; nothing: it has none.
    [[nodiscard]] std::optional<std::string> left_on(std::uint32_t ifindex) const;
    /// The index of an interface, if it has such heads.
    [[nodiscard]] std::optional<std::uint32_t> left_on(const std::string& interface) const;
    /// Removes heads that belong to no attachment from all interfaces but those that `spared` names.
    void sweep_all(const std::set<std::string>& spared);
    /// Between the two nobody asks; where heads are is known only afterwards. EOPNOTSUPP: a hook that is to run in the
    /// kernel runs in the engine, which answers the same.
    [[nodiscard]] core::Result<void> keeps_promises() const { return lowered_->keeps_promises(); }

    /// Detaches everything, in order, without losing packets that are on their way. Afterwards only the destructor.
    /// in_order: nothing is to go on with what the kernel knows; else the next start finds it.
    void stop(bool in_order) noexcept;

    [[nodiscard]] core::Result<api::VersionView> version() override;
    [[nodiscard]] core::Result<api::StatusView> status() override;
    [[nodiscard]] core::Result<api::InterfaceView> attach(const api::AttachRequest& request) override;
    [[nodiscard]] core::Result<void> detach(std::string_view interface) override;
    [[nodiscard]] core::Result<std::vector<api::HeadView>> heads() override;
    [[nodiscard]] core::Result<std::vector<api::HookView>> hooks() override;
    [[nodiscard]] core::Result<api::HookView> hook_add(const api::HookAddRequest& request) override;
    [[nodiscard]] core::Result<api::HookProgramView> hook_show(std::string_view name) override;
    [[nodiscard]] core::Result<void> hook_delete(std::string_view name) override;
    [[nodiscard]] core::Result<api::HeadView> link(const core::LinkRequest& request) override;
    [[nodiscard]] core::Result<api::HeadView> unlink(const core::LinkRequest& request) override;
    [[nodiscard]] core::Result<api::StatsView> stats() override;
    [[nodiscard]] core::Result<api::FlowsView> flows(const api::FlowsRequest& request) override;
    [[nodiscard]] core::Result<std::uint64_t> flows_flush() override;
    [[nodiscard]] core::Result<api::PeersView> peers() override;

  private:
    using Attachments = std::map<std::uint32_t, std::unique_ptr<Attachment>>; // by ifindex

    Orchestrator(OrchestratorOptions options, sys::NetNs stack, sys::NetNs engine);
    [[nodiscard]] core::Result<void> load_programs();
    [[nodiscard]] core::Result<void> make_engine();
    [[nodiscard]] core::Result<void> watch(sys::Loop& loop);
    [[nodiscard]] core::Result<std::uint8_t> free_slot(const std::string& interface, bool with_sockets) const;
    [[nodiscard]] Attachments::iterator find_attached(std::string_view interface);
    [[nodiscard]] core::Directions diverted(std::uint8_t slot) const;
    void refresh_divert();
    using RulesChange = std::function<core::Result<void>()>;
    [[nodiscard]] core::Result<void> change_rules(const RulesChange& change, const RulesChange& undo);
    [[nodiscard]] core::Result<void> remove_rules(const RulesChange& change);
    [[nodiscard]] std::set<LaneHead> lane_heads() const;
    void put_in_force(LoweredHooks::Next next);
    [[nodiscard]] core::Result<void> try_in_kernel(const core::Hook& hook) const;
    [[nodiscard]] api::HookView hook_view(const core::HookInfo& hook) const;
    void look_at(std::uint32_t ifindex);
    void let_go(std::uint32_t ifindex);
    void sweep(const net::Link& link);
    [[nodiscard]] bool remove_spared(std::uint32_t ifindex);
    void look_at_all();
    void release_old_chains();
    void keep_house();
    void repair_all();
    static void repair(Attachment& attachment);
    void drop_attachment(Attachments::iterator attached);
    [[nodiscard]] api::FlowTableView flow_table_view() const;
    [[nodiscard]] std::vector<std::string> covered_by(const core::HeadInfo& head) const;
    [[nodiscard]] api::HeadView head_view(const core::HeadInfo& head) const;

    OrchestratorOptions options_;
    std::chrono::steady_clock::time_point started_;
    sys::NetNs stack_;
    sys::NetNs engine_;
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
    std::unique_ptr<Tap> tap_;
    std::unique_ptr<net::LinkMonitor> monitor_;
    sys::Registration housekeeping_;
    bool preparing_ = false;
    bool old_chains_released_ = false;
    bool swept_ = false;               ///< before, what is there may be wanted
    std::set<std::uint32_t> spared_{}; ///< interfaces whose heads could not be replaced: better theirs than none
};

} // namespace pfild
