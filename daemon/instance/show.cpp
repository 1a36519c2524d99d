// SPDX-License-Identifier: BSD-2-Clause
// What the orchestrator tells of itself. Changes nothing.
#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cbpf/instruction.h"
#include "control/message.h"
#include "core/flow/flow_entry.h"
#include "daemon/instance/orchestrator.h"
#include "daemon/instance/views.h"
#include "daemon/sys/kernel.h"

namespace pfild {
namespace {

using core::Direction;

tl::unexpected<core::Error> no_flow_table(const char* what) {
    return core::fail({what, "", "the daemon knows none: it runs with --no-cache, or with `flows = 0`",
                       "start it without", EOPNOTSUPP});
}

control::InterfaceView view_of(const interfaces::Attachment& attachment) {
    control::InterfaceView view = attachment.view();
    view.altnames = attachment.link().altnames;
    return view;
}

} // namespace

control::VersionView Orchestrator::version() const {
    return control::VersionView{.version = PFILD_VERSION,
                                .protocol = control::kProtocol,
                                .kernel = sys::kernel_release(),
                                .instance = options_.instance,
                                .pid = static_cast<std::uint32_t>(::getpid())};
}

control::StatusView Orchestrator::status() const {
    control::StatusView view;
    view.instance = options_.instance;
    view.pid = static_cast<std::uint32_t>(::getpid());
    view.netns = fmt::format("/proc/{}/ns/net", view.pid);
    view.uptime_s = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count());
    view.version = PFILD_VERSION;
    view.kernel = sys::kernel_release();
    for (const auto& [ifindex, attachment] : interfaces_->all()) {
        view.interfaces.push_back(view_of(*attachment));
    }
    view.buffers = buffers_view(umem_->pool());
    view.flows = flow_table_view();
    view.memory_bytes = umem_->bytes() + view.flows.memory_bytes + options_.capture_bytes;
    return view;
}

control::FlowTableView Orchestrator::flow_table_view() const {
    control::FlowTableView view;
    if (flows_) {
        view.in_use = flows_->counter(core::FlowCounter::kInUse);
        view.created = flows_->counter(core::FlowCounter::kCreated);
        view.expired = flows_->counter(core::FlowCounter::kExpired);
        view.removed = flows_->counter(core::FlowCounter::kRemoved);
        view.refused = flows_->counter(core::FlowCounter::kRefused);
        view.capacity = flows_->capacity();
        view.memory_bytes = flow_maps_->bytes();
    }
    return view;
}

core::Result<control::FlowsView> Orchestrator::flows(const control::FlowsRequest& request) const {
    if (!flows_) {
        return no_flow_table("list the flows");
    }
    control::FlowsView view;
    const std::span<pfild_flow> entries = flow_maps_->entries();
    const std::uint32_t generation = core::read(flow_maps_->state().generation);
    const std::uint64_t now = xsk::now_ns();
    for (std::size_t place = request.from; place < entries.size(); place++) {
        if (view.flows.size() >= request.most) {
            view.next = static_cast<std::uint32_t>(place);
            break;
        }
        auto flow = flow_view(entries[place], generation, now);
        if (flow) {
            const auto attached = interfaces_->all().find(flow->ifindex);
            flow->view.interface = attached == interfaces_->all().end() ? fmt::format("if{}", flow->ifindex)
                                                                        : attached->second->link().name;
            view.flows.push_back(std::move(flow->view));
        }
    }
    return view;
}

core::Result<std::uint64_t> Orchestrator::flows_flush() {
    if (!flows_) {
        return no_flow_table("forget the flows");
    }
    return engine_thread_->forget_flows(std::nullopt);
}

control::PeersView Orchestrator::peers(const control::Peer& asker) const {
    control::PeersView view{.count = 0, .devices = {}, .totals = tap_->totals()};
    for (const capture::DeviceInfo& device : tap_->devices()) {
        if (asker.owner || device.opener.uid == asker.uid) {
            view.devices.push_back(device_view(device));
        }
    }
    view.count = view.devices.size();
    return view;
}

control::SysctlView Orchestrator::sysctl(const control::Peer& asker) const {
    const capture::BufferSizes sizes = tap_->buffer_sizes();
    control::PeersView seen = peers(asker);
    return {.maxbufsize = sizes.largest,
            .bufsize = sizes.usual,
            .maxinsns = cbpf::kMaxInstructions,
            .stats = seen.totals,
            .peers = std::move(seen.devices)};
}

