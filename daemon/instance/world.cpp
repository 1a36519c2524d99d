// SPDX-License-Identifier: BSD-2-Clause
// The orchestrator as a transaction sees it: what is asked for is made ready, then goes live.
#include <array>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "cbpf/program.h"
#include "core/pfil/cbpf_hook.h"
#include "daemon/instance/orchestrator.h"

namespace pfild {
namespace {

using core::Direction;

core::Result<void> keep_first(core::Result<void> first, core::Result<void> next) {
    if (!first && !next) {
        spdlog::error("{}", next.error().line()); // only one can be answered
    }
    return first ? std::move(next) : std::move(first);
}

/// Drops every frame, in the kernel: it does so also while the daemon is gone.
std::shared_ptr<core::Hook> panic_hook() {
    constexpr std::array kMatchesAll{cbpf::Instruction{0x06, 0, 0, 1}}; // ret #1
    auto program = cbpf::Program::verify(kMatchesAll);
    return std::make_shared<core::CbpfHook>(core::CbpfHookSpec{.name = "pfild:panic",
                                                               .type = core::HeadType::kEthernet,
                                                               .on_match = core::OnMatch::kDrop,
                                                               .filter = {},
                                                               .runs_in = core::RunsIn::kKernel},
                                            *std::move(program));
}

} // namespace

void Orchestrator::prepare(rules::WithoutXdp without_xdp, rules::HeadsCome heads) {
    interfaces_->set_manner(
        {.heads_first = heads == rules::HeadsCome::kFirst, .tc_will_do = without_xdp == rules::WithoutXdp::kUsesTc});
    if (!std::exchange(preparing_, true)) {
        registry_.hold();
    }
}

// A chain can be made for an XDP head only when that is there. Until then it asks the engine.
core::Result<void> Orchestrator::go_live(rules::Promises promises) {
    rules::LoweredHooks::Next next = lowered_->prepare(lane_heads());
    if (auto kept = next.keeps_promises(); !kept && promises == rules::Promises::kKept) {
        return kept;
    }
    preparing_ = false;
    registry_.release();
    put_in_force(std::move(next));
    const bool tried = promises == rules::Promises::kTried;
    using interfaces::WithoutHeads;
    auto live = interfaces_->bring_heads(tried ? WithoutHeads::kStays : WithoutHeads::kGoes);
    if (lane_heads() != lowered_->heads()) {
        place_hooks();
    }
    if (auto kept = lowered_->keeps_promises(); !kept) {
        if (!tried) {
            live = keep_first(std::move(live), std::move(kept));
        } else {
            spdlog::error("{}", kept.error().line());
        }
    }
    if (live || tried) {
        interfaces_->drop_leaving();
    }
    if (live && interfaces_->swept() && interfaces_->take_heads_came()) {
        commit();
    }
    return live;
}

std::vector<config::HostInterface> Orchestrator::host_interfaces(rules::Look look) {
    return interfaces_->host_interfaces(look == rules::Look::kAnew);
}

bool Orchestrator::has_left_heads(const std::string& name) const { return interfaces_->left_on(name).has_value(); }

bool Orchestrator::has_head(const std::string& name) const {
    const interfaces::Attachment* const attached = interfaces_->find(name);
    const bool is_leaving = attached != nullptr && !interfaces_->stays(attached->link().ifindex);
    return !is_leaving && registry_.find_head(name).has_value();
}

core::Result<void> Orchestrator::put_interface(const config::Interface& interface) {
    return interfaces_->put(interface);
}

void Orchestrator::remove_interface(const std::string& name) { interfaces_->remove(name); }

core::Result<void> Orchestrator::put_hook(const config::Hook& hook) {
    auto program = cbpf::Program::verify(hook.program);
    if (!program) {
        return core::fail({"add hook", hook.name, program.error().message(), "", EINVAL});
    }
    auto made = std::make_shared<core::CbpfHook>(core::CbpfHookSpec{.name = hook.name,
                                                                    .type = hook.type,
                                                                    .on_match = hook.on_match,
                                                                    .filter = hook.filter,
                                                                    .runs_in = hook.run,
                                                                    .compiled = hook.compiled,
                                                                    .neighbours = hook.neighbours},
                                                 std::move(*program));
    if (hook.run == core::RunsIn::kKernel) {
        if (auto possible = lowered_->takes(*made); !possible) {
            return possible;
        }
    }
    return registry_.find_hook(hook.name) ? registry_.replace_hook(std::move(made))
                                          : registry_.add_hook(std::move(made));
}

void Orchestrator::remove_hook(const std::string& name) { (void)registry_.remove_hook(name); }

core::Result<void> Orchestrator::set_run_order(const std::string& head, Direction direction,
                                               const std::vector<std::string>& hooks) {
    return registry_.set_run_order(head, direction, hooks);
}

void Orchestrator::set_panic(bool on) { registry_.set_only(on ? panic_hook() : nullptr); }

std::vector<rules::Attached> Orchestrator::attached(const config::Model& model) const {
    std::vector<rules::Attached> found;
    for (const config::Interface& interface : model.interfaces) {
        if (const interfaces::Attachment* const here = interfaces_->find(interface.name); here != nullptr) {
            found.push_back({interface.name, here->link().ifindex, here->turned_off()});
        } else if (const auto link = host_->find(interface.name); link) {
            found.push_back({interface.name, link->ifindex, {}});
        }
    }
    return found;
}

guard::Prospect Orchestrator::prospect() const {
    guard::Prospect prospect{registry_.linked_in_force(), registry_.linked_to_come(), {}};
    for (const auto& [ifindex, attachment] : interfaces_->all()) {
        const std::optional<std::uint8_t> slot = attachment->slot();
        const bool filters_now = attachment->has_heads() && !attachment->only_tapped();
        prospect.interfaces.emplace(ifindex,
                                    guard::Place{.name = attachment->link().name,
                                                 .now = filters_now ? slot : std::nullopt,
                                                 .next = interfaces_->will_filter(*attachment) ? slot : std::nullopt});
    }
    return prospect;
}

void Orchestrator::remember(const std::vector<rules::Attached>& before) {
    for (const rules::Attached& interface : before) {
        interfaces_->remember_turned_off(interface.name, interface.turned_off);
    }
}

} // namespace pfild
