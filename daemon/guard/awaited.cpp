// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/awaited.h.
#include "daemon/guard/awaited.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cbpf/program.h"
#include "core/pfil/cbpf_hook.h"

namespace pfild::guard {
namespace {

constexpr std::uint32_t kNowhere = 0;
constexpr std::size_t kMost = 64; ///< as many as an instance can attach

/// The hooks of one head, by direction, in run order.
using RunOrders = std::array<std::vector<config::Hook>, core::kDirections>;

struct Rules {
    RunOrders own;
    std::array<RunOrders, core::kHeadTypes> common;

    friend bool operator==(const Rules&, const Rules&) = default;
};

RunOrders run_orders_of(const config::Model& model, const config::Model& links, std::string_view head) {
    RunOrders orders;
    const std::vector<config::Link> here = config::links_at(links, head);
    for (const core::Direction direction : core::kEachDirection) {
        for (const std::string& name : config::run_order(here, direction)) {
            orders.at(core::index(direction)).push_back(*config::find_hook(model, name));
        }
    }
    return orders;
}

/// The rules that a model has for one interface; nothing: it does not have it filtered.
std::optional<Rules> rules_of(const config::Model& model, const config::HostInterface& host_interface) {
    const config::Guarded seen = config::guarded(model, {host_interface});
    const config::Interface* const interface = config::find_interface(seen.model, host_interface.name);
    if (interface == nullptr || interface->mode == core::HeadMode::kTap) {
        return std::nullopt;
    }
    Rules rules{.own = run_orders_of(model, seen.model, host_interface.name), .common = {}};
    for (const core::HeadType type : core::kEachHeadType) {
        rules.common.at(core::index(type)) = run_orders_of(model, seen.model, core::name(type));
    }
    return rules;
}

/// Makes hooks of a model as those that packets meet, each once.
class Hooks {
  public:
    [[nodiscard]] std::vector<std::shared_ptr<core::Hook>> made(const std::vector<config::Hook>& hooks) {
        std::vector<std::shared_ptr<core::Hook>> order;
        for (const config::Hook& hook : hooks) {
            if (auto one = made(hook)) {
                order.push_back(std::move(one));
            }
        }
        return order;
    }

  private:
    std::shared_ptr<core::Hook> made(const config::Hook& hook) {
        if (const auto before = made_.find(hook.name); before != made_.end()) {
            return before->second;
        }
        auto program = cbpf::Program::verify(hook.program);
        std::shared_ptr<core::Hook> fresh;
        if (program) {
            fresh = std::make_shared<core::CbpfHook>(
                core::CbpfHookSpec{
                    .name = hook.name, .type = hook.type, .on_match = hook.on_match, .filter = hook.filter},
                std::move(*program));
        }
        return made_.emplace(hook.name, std::move(fresh)).first->second;
    }

    std::map<std::string, std::shared_ptr<core::Hook>> made_;
};

std::shared_ptr<const core::Snapshot> snapshot_of(const Rules& rules, Hooks& hooks) {
    auto snapshot = std::make_shared<core::Snapshot>();
    for (const core::Direction direction : core::kEachDirection) {
        const std::size_t at = core::index(direction);
        snapshot->set_run_order({core::HeadType::kEthernet, kAwaitedSlot}, direction, hooks.made(rules.own.at(at)));
        for (const core::HeadType type : core::kEachHeadType) {
            snapshot->set_run_order({type, std::nullopt}, direction,
                                    hooks.made(rules.common.at(core::index(type)).at(at)));
        }
    }
    return snapshot;
}

} // namespace

std::vector<Awaited> awaited(const config::Model& now, const config::Model& next,
                             const std::vector<config::HostInterface>& host_interfaces,
                             const std::set<std::uint32_t>& attached) {
    const config::Guarded seen = config::guarded(next, host_interfaces);
    std::vector<config::HostInterface> waiting;
    for (const config::HostInterface& host_interface : host_interfaces) {
        if (seen.items.contains(host_interface.name) && !attached.contains(host_interface.ifindex)) {
            waiting.push_back(host_interface);
        }
    }
    for (const std::string& name : seen.missing) {
        waiting.push_back({.ifindex = kNowhere, .name = name});
    }
    waiting.resize(std::min(waiting.size(), kMost));
    Hooks hooks;
    std::vector<Awaited> found;
    for (const config::HostInterface& host_interface : waiting) {
        const auto rules = rules_of(next, host_interface);
        if (rules && rules != rules_of(now, host_interface)) {
            found.push_back(
                {.name = host_interface.name,
                 .ifindex = host_interface.ifindex == kNowhere ? std::nullopt : std::optional(host_interface.ifindex),
                 .rules = snapshot_of(*rules, hooks)});
        }
    }
    return found;
}

} // namespace pfild::guard
