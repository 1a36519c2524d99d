// SPDX-License-Identifier: BSD-2-Clause
// The orchestrator as a transaction sees it: what is asked for is made ready, then goes live.
#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "cbpf/program.h"
#include "core/pfil/cbpf_hook.h"
#include "daemon/instance/orchestrator.h"
#include "daemon/kernel/found_heads.h"

namespace pfild {
namespace {

using core::Direction;

core::Result<void> keep_first(core::Result<void> first, core::Result<void> next) {
    if (!first && !next) {
        spdlog::error("{}", next.error().line()); // only one can be answered
    }
    return first ? std::move(next) : std::move(first);
}

core::Result<void> about(const Attachment& attachment, core::Result<void> result) {
    if (!result && result.error().object != attachment.link().name) {
        std::string& object = result.error().object;
        object = attachment.link().name + (object.empty() ? "" : ", " + object);
    }
    return result;
}

bool only_tapped(const config::Interface& interface) { return interface.mode == core::HeadMode::tap; }

/// Drops every frame, in the kernel: it does so also while the daemon is gone.
std::shared_ptr<core::Hook> panic_hook() {
    constexpr std::array kMatchesAll{cbpf::Instruction{0x06, 0, 0, 1}}; // ret #1
    auto program = cbpf::Program::verify(kMatchesAll);
    return std::make_shared<core::CbpfHook>(core::CbpfHookSpec{.name = "pfild:panic",
                                                               .type = core::HeadType::ethernet,
                                                               .on_match = core::OnMatch::drop,
                                                               .filter = {},
                                                               .runs_in = core::RunsIn::kernel},
                                            *std::move(program));
}

} // namespace

void Orchestrator::prepare(rules::WithoutXdp without_xdp, rules::HeadsCome heads) {
    heads_first_ = heads == rules::HeadsCome::kFirst;
    tc_will_do_ = without_xdp == rules::WithoutXdp::kUsesTc;
    if (!std::exchange(preparing_, true)) {
        registry_.hold();
    }
}

// A chain can be made for an XDP head only when that is there. Until then it asks the engine.
core::Result<void> Orchestrator::go_live(rules::Promises promises) {
    LoweredHooks::Next next = lowered_->prepare(lane_heads());
    if (auto kept = next.keeps_promises(); !kept && promises == rules::Promises::kKept) {
        return kept;
    }
    preparing_ = false;
    registry_.release();
    put_in_force(std::move(next));
    const bool tried = promises == rules::Promises::kTried;
    using Without = Attachment::WithoutHeads;
    auto live = bring_heads(tried ? Without::stays : Without::goes);
    if (auto kept = lowered_->keeps_promises(); !kept) {
        if (!tried) {
            live = keep_first(std::move(live), std::move(kept));
        } else {
            spdlog::error("{}", kept.error().line());
        }
    }
    if (live || tried) {
        drop_leaving();
    }
    if (live && swept_ && std::exchange(heads_come_, false)) {
        settle();
    }
    return live;
}

/// Heads that are to come; afterwards chains for them.
core::Result<void> Orchestrator::bring_heads(Attachment::WithoutHeads then) {
    core::Result<void> result;
    for (const auto& [ifindex, interface] : std::exchange(remade_, {})) {
        result = keep_first(std::move(result), remake(ifindex, interface));
    }
    for (auto& [ifindex, attachment] : attachments_) {
        if (!leaving_.contains(ifindex)) {
            result = keep_first(std::move(result), about(*attachment, attachment->go_live(then)));
        }
    }
    if (lane_heads() != lowered_->heads()) {
        put_in_force(lowered_->prepare(lane_heads()));
    }
    return result;
}

void Orchestrator::drop_leaving() {
    for (const std::uint32_t ifindex : std::exchange(leaving_, {})) {
        if (const auto attached = attachments_.find(ifindex); attached != attachments_.end()) {
            const std::string name = attached->second->link().name;
            drop_attachment(attached, Ends::kNow);
            spdlog::info("{}: detached", name);
        } else if (remove_spared(ifindex)) {
            spdlog::info("the heads of the killed daemon on interface {} are removed", ifindex);
        }
    }
}

bool Orchestrator::has_left_heads(const std::string& name) const { return left_on(name).has_value(); }

bool Orchestrator::has_head(const std::string& name) const {
    const auto attached = find_attached(name);
    const bool leaves = attached != attachments_.end() && leaving_.contains(attached->first);
    return !leaves && registry_.find_head(name).has_value();
}

core::Result<void> Orchestrator::put_interface(const config::Interface& interface) {
    const auto attached = find_attached(interface.name);
    if (attached == attachments_.end()) {
        return attach(interface);
    }
    Attachment& attachment = *attached->second;
    leaving_.erase(attached->first);
    remade_.erase(attached->first);
    if (attachment.mode() == interface.mode) {
        if (attachment.only_tapped() && registry_.find_head(interface.name)) { // of a change that is taken back
            (void)registry_.unregister_head(interface.name);
        }
        return attachment.set_manner(interface.unknown, interface.position);
    }
    if (auto possible = Attachment::attachable(attachment.link(), interface.mode, *umem_); !possible) {
        return possible;
    }
    if (attachment.only_tapped()) { // links come before the heads do
        const core::HeadSpec head{.name = interface.name, .type = core::HeadType::ethernet, .slot = attachment.slot()};
        if (auto registered = registry_.register_head(head); !registered) {
            return registered;
        }
    }
    heads_come_ = true;
    remade_.insert_or_assign(attached->first, interface);
    return {};
}

/// Detaches and attaches in the other mode. The head that links are at stays, if the new mode has one.
core::Result<void> Orchestrator::remake(std::uint32_t ifindex, const config::Interface& interface) {
    const auto attached = attachments_.find(ifindex);
    if (attached == attachments_.end()) {
        return {};
    }
    const net::Link link = attached->second->link();
    const std::uint8_t slot = attached->second->slot();
    tap_->remove(ifindex);
    flow_rules_.remove_interface(ifindex);
    attachments_.erase(attached);
    if (only_tapped(interface)) {
        (void)registry_.unregister_head(link.name);
    }
    put_in_force(lowered_->prepare(lane_heads()));
    auto attachment = make_attachment(link, slot, interface);
    if (!attachment) {
        (void)registry_.unregister_head(link.name);
        return core::fail(std::move(attachment.error()));
    }
    const auto added = attachments_.emplace(ifindex, std::move(*attachment)).first;
    tap_->put(link, slot, added->second->has_xdp_head());
    if (!only_tapped(interface)) {
        flow_rules_.add_interface(ifindex, slot);
    }
    put_in_force(lowered_->prepare(lane_heads()));
    return {};
}

core::Result<std::unique_ptr<Attachment>> Orchestrator::make_attachment(const net::Link& link, std::uint8_t slot,
                                                                        const config::Interface& interface) {
    const auto before = turned_off_before_.find(link.name);
    return Attachment::make(
        *world_, {.link = link,
                  .slot = slot,
                  .unknown = interface.unknown,
                  .mode = interface.mode,
                  .position = interface.position,
                  .turned_off = before == turned_off_before_.end() ? std::vector<std::string>() : before->second,
                  .divert = diverted(slot),
                  .heads_later = !heads_first_,
                  .heads_first = heads_first_,
                  .strict = interface.strict && heads_first_ && known_.is_new(link.ifindex),
                  .tc_will_do = tc_will_do_});
}

core::Result<void> Orchestrator::attach(const config::Interface& interface) {
    auto links = net::Links::open();
    if (!links) {
        return core::fail(std::move(links.error()));
    }
    auto link = links->find(interface.name);
    if (link && link->name != interface.name) { // it has gone, and the name is an alternative one of another
        link = core::fail({"attach", interface.name, "no such interface", "`ip link` lists what there is", ENODEV});
    }
    if (!link) {
        link.error().what = "attach";
        return core::fail(std::move(link.error()));
    }
    if (auto possible = Attachment::attachable(*link, interface.mode, *umem_); !possible) {
        return possible;
    }
    const auto taken_over = kernel::may_attach(link->ifindex, link->name, programs_->identity());
    if (!taken_over) {
        return core::fail(taken_over.error());
    }
    const bool filters = !only_tapped(interface);
    auto slot = free_slot(link->name, filters);
    if (!slot && !going_.empty()) {
        clear_up_gone();
        side_thread_.wait();
        going_.clear();
        slot = free_slot(link->name, filters);
    }
    if (!slot) {
        return core::fail(std::move(slot.error()));
    }
    const core::HeadSpec head{.name = link->name, .type = core::HeadType::ethernet, .slot = *slot};
    if (auto registered = filters ? registry_.register_head(head) : core::Result<void>(); !registered) {
        return registered;
    }
    auto attachment = make_attachment(*link, *slot, interface);
    if (!attachment) {
        if (filters) {
            (void)registry_.unregister_head(link->name);
        }
        return core::fail(std::move(attachment.error()));
    }
    turned_off_before_.erase(link->name);
    heads_come_ = true;
    leaving_.erase(link->ifindex);
    spared_.erase(link->ifindex);
    for (const std::string& one : *taken_over) {
        spdlog::warn("{}: takes over a head that nobody serves: {}", link->name, one);
    }
    const auto added = attachments_.emplace(link->ifindex, std::move(*attachment)).first;
    if (added->second->is_coming()) {
        finish_soon();
    }
    tap_->put(*link, *slot, added->second->has_xdp_head());
    if (filters) {
        flow_rules_.add_interface(link->ifindex, *slot);
    }
    spdlog::info("{}: attached, {}", link->name,
                 !filters                                     ? "to be tapped only"
                 : interface.unknown == core::FailMode::kDrop ? "unknown packets are dropped"
                                                              : "unknown packets pass");
    return {};
}

void Orchestrator::remove_interface(const std::string& name) {
    if (const auto attached = find_attached(name); attached != attachments_.end()) {
        remade_.erase(attached->first);
        leaving_.insert(attached->first);
    } else if (const auto ifindex = left_on(name)) {
        leaving_.insert(*ifindex);
    }
}

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
                                                                    .compiled = hook.compiled},
                                                 std::move(*program));
    if (hook.run == core::RunsIn::kernel) {
        if (auto possible = try_in_kernel(*made); !possible) {
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
    std::optional<core::Result<net::Links>> links; // most often all of them are attached
    for (const config::Interface& interface : model.interfaces) {
        if (const auto here = find_attached(interface.name); here != attachments_.end()) {
            found.push_back({interface.name, here->first, here->second->turned_off()});
            continue;
        }
        links = links ? std::move(links) : net::Links::open();
        if (const auto link = *links ? (*links)->find(interface.name) : core::fail(links->error()); link) {
            found.push_back({interface.name, link->ifindex, {}});
        }
    }
    return found;
}

guard::Prospect Orchestrator::prospect() const {
    guard::Prospect prospect{registry_.linked_in_force(), registry_.linked_to_come(), {}};
    for (const auto& [ifindex, attachment] : attachments_) {
        const std::optional<std::uint8_t> slot = attachment->slot();
        const auto remade = remade_.find(ifindex);
        const bool filters_next = remade == remade_.end() ? !attachment->only_tapped() : !only_tapped(remade->second);
        const bool filters_now = attachment->has_heads() && !attachment->only_tapped();
        prospect.interfaces.emplace(
            ifindex, guard::Place{.name = attachment->link().name,
                                  .now = filters_now ? slot : std::nullopt,
                                  .next = filters_next && !leaving_.contains(ifindex) ? slot : std::nullopt});
    }
    return prospect;
}

void Orchestrator::remember(const std::vector<rules::Attached>& before) {
    for (const rules::Attached& interface : before) {
        turned_off_before_.insert_or_assign(interface.name, interface.turned_off);
    }
}

} // namespace pfild