core::Result<control::SysctlView> Orchestrator::sysctl_set(const control::SysctlSetRequest& request,
                                                           const control::Peer& asker) {
    constexpr const char* kWhat = "set variables";
    if (!request.maxbufsize && !request.bufsize) {
        return core::fail({kWhat, "", "none is named", "name maxbufsize, bufsize or both", EINVAL});
    }
    const capture::BufferSizes now = tap_->buffer_sizes();
    const capture::BufferSizes next{.usual = request.bufsize.value_or(now.usual),
                                    .largest = request.maxbufsize.value_or(now.largest)};
    if (request.bufsize && next.usual > next.largest) {
        return core::fail({kWhat, "net.bpf.bufsize", "more than net.bpf.maxbufsize, " + std::to_string(next.largest),
                           "raise that, too", EINVAL});
    }
    tap_->set_buffer_sizes(next);
    return sysctl(asker);
}

control::InterfaceView Orchestrator::interface(const std::string& name) const {
    return view_of(*interfaces_->find(name));
}

std::vector<std::string> Orchestrator::covered_by(const core::HeadInfo& head) const {
    std::vector<std::string> names;
    for (const auto& [ifindex, attachment] : interfaces_->all()) {
        if (!attachment->only_tapped() && (!head.slot || *head.slot == attachment->slot())) {
            names.push_back(attachment->link().name);
        }
    }
    return names;
}

control::HeadView Orchestrator::head_view(const core::HeadInfo& head) const {
    control::HeadView view = pfild::head_view(head);
    view.covers = covered_by(head);
    return view;
}

control::HeadView Orchestrator::head(const std::string& name) const { return head_view(*registry_.find_head(name)); }

std::vector<control::HeadView> Orchestrator::heads() const {
    std::vector<control::HeadView> views;
    for (const core::HeadInfo& head : registry_.heads()) {
        views.push_back(head_view(head));
    }
    return views;
}

control::HookView Orchestrator::hook_view(const core::HookInfo& hook) const {
    control::HookView view = pfild::hook_view(hook);
    for (const auto& [ifindex, attachment] : interfaces_->all()) {
        for (const Direction direction : core::kEachDirection) {
            const core::LanePlacement* lane = lowered_->placement(attachment->slot(), direction);
            if (lane == nullptr) {
                continue;
            }
            const auto placed = std::find_if(lane->hooks.begin(), lane->hooks.end(), [&](const core::PlacedHook& one) {
                return one.hook->name() == hook.name;
            });
            if (placed != lane->hooks.end()) {
                view.runs.push_back({attachment->link().name, direction,
                                     placed->because ? core::RunsIn::kEngine : core::RunsIn::kKernel, placed->because});
            }
        }
    }
    return view;
}

control::HookView Orchestrator::hook(const std::string& name) const { return hook_view(*registry_.find_hook(name)); }

void Orchestrator::measure_costs(const std::vector<std::shared_ptr<core::Hook>>& hooks) const {
    costs_->measure(hooks, [this](const core::Hook& hook) { return lowered_->place_of(hook); });
}

std::vector<control::HookView> Orchestrator::hooks() const {
    std::vector<control::HookView> views;
    measure_costs(registry_.all_hooks());
    lowered_->refresh_counters();
    for (const core::HookInfo& hook : registry_.hooks()) {
        views.push_back(hook_view(hook));
    }
    return views;
}

core::Result<control::HookProgramView> Orchestrator::hook_show(std::string_view name) const {
    const auto& all = registry_.all_hooks();
    const auto asked = std::find_if(all.begin(), all.end(), [name](const auto& one) { return one->name() == name; });
    if (asked == all.end()) {
        return core::fail({"show hook", std::string(name), "no such hook", "`bpfctl hooks` lists them", ENOENT});
    }
    measure_costs({*asked});
    lowered_->refresh_counters();
    const auto hook = registry_.find_hook(name);
    return control::HookProgramView{hook_view(*hook),
                                    hook->program ? hook->program->instructions : std::vector<cbpf::Instruction>()};
}

core::Result<control::StatsView> Orchestrator::stats(const control::StatsRequest& request) const {
    if (request.interface && interfaces_->find(*request.interface) == nullptr) {
        return core::fail(
            {"stats", *request.interface, "it is not attached", "`bpfctl status` lists those that are", ENODEV});
    }
    control::StatsView view;
    view.engine = {{"rounds", engine_thread_->rounds()},
                   {"sleeps", engine_thread_->sleeps()},
                   {"silences", engine_thread_->heart().silences()},
                   {"longest_gap_us", engine_thread_->heart().longest_ns() / 1000}};
    view.flows = flow_table_view();
    view.buffers = buffers_view(umem_->pool());
    for (const auto& [ifindex, attachment] : interfaces_->all()) {
        if (!request.interface || attachment->link().name == *request.interface) {
            view.interfaces.push_back({attachment->link().name,
                                       {attachment->counters(Direction::kIn), attachment->counters(Direction::kOut)}});
        }
    }
    return view;
}

} // namespace pfild
