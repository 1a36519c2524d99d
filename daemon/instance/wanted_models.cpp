// SPDX-License-Identifier: BSD-2-Clause
// The verbs that have to do with whole models, or with many changes at once. See daemon/instance/wanted.h.
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "config/described.h"
#include "config/edit.h"
#include "daemon/instance/asked.h"
#include "daemon/instance/wanted.h"
#include "daemon/sys/boot.h"

namespace pfild {
namespace {

constexpr std::uint64_t kNsPerS = 1'000'000'000;

core::Error no_trial(const char* what) {
    return {what, "", "no model waits for its confirmation", "`bpfctl config apply FILE --confirm SECONDS` begins that",
            ENOENT};
}

} // namespace

core::Result<control::ChangedView> Wanted::config_apply(const control::ApplyRequest& request) {
    rules::Transaction::How how;
    if (request.confirm_s) {
        how.trial = rules::Trial{.ends_ns = sys::since_boot_ns() + *request.confirm_s * kNsPerS,
                                 .files = transaction_.files(),
                                 .before = transaction_.model()};
    }
    const config::Model& asked = request.model;
    auto changed = config::checked(request.whole ? asked : config::with_applied(asked, transaction_.model()))
                       .and_then([&](const config::Model& next) { return change(next, how); });
    if (changed && request.confirm_s) {
        changed->confirm_within_s = request.confirm_s;
        applied_by_ = asker_.peer.connection;
        on_trial_(*request.confirm_s * kNsPerS);
    }
    return changed;
}

core::Result<void> Wanted::config_confirm() {
    constexpr const char* kWhat = "confirm";
    unrecorded_.reset();
    if (!transaction_.trial()) {
        return core::fail(no_trial(kWhat));
    }
    if (asker_.peer.connection == applied_by_ && applied_by_ != 0) {
        return core::fail({kWhat, "", "this connection has applied the model",
                           "make a new one: that shows that the daemon can still be reached", EPERM});
    }
    return transaction_.end_trial();
}

core::Result<control::ChangedView> Wanted::config_rollback() {
    return transaction_.trial() ? roll_back() : core::fail(no_trial("rollback"));
}

core::Result<control::ChangedView> Wanted::roll_back() {
    const rules::Trial trial = *transaction_.trial();
    return change(trial.before, {.unrecorded = rules::Unrecorded::kGoesOn,
                                 .promises = rules::Promises::kTried,
                                 .without_xdp = rules::WithoutXdp::kUsesTc,
                                 .files = trial.files,
                                 .trial = std::nullopt,
                                 .ends_trial = true});
}

void Wanted::look_at_trial() {
    if (!transaction_.trial() || sys::since_boot_ns() < transaction_.trial()->ends_ns) {
        return;
    }
    const auto back = roll_back();
    std::string why = back ? "" : back.error().line();
    if (back) {
        spdlog::warn("the model was not confirmed in time: the one before is in force again, {} changes made",
                     back->changes.size());
    } else if (trial_said_ != why) { // once, not each second
        spdlog::error("the model was not confirmed in time, and stays: {}", why);
    }
    trial_said_ = std::move(why);
}

core::Result<void> Wanted::edit(config::Model& model, const control::BatchStep& step) {
    const int asked = int{step.attach.has_value()} + int{step.detach.has_value()} + int{step.hook_add.has_value()} +
                      int{step.hook_delete.has_value()} + int{step.link.has_value()} + int{step.unlink.has_value()};
    if (asked != 1) {
        return core::fail({"batch", "", "it is not exactly one change", "", EINVAL});
    }
    if (step.attach) {
        const config::Settings& settings = transaction_.model().settings;
        return config::add_interface(model, {.name = resolve(step.attach->interface),
                                             .unknown = step.attach->unknown.value_or(settings.unknown),
                                             .silent = step.attach->silent.value_or(settings.silent),
                                             .mode = step.attach->mode.value_or(settings.mode),
                                             .position = step.attach->position.value_or(settings.position),
                                             .strict = step.attach->strict.value_or(settings.strict),
                                             .owner = config::Owner::kBpfctl});
    }
    if (step.detach) {
        return take_off(model, step.detach->interface);
    }
    if (step.hook_add) {
        return check_program(*step.hook_add, asker_.force).and_then([&] {
            return config::add_hook(model, hook_of(*step.hook_add, asker_.force));
        });
    }
    if (step.hook_delete) {
        return config::remove_hook(model, step.hook_delete->name);
    }
    if (step.link) {
        config::Link item = link_of(*step.link);
        item.head = resolve(step.link->head);
        return config::link(model, std::move(item));
    }
    return config::unlink(model, step.unlink->hook, resolve(step.unlink->head), step.unlink->directions);
}

core::Result<control::ChangedView> Wanted::batch(const control::BatchRequest& request) {
    config::Model next = transaction_.model();
    std::size_t number = 0;
    for (const control::BatchStep& step : request.steps) {
        number++;
        if (auto done = edit(next, step); !done) {
            return core::fail({"batch", std::to_string(number), done.error().line(), "", done.error().code});
        }
    }
    return config::checked(std::move(next)).and_then([&](const config::Model& whole) {
        return change(whole, rules::Transaction::How());
    });
}

} // namespace pfild
