// SPDX-License-Identifier: BSD-2-Clause
// The verbs of the control socket that change something: each is an edit of the model, put in force by a transaction.
// And what happens to interfaces by itself.
//
// Control thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"
#include "config/source.h"
#include "control/service.h"
#include "daemon/guard/guard.h"
#include "daemon/guard/kernel_host.h"
#include "daemon/instance/looks.h"
#include "daemon/instance/orchestrator.h"
#include "daemon/rules/transaction.h"
#include "daemon/sys/repeats.h"

namespace pfild {

class Wanted final : public control::Service {
  public:
    /// => both outlive it.
    Wanted(Orchestrator& orchestrator, rules::Transaction& transaction)
        : orchestrator_(orchestrator), transaction_(transaction), seen_{orchestrator, transaction} {}

    /// For Orchestrator::tell().
    [[nodiscard]] interfaces::Events events();
    /// To be called each second.
    void every_second();
    /// Reads the files, as they are now.
    using ReadFiles = std::function<config::FileResult<config::Source>()>;
    /// For reload(); without it there are none.
    void set_files(std::string name, ReadFiles read) {
        seen_.file = std::move(name);
        read_files_ = std::move(read);
    }
    /// Told how long a model is on trial, when that begins.
    void on_trial(std::function<void(std::uint64_t ns)> told) { on_trial_ = std::move(told); }
    /// A model that was not confirmed in time gives way to the one before.
    void look_at_trial();
    /// Told of settings that are wanted from now on.
    void on_settings(std::function<void(const config::Settings& fresh)> told) { on_settings_ = std::move(told); }
    /// How this daemon has begun, for `status`; the settings that a restart only can change.
    void tell_start(std::string from, config::Settings runs_with);

    [[nodiscard]] core::Result<describe::Value> look(std::string_view verb, const describe::Value& arguments) override {
        return control::look_at(looks(), seen_, verb, arguments);
    }
    [[nodiscard]] core::Result<control::InterfaceView> attach(const control::AttachRequest& request) override;
    [[nodiscard]] core::Result<void> detach(std::string_view interface) override;
    [[nodiscard]] core::Result<control::HookView> hook_add(const control::HookAddRequest& request) override;
    [[nodiscard]] core::Result<control::HookView> hook_replace(const control::HookAddRequest& request) override;
    [[nodiscard]] core::Result<control::HookView> hook_enable(std::string_view name, bool enabled) override;
    [[nodiscard]] core::Result<void> hook_delete(std::string_view name) override;
    [[nodiscard]] core::Result<control::HeadView> link(const core::LinkRequest& request) override;
    [[nodiscard]] core::Result<control::HeadView> unlink(const core::LinkRequest& request) override;
    [[nodiscard]] core::Result<void> panic(bool on) override;
    [[nodiscard]] core::Result<std::uint64_t> flows_flush() override {
        unrecorded_.reset(); // flows are never recorded
        return orchestrator_.flows_flush();
    }
    [[nodiscard]] core::Result<control::SysctlView> sysctl_set(const control::SysctlSetRequest& request) override {
        unrecorded_.reset(); // such settings never are
        return orchestrator_.sysctl_set(request, asker_.peer);
    }
    [[nodiscard]] core::Result<control::ChangedView> reload() override;
    [[nodiscard]] core::Result<control::ChangedView> config_apply(const control::ApplyRequest& request) override;
    [[nodiscard]] core::Result<void> config_confirm() override;
    [[nodiscard]] core::Result<control::ChangedView> config_rollback() override;
    [[nodiscard]] core::Result<control::ChangedView> batch(const control::BatchRequest& request) override;
    [[nodiscard]] std::optional<std::string> unrecorded() const override { return unrecorded_; }
    [[nodiscard]] control::Deeds& deeds() override { return deeds_; }
    void asked_by(const control::Asker& asker) override {
        asker_ = asker;
        seen_.asker = asker.peer;
        remark_.clear();
    }
    [[nodiscard]] std::string remark() const override { return remark_; }

  private:
    [[nodiscard]] core::Result<void> change(const config::Model& next,
                                            rules::Unrecorded unrecorded = rules::Unrecorded::kRefused) {
        return change(next, {.unrecorded = unrecorded}).map([](const control::ChangedView&) {});
    }
    [[nodiscard]] core::Result<control::ChangedView> change(const config::Model& next, rules::Transaction::How how);

    /// The item that a name stands for: its own, or that by which the interface of that name is wanted; else what the
    /// kernel calls that interface.
    [[nodiscard]] std::string resolve(std::string_view name);
    [[nodiscard]] core::Result<control::InterfaceView> attached(const config::Interface& item);
    void look_again(const std::optional<std::string>& seen);
    /// Refuses what would cut the connection of whoever asks. If nobody asks, or from nowhere, those by which anybody
    /// administers the host.
    [[nodiscard]] core::Result<void> ask_guard(const config::Model& next);
    /// Whom interfaces cut that have come by themselves: nobody has asked for it, and nobody is told but by the log.
    void tell_who_is_cut();
    /// An item of the model as a verb means it.
    [[nodiscard]] core::Result<void> take_off(config::Model& model, std::string_view interface);
    [[nodiscard]] core::Result<void> edit(config::Model& model, const control::BatchStep& step);
    [[nodiscard]] core::Result<control::ChangedView> roll_back();

    Orchestrator& orchestrator_;
    rules::Transaction& transaction_;
    guard::KernelHost host_;
    guard::Guard guard_{host_};
    control::Asker asker_;
    std::string remark_;
    Seen seen_;
    ReadFiles read_files_;
    std::function<void(const config::Settings& fresh)> on_settings_;
    config::Settings runs_with_;
    control::Deeds deeds_;
    std::function<void(std::uint64_t ns)> on_trial_;
    std::uint64_t applied_by_ = 0;            ///< the connection that asked for the model on trial
    std::string trial_said_;                  ///< why a trial cannot be ended
    std::optional<std::string> unrecorded_;   ///< of the last change
    std::set<std::string> came_;              ///< attached or renamed with nobody asking, and not yet looked at
    std::map<std::string, std::string> said_; ///< of interfaces that cannot be attached, why
    sys::Repeats failed_looks_;
};

} // namespace pfild
