// SPDX-License-Identifier: BSD-2-Clause
// The one place that knows all edges: it makes an instance of kernel programs, packet memory, engine and rules, puts in
// force what a transaction asks for, and shows what there is. Control thread.
//
//      daemon/rules (transactions)     views
//                 |  rules::World          |
//          +------v-------+     snapshots      +--------+
//          | orchestrator | -----------------> | engine |
//          +--+--------+--+                    +--------+
//             |        |  interfaces: heads, ports, sockets
//          registry   netlink: interfaces and ports that change
//
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"
#include "control/peer.h"
#include "control/requests.h"
#include "control/views.h"
#include "core/flow/flow_rules.h"
#include "core/flow/flow_table.h"
#include "core/odd_packets.h"
#include "core/pfil/publication.h"
#include "core/pfil/registry.h"
#include "daemon/captures/tap.h"
#include "daemon/guard/judge.h"
#include "daemon/interfaces/edges.h"
#include "daemon/interfaces/interfaces.h"
#include "daemon/interfaces/kernel_host.h"
#include "daemon/kernel/flow_maps.h"
#include "daemon/net/link_monitor.h"
#include "daemon/rules/hook_costs.h"
#include "daemon/rules/kernel_chains.h"
#include "daemon/rules/lowered_hooks.h"
#include "daemon/rules/world.h"
#include "daemon/sys/loop.h"
#include "daemon/sys/repeats.h"

namespace pfild {

struct OrchestratorOptions {
    std::string instance = "default";
    std::uint32_t buffers = 32768; ///< of xsk::kBufferSize bytes
    std::uint32_t flows = 65536;   ///< entries of the flow table; 0: every packet that a hook could see is asked about
    core::FlowTimeouts flow_timeouts;
    std::uint32_t capture_bytes = 16U << 20U;       ///< of the tap's ring, a power of two
    std::uint32_t capture_buffer_bytes = 4U << 20U; ///< of the largest of a device's two buffers
    std::uint32_t devices = 16;                     ///< capture devices that can be open at once
    std::string device_socket;                      ///< path
    core::OddPackets odd_packets;
    bool tcx_wanted = true; ///< heads by TCX where the kernel has it, or always on clsact
};

class Orchestrator final : public rules::World, private interfaces::Dependents {
  public:
    /// For the network namespace that the calling thread is in. => `loop` outlives it and is run by the same thread.
    [[nodiscard]] static core::Result<std::unique_ptr<Orchestrator>> start(OrchestratorOptions options,
                                                                           sys::Loop& loop);
    Orchestrator(const Orchestrator&) = delete;
    Orchestrator& operator=(const Orchestrator&) = delete;
    Orchestrator(Orchestrator&&) = delete;
    Orchestrator& operator=(Orchestrator&&) = delete;
    ~Orchestrator() override;
    /// What happens to interfaces by itself, and each second. => called once, before the loop runs.
    void tell(interfaces::Events events, std::function<void()> every_second) {
        interfaces_->tell(std::move(events));
        every_second_ = std::move(every_second);
    }

    /// Whether its thread has beaten lately.
    [[nodiscard]] bool engine_lives() const;

    // Between prepare() and go_live() what is attached gets everything but its heads, what is detached keeps them, and
    // the rules in force stay as they are; at the end all changes of rules come as one, then heads come, then heads go.
    // So no packet meets half of it.
    void prepare(rules::WithoutXdp without_xdp, rules::HeadsCome heads) override;
    [[nodiscard]] core::Result<void> go_live(rules::Promises promises) override;
    [[nodiscard]] std::vector<config::HostInterface> host_interfaces(rules::Look look) override;
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
    void expect_more(bool any) { interfaces_->expect_more(any); }
    /// What has become live stays so: heads of a killed daemon that it took the place of are let go. At the start; then
    /// go_live() does it.
    void commit();
    /// The name of an interface that has heads of a killed daemon of this instance; nothing: it has none.
    [[nodiscard]] std::optional<std::string> left_on(std::uint32_t ifindex) const {
        return interfaces_->left_on(ifindex);
    }
    /// Removes heads that belong to no attachment from all interfaces but those that `spared` names.
    void sweep_all(const std::set<std::string>& spared) { interfaces_->sweep_all(spared); }
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
    /// Of who is not root only his own devices.
    [[nodiscard]] control::PeersView peers(const control::Peer& asker) const;
    [[nodiscard]] control::SysctlView sysctl(const control::Peer& asker) const;
    /// EINVAL: nothing to set, or a usual size above the largest.
    [[nodiscard]] core::Result<control::SysctlView> sysctl_set(const control::SysctlSetRequest& request,
                                                               const control::Peer& asker);

  private:
    Orchestrator(OrchestratorOptions options, sys::NetNs stack, sys::NetNs engine);
    [[nodiscard]] core::Result<void> load_programs();
    [[nodiscard]] core::Result<void> make_engine();
    [[nodiscard]] core::Result<void> watch(sys::Loop& loop);

    // As interfaces::Dependents
    [[nodiscard]] core::Result<void> register_head(const core::HeadSpec& head) override;
    void unregister_head(const std::string& name) override;
    [[nodiscard]] core::Result<void> rename_head(const std::string& from, const std::string& to) override;
    void came(const interfaces::Attachment& attachment) override;
    void changed(const interfaces::Attachment& attachment) override;
    void leaves(std::uint32_t ifindex) override;
    void place_hooks() override;
    [[nodiscard]] core::Directions diverted(std::uint8_t slot) const override;
    [[nodiscard]] core::AskedUpkeep asked_upkeep(std::uint8_t slot) const override {
        return registry_.asked_upkeep(slot);
    }
    [[nodiscard]] core::Directions chained(std::uint8_t slot) const override;

    [[nodiscard]] std::set<rules::LaneHead> lane_heads() const;
    void put_in_force(rules::LoweredHooks::Next next);
    void release_old_chains();
    void keep_house();
    void tell_of_silences();

    [[nodiscard]] control::FlowTableView flow_table_view() const;
    [[nodiscard]] std::vector<std::string> covered_by(const core::HeadInfo& head) const;
    [[nodiscard]] control::HeadView head_view(const core::HeadInfo& head) const;
    [[nodiscard]] control::HookView hook_view(const core::HookInfo& hook) const;
    void measure_costs(const std::vector<std::shared_ptr<core::Hook>>& hooks) const;

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
    std::unique_ptr<rules::KernelChains> chains_;
    std::unique_ptr<rules::LoweredHooks> lowered_;
    std::unique_ptr<rules::HookCosts> costs_;
    std::unique_ptr<xsk::Umem> umem_;
    std::unique_ptr<xsk::EngineThread> engine_thread_;
    std::unique_ptr<captures::Tap> tap_;
    std::unique_ptr<interfaces::KernelHost> host_;
    std::unique_ptr<interfaces::LoopSchedule> schedule_;
    std::unique_ptr<interfaces::Interfaces> interfaces_;
    std::unique_ptr<net::LinkMonitor> monitor_;
    sys::Registration housekeeping_;
    sys::Repeats failed_clock_; ///< of known flows
    std::function<void()> every_second_;
    bool preparing_ = false;
    bool old_chains_released_ = false;
    std::uint64_t silences_told_ = 0;
    std::chrono::steady_clock::time_point silence_told_at_;
};

} // namespace pfild
