// SPDX-License-Identifier: BSD-2-Clause
// See daemon/instance/wanted.h.
#include "daemon/instance/wanted.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "config/described.h"
#include "config/edit.h"
#include "config/guarded.h"
#include "daemon/guard/awaited.h"
#include "daemon/instance/asked.h"
#include "daemon/instance/views.h"

namespace pfild {
namespace {

void log(const core::Result<void>& result) {
    if (!result) {
        spdlog::error("{}", result.error().line());
    }
}

} // namespace

interfaces::Events Wanted::events() {
    return {.seen = [this](const std::string& name) { look_again(name); },
            .gone =
                [this](const std::string& name) {
                    log(transaction_.gone(name));
                    orchestrator_.expect_more(transaction_.expects_more());
                },
            .renamed =
                [this](const std::map<std::string, std::string>& names) {
                    log(transaction_.renamed(names));
                    for (const auto& [before, now] : names) {
                        came_.insert(now); // patterns may mean it now
                    }
                }};
}

void Wanted::every_second() {
    look_at_trial();
    tell_who_is_cut();
    if (!transaction_.waited_for().empty()) {
        look_again(std::nullopt);
    }
}

void Wanted::tell_start(std::string from, config::Settings runs_with) {
    seen_.started_from = std::move(from);
    runs_with_ = std::move(runs_with);
    orchestrator_.expect_more(transaction_.expects_more());
}

void Wanted::look_again(const std::optional<std::string>& seen) {
    const std::vector<config::Interface> guarded = transaction_.guarded().interfaces;
    failed_looks_.log("interfaces that are waited for", transaction_.look_again(seen));
    for (const config::Interface& one : transaction_.guarded().interfaces) {
        if (config::find_interface({.interfaces = guarded}, one.name) == nullptr) {
            came_.insert(one.name);
        }
    }
    orchestrator_.expect_more(transaction_.expects_more());
    std::map<std::string, std::string> now;
    for (const auto& [name, why] : transaction_.waited_for()) {
        if (!why.empty()) {
            now.emplace(name, why);
        }
        if (const auto before = said_.find(name); !why.empty() && (before == said_.end() || before->second != why)) {
            spdlog::error("{}", why); // once, not each second
        }
    }
    said_ = std::move(now);
}

core::Result<void> Wanted::ask_guard(const config::Model& next) {
    if (asker_.force) {
        return {};
    }
    const config::Model& now = transaction_.model();
    guard::Prospect prospect = orchestrator_.prospect();
    if (!transaction_.waited_for().empty() || next.interfaces != now.interfaces) {
        std::set<std::uint32_t> attached;
        for (const auto& [ifindex, place] : prospect.interfaces) {
            attached.insert(ifindex);
        }
        prospect.awaited = guard::awaited(now, next, orchestrator_.host_interfaces(rules::Look::kAsKnown), attached);
    }
    auto checked = guard_.check({asker_.peer.pid, asker_.pidfd}, now.settings.guard_ports, prospect);
    if (!checked) {
        return core::fail(std::move(checked.error()));
    }
    remark_ = checked->value_or("");
    if (!remark_.empty()) {
        spdlog::info("{}", remark_);
    }
    return {};
}

void Wanted::tell_who_is_cut() {
    const std::set<std::string> came = std::exchange(came_, {});
    if (came.empty()) {
        return;
    }
    guard::Prospect prospect = orchestrator_.prospect();
    std::erase_if(prospect.interfaces, [&](const auto& one) { return !came.contains(one.second.name); });
    for (auto& [ifindex, place] : prospect.interfaces) {
        place.now.reset();
    }
    const auto checked = guard_.check({}, transaction_.model().settings.guard_ports, prospect);
    if (!checked) {
        spdlog::warn("an interface that has come by itself is guarded, as was asked for, and that cuts {}: {}",
                     checked.error().object, checked.error().why);
    }
}

core::Result<control::ChangedView> Wanted::change(const config::Model& next, rules::Transaction::How how) {
    // A model on trial takes itself back, and the one before it was there already.
    if (!how.trial && !how.ends_trial) {
        how.allowed = [this, &next] { return ask_guard(next); };
    }
    const bool is_safer = how.unrecorded == rules::Unrecorded::kGoesOn;
    if (transaction_.trial() && !is_safer) {
        return core::fail({"change", "", "the model in force waits for its confirmation",
                           "`bpfctl config confirm` or `bpfctl config rollback` first", EBUSY});
    }
    const auto outcome = transaction_.change(next, how);
    if (!outcome) {
        return core::fail(outcome.error());
    }
    orchestrator_.expect_more(transaction_.expects_more());
    unrecorded_ = outcome->recorded ? std::nullopt : std::optional(outcome->because);
    const config::Settings& fresh = transaction_.model().settings;
    if (on_settings_) {
        on_settings_(fresh);
    }
    control::ChangedView view{.changes = {}, .needs_restart = config::needs_restart(runs_with_, fresh)};
    for (const config::Action& action : outcome->change) {
        if (auto line = config::line_of(action)) {
            view.changes.push_back(std::move(*line));
        }
    }
    return view;
}

core::Result<control::ChangedView> Wanted::reload() {
    constexpr const char* kWhat = "reload";
    constexpr const char* kOldStays = "the old configuration stays in force";
    if (seen_.file.empty()) {
        return core::fail({kWhat, "", "there is no configuration file", "start pfild with --config", ENOENT});
    }
    const auto files = read_files_();
    if (!files) {
        std::string mistakes;
        for (const config::FileMistake& mistake : files.error()) {
            mistakes += (mistakes.empty() ? "" : "; ") + mistake.text();
        }
        return core::fail({kWhat, "", std::move(mistakes), kOldStays, EINVAL});
    }
    auto changed = change(config::with_others(files->model, transaction_.model()),
                          {.without_xdp = rules::WithoutXdp::kUsesTc, .files = files->digest});
    if (!changed) {
        changed.error().advice += (changed.error().advice.empty() ? "" : "; ") + std::string(kOldStays);
        return changed;
    }
    for (const std::string& line : changed->changes) {
        spdlog::info("reload: {}", line);
    }
    for (const std::string& line : changed->needs_restart) {
        spdlog::warn("reload: {}", line);
    }
    spdlog::info("reload: {} read again, {} changes made", seen_.file, changed->changes.size());
    return changed;
}

std::string Wanted::resolve(std::string_view name) {
    std::string same(name);
    if (config::common_head(name) || config::is_pattern(name) ||
        config::find_interface(transaction_.model(), name) != nullptr) {
        return same;
    }
    const std::vector<config::HostInterface> host_interfaces = orchestrator_.host_interfaces(rules::Look::kAnew);
    const config::HostInterface* const host_interface = config::find_host_interface(host_interfaces, name);
    if (host_interface == nullptr) {
        return same;
    }
    const config::Interface* const item = config::item_of(transaction_.model(), *host_interface);
    return item == nullptr || config::is_pattern(item->name) ? host_interface->name : item->name;
}

// One that is waited for, or left alone, is wanted from now on as is asked for here.
core::Result<control::InterfaceView> Wanted::attach(const control::AttachRequest& request) {
    config::Interface item = interface_of(request);
    item.name = resolve(request.interface);
    config::Model next = transaction_.model();
    const config::Interface* const before = config::find_interface(next, item.name);
    if (before != nullptr && (!before->wanted || transaction_.waited_for().contains(item.name))) {
        std::replace_if(
            next.interfaces.begin(), next.interfaces.end(),
            [&](const config::Interface& one) { return one.name == item.name; }, item);
        return change(next).and_then([&] { return attached(item); });
    }
    return config::add_interface(next, item).and_then([&] { return change(next); }).and_then([&] {
        return attached(item);
    });
}

core::Result<control::InterfaceView> Wanted::attached(const config::Interface& item) {
    const std::vector<config::Interface>& guarded = transaction_.guarded().interfaces;
    const auto here = std::find_if(guarded.begin(), guarded.end(), [&](const config::Interface& one) {
        return transaction_.item_of(one.name) == item.name;
    });
    if (here == guarded.end() && !config::is_pattern(item.name)) {
        const auto why = transaction_.waited_for().find(item.name);
        const bool is_known = why != transaction_.waited_for().end() && !why->second.empty();
        return core::fail(
            {"attach", item.name, is_known ? why->second : "there is no such interface", "it is waited for", ENODEV});
    }
    control::InterfaceView view;
    if (config::is_pattern(item.name)) {
        view.name = item.name;
        view.unknown = item.unknown;
        view.silent = item.silent;
        view.mode_wanted = item.mode;
        view.mode = core::kHeadModeNames.at(static_cast<std::size_t>(item.mode));
        view.position = item.position;
    } else {
        view = orchestrator_.interface(here->name);
    }
    view.wanted_by = item.name;
    return view;
}

// What else means the interface shall not have it again.
core::Result<void> Wanted::detach(std::string_view interface) {
    config::Model next = transaction_.model();
    rules::Transaction::How how{.unrecorded = rules::Unrecorded::kGoesOn, .trial = transaction_.trial()};
    if (how.trial) { // it stays away also after the trial
        (void)take_off(how.trial->before, interface);
    }
    return take_off(next, interface).and_then([&] { return change(next, how); }).map([](const auto&) {});
}

core::Result<void> Wanted::take_off(config::Model& next, std::string_view interface) {
    std::string item = resolve(interface);
    const std::vector<config::HostInterface> host_interfaces = orchestrator_.host_interfaces(rules::Look::kAnew);
    const config::HostInterface* const host_interface =
        config::is_pattern(item) ? nullptr : config::find_host_interface(host_interfaces, item);
    const config::Interface* wanted = config::find_interface(next, item);
    const config::Interface* const meant = host_interface == nullptr ? nullptr : config::item_of(next, *host_interface);
    const bool is_attached = (wanted != nullptr && wanted->wanted) || (wanted == nullptr && meant != nullptr);
    if (!is_attached) {
        return core::fail(
            {"detach", std::string(interface), "it is not attached", "`bpfctl status` lists what is", ENODEV});
    }
    (void)config::remove_interface(next, item);
    for (wanted = host_interface == nullptr ? nullptr : config::item_of(next, *host_interface);
         wanted != nullptr && wanted->wanted; wanted = config::item_of(next, *host_interface)) {
        if (config::is_pattern(wanted->name)) {
            config::leave_alone(next, host_interface->name, config::Owner::kBpfctl);
        } else {
            (void)config::remove_interface(next, std::string(wanted->name));
        }
    }
    config::forget_left_alone(next);
    return {};
}

core::Result<control::HookView> Wanted::hook_add(const control::HookAddRequest& request) {
    config::Model next = transaction_.model();
    return check_program(request, asker_.force)
        .and_then([&] { return config::add_hook(next, hook_of(request, asker_.force)); })
        .and_then([&] { return change(next); })
        .map([&] { return hook_seen(seen_, request.name); });
}

core::Result<control::HookView> Wanted::hook_replace(const control::HookAddRequest& request) {
    config::Model next = transaction_.model();
    config::Hook fresh = hook_of(request, asker_.force);
    if (const config::Hook* const before = config::find_hook(next, request.name)) {
        fresh.enabled = before->enabled;
    }
    return check_program(request, asker_.force)
        .and_then([&] { return config::replace_hook(next, std::move(fresh)); })
        .and_then([&] { return change(next); })
        .map([&] { return hook_seen(seen_, request.name); });
}

core::Result<control::HookView> Wanted::hook_enable(std::string_view name, bool enabled) {
    config::Model next = transaction_.model();
    return config::enable_hook(next, name, enabled, config::Owner::kBpfctl)
        .and_then([&] { return change(next); })
        .map([&] { return hook_seen(seen_, std::string(name)); });
}

core::Result<void> Wanted::hook_delete(std::string_view name) {
    config::Model next = transaction_.model();
    return config::remove_hook(next, name).and_then([&] { return change(next); });
}

core::Result<control::HeadView> Wanted::link(const core::LinkRequest& request) {
    config::Model next = transaction_.model();
    const std::string at = resolve(request.head);
    config::Link item = link_of(request);
    item.head = at;
    return config::link(next, std::move(item)).and_then([&] { return change(next); }).map([&] {
        return head_seen(seen_, at);
    });
}

core::Result<control::HeadView> Wanted::unlink(const core::LinkRequest& request) {
    config::Model next = transaction_.model();
    const std::string at = resolve(request.head);
    return config::unlink(next, request.hook, at, request.directions).and_then([&] { return change(next); }).map([&] {
        return head_seen(seen_, at);
    });
}

core::Result<void> Wanted::panic(bool on) {
    config::Model next = transaction_.model();
    next.panic = on;
    asker_.force = true; // to cut connections is what it is for
    rules::Transaction::How how{.unrecorded = rules::Unrecorded::kGoesOn, .promises = rules::Promises::kTried};
    how.trial = transaction_.trial();
    if (how.trial) {
        how.trial->before.panic = on; // it outlives a trial
    }
    return change(next, how).map([on](const control::ChangedView&) {
        spdlog::warn("panic is {}", on ? "on: all packets of attached interfaces are dropped" : "over");
    });
}

} // namespace pfild
