// SPDX-License-Identifier: BSD-2-Clause
// See daemon/instance/looks.h.
#include "daemon/instance/looks.h"

#include <utility>
#include <vector>

#include "config/described.h"
#include "config/guarded.h"
#include "control/models.h"
#include "daemon/instance/views.h"
#include "daemon/sys/boot.h"

namespace pfild {
namespace {

using control::HookView;
using core::Result;

/// Until the model on trial gives way to the one before; nothing: no model is on trial.
std::optional<std::uint64_t> confirm_within_s(const rules::Transaction& transaction) {
    constexpr std::uint64_t kNsPerS = 1'000'000'000;
    if (!transaction.trial()) {
        return std::nullopt;
    }
    const std::uint64_t now = sys::since_boot_ns();
    const std::uint64_t ends = transaction.trial()->ends_ns;
    return ends > now ? (ends - now + kNsPerS - 1) / kNsPerS : 0;
}

control::StatusView status_of(const Seen& seen) {
    const rules::Transaction& transaction = seen.transaction;
    control::StatusView view = seen.orchestrator.status();
    for (control::InterfaceView& interface : view.interfaces) {
        interface.wanted_by = transaction.item_of(interface.name);
    }
    for (const auto& [name, why] : transaction.waited_for()) {
        view.waited_for.push_back(name);
    }
    for (const config::Interface& item : transaction.model().interfaces) {
        if (!item.wanted) {
            view.left_alone.push_back(item.name);
        } else if (config::is_pattern(item.name)) {
            view.patterns.push_back(item.name);
        }
    }
    view.panic = transaction.model().panic;
    view.started_from = seen.started_from;
    view.files = transaction.files();
    view.model = config::digest_of(transaction.model());
    for (const config::Peer& peer : transaction.model().peers) {
        view.granted.push_back({peer.name, peer.uid, peer.verbs});
    }
    view.confirm_within_s = confirm_within_s(transaction);
    return view;
}

control::ModelView model_of(const Seen& seen) {
    const rules::Transaction& transaction = seen.transaction;
    return {.model = transaction.model(),
            .digest = config::digest_of(transaction.model()),
            .files = transaction.files(),
            .file = seen.file.empty() ? std::nullopt : std::optional(seen.file),
            .confirm_within_s = confirm_within_s(transaction)};
}

Result<control::StatsView> stats_of(const Seen& seen, control::StatsRequest request) {
    if (request.interface) {
        const std::vector<config::HostInterface> host_interfaces =
            seen.orchestrator.host_interfaces(rules::Look::kAnew);
        const config::HostInterface* const host_interface =
            config::find_host_interface(host_interfaces, *request.interface);
        request.interface = host_interface == nullptr ? *request.interface : host_interface->name;
    }
    return seen.orchestrator.stats(request);
}

/// With what only the model knows.
HookView with_wish(const Seen& seen, HookView view) {
    const config::Hook* const wanted = config::find_hook(seen.transaction.model(), view.name);
    view.enabled = wanted == nullptr || wanted->enabled;
    return view;
}

std::vector<HookView> hooks_of(const Seen& seen) {
    std::vector<HookView> views = seen.orchestrator.hooks();
    for (HookView& view : views) {
        view = with_wish(seen, std::move(view));
    }
    return views;
}

Result<control::HookProgramView> program_of(const Seen& seen, const std::string& name) {
    return seen.orchestrator.hook_show(name).map([&seen](control::HookProgramView&& view) {
        view.hook = with_wish(seen, std::move(view.hook));
        return std::move(view);
    });
}

std::vector<control::HeadView> heads_of(const Seen& seen) {
    std::vector<control::HeadView> all = seen.orchestrator.heads();
    for (const config::Interface& item : seen.transaction.model().interfaces) {
        if (item.wanted && item.mode != core::HeadMode::kTap && config::is_pattern(item.name)) {
            all.push_back(head_seen(seen, item.name));
        }
    }
    return all;
}

template <typename Request, typename Answer, typename Ask>
control::Look<Seen> row(std::string_view verb, Ask ask) {
    return control::look<Seen, Request, Answer>(verb, ask);
}

std::vector<control::Look<Seen>> all_looks() {
    using namespace control; // NOLINT(google-build-using-namespace): the table names what is said there
    return {
        row<NoArguments, VersionView>("version",
                                      [](const Seen& seen, const NoArguments&) { return seen.orchestrator.version(); }),
        row<NoArguments, StatusView>("status", [](const Seen& seen, const NoArguments&) { return status_of(seen); }),
        row<ListRequest, HeadList>(
            "heads",
            [](const Seen& seen, const ListRequest& request) { return part_of<HeadList>(heads_of(seen), request); }),
        row<ListRequest, HookList>(
            "hooks",
            [](const Seen& seen, const ListRequest& request) { return part_of<HookList>(hooks_of(seen), request); }),
        row<HookRequest, HookProgramView>(
            "hook-show", [](const Seen& seen, const HookRequest& request) { return program_of(seen, request.name); }),
        row<StatsRequest, StatsView>(
            "stats", [](const Seen& seen, const StatsRequest& request) { return stats_of(seen, request); }),
        row<FlowsRequest, FlowsView>(
            "flows", [](const Seen& seen, const FlowsRequest& request) { return seen.orchestrator.flows(request); }),
        row<NoArguments, ModelView>("config-show", [](const Seen& seen, const NoArguments&) { return model_of(seen); }),
        row<NoArguments, PeersView>(
            "peers", [](const Seen& seen, const NoArguments&) { return seen.orchestrator.peers(seen.asker); }),
        row<NoArguments, SysctlView>(
            "sysctl", [](const Seen& seen, const NoArguments&) { return seen.orchestrator.sysctl(seen.asker); }),
    };
}

} // namespace

std::span<const control::Look<Seen>> looks() {
    static const std::vector<control::Look<Seen>> kLooks = all_looks();
    return kLooks;
}

control::HeadView head_seen(const Seen& seen, const std::string& name) {
    const rules::Transaction& transaction = seen.transaction;
    std::vector<std::string> covers;
    for (const config::Interface& interface : transaction.guarded().interfaces) {
        if (transaction.item_of(interface.name) == name || interface.name == name ||
            (config::is_pattern(name) && config::means(name, interface.name))) {
            covers.push_back(interface.name);
        }
    }
    const bool is_one = covers.size() == 1 && !config::is_pattern(name);
    if (config::common_head(name) || is_one) {
        return seen.orchestrator.head(is_one ? covers.front() : name);
    }
    const std::vector<config::Link> links = config::links_at(transaction.model(), name);
    core::HeadInfo info;
    info.name = name;
    info.directions = {true, true};
    control::HeadView view = head_view(info);
    view.in = config::run_order(links, core::Direction::kIn);
    view.out = config::run_order(links, core::Direction::kOut);
    view.covers = std::move(covers);
    return view;
}

HookView hook_seen(const Seen& seen, const std::string& name) { return with_wish(seen, seen.orchestrator.hook(name)); }

} // namespace pfild
