// SPDX-License-Identifier: BSD-2-Clause
// See daemon/orchestrator/wanted.h.
#include "daemon/orchestrator/wanted.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "config/described.h"
#include "config/edit.h"

namespace pfild {
namespace {

void log(const core::Result<void>& result) {
    if (!result) {
        spdlog::error("{}", result.error().line());
    }
}

core::Result<void> check_link_type(const api::HookAddRequest& request) {
    const core::HeadType type = request.type;
    if (request.dlt == static_cast<std::uint32_t>(core::dlt(type))) {
        return {};
    }
    return core::fail({"add hook", request.name,
                       fmt::format("the program was compiled for link type {}, heads of type {} show {} ({})",
                                   request.dlt, core::name(type), core::dlt(type), core::dlt_name(type)),
                       "compile it for that type", EINVAL});
}

} // namespace

InterfaceEvents Wanted::events() {
    const auto look_again = [this](const std::string& name) {
        auto attached = transaction_.appeared(name);
        const std::string why = attached ? "" : attached.error().line();
        if (std::string& said = said_[name]; said != why) { // once, not each second
            said = why;
            log(attached);
        }
    };
    return {.appeared = look_again,
            .gone = [this](const std::string& name) { log(transaction_.gone(name)); },
            .renamed = [this](const std::map<std::string, std::string>& names) { log(transaction_.renamed(names)); },
            .every_second =
                [this, look_again] {
                    for (const std::string& name : std::set<std::string>(transaction_.waited_for())) {
                        look_again(name);
                    }
                }};
}

core::Result<control::ChangedView> Wanted::change(const config::Model& next, const rules::Transaction::How& how) {
    const auto outcome = transaction_.change(next, how);
    if (!outcome) {
        return core::fail(outcome.error());
    }
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
    if (file_.empty()) {
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
    spdlog::info("reload: {} read again, {} changes made", file_, changed->changes.size());
    return changed;
}

core::Result<api::StatusView> Wanted::status() {
    api::StatusView view = orchestrator_.status();
    view.waited_for.assign(transaction_.waited_for().begin(), transaction_.waited_for().end());
    view.started_from = started_from_;
    view.files = transaction_.files();
    view.model = config::digest_of(transaction_.model());
    return view;
}

core::Result<api::InterfaceView> Wanted::attach(const api::AttachRequest& request) {
    const config::Interface interface {
        .name = request.interface, .unknown = request.unknown, .mode = request.mode, .position = request.position,
        .owner = config::Owner::kBpfctl
    };
    config::Model next = transaction_.model();
    if (transaction_.waited_for().contains(request.interface)) { // as it is wanted from now on, and now
        std::replace_if(
            next.interfaces.begin(), next.interfaces.end(),
            [&](const config::Interface& one) { return one.name == interface.name; }, interface);
        return change(next).and_then([&] { return transaction_.appeared(interface.name); }).and_then([&] {
            return attached(interface.name);
        });
    }
    return config::add_interface(next, interface).and_then([&] { return change(next); }).and_then([&] {
        return attached(interface.name);
    });
}

core::Result<api::InterfaceView> Wanted::attached(const std::string& interface) const {
    if (transaction_.waited_for().contains(interface)) {
        return core::fail({"attach", interface, "there is no such interface", "it is waited for", ENODEV});
    }
    return orchestrator_.interface(interface);
}

core::Result<void> Wanted::detach(std::string_view interface) {
    config::Model next = transaction_.model();
    return config::remove_interface(next, interface).and_then([&] { return change(next, rules::Unrecorded::kGoesOn); });
}

core::Result<api::HookView> Wanted::hook_add(const api::HookAddRequest& request) {
    config::Model next = transaction_.model();
    return check_link_type(request)
        .and_then([&] {
            return config::add_hook(next, {.name = request.name,
                                           .type = request.type,
                                           .on_match = request.on_match,
                                           .filter = request.filter,
                                           .program = request.program,
                                           .run = request.run,
                                           .compiled = request.compiled,
                                           .owner = config::Owner::kBpfctl});
        })
        .and_then([&] { return change(next); })
        .map([&] { return orchestrator_.hook(request.name); });
}

core::Result<void> Wanted::hook_delete(std::string_view name) {
    config::Model next = transaction_.model();
    return config::remove_hook(next, name).and_then([&] { return change(next); });
}

core::Result<api::HeadView> Wanted::link(const core::LinkRequest& request) {
    config::Model next = transaction_.model();
    return config::link(next, {.hook = request.hook,
                               .head = request.head,
                               .directions = request.directions,
                               .append = request.append,
                               .owner = config::Owner::kBpfctl})
        .and_then([&] { return change(next); })
        .map([&] { return orchestrator_.head(request.head); });
}

core::Result<api::HeadView> Wanted::unlink(const core::LinkRequest& request) {
    config::Model next = transaction_.model();
    return config::unlink(next, request.hook, request.head, request.directions)
        .and_then([&] { return change(next); })
        .map([&] { return orchestrator_.head(request.head); });
}

} // namespace pfild
