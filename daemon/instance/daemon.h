// SPDX-License-Identifier: BSD-2-Clause
// A running instance, from its files to READY and back.
//
//     rights -> namespace -> lock -> which model to begin with -> orchestrator -> control socket -> that model in force
//
// Control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/source.h"
#include "daemon/api/dispatcher.h"
#include "daemon/api/server.h"
#include "daemon/instance/orchestrator.h"
#include "daemon/instance/wanted.h"
#include "daemon/rules/confirmed.h"
#include "daemon/rules/file_store.h"
#include "daemon/rules/start.h"
#include "daemon/rules/transaction.h"
#include "daemon/sys/instance.h"
#include "daemon/sys/loop.h"

namespace pfild {

struct DaemonOptions {
    std::string config; ///< a file; empty: every key has its default
    std::string netns;  ///< empty: that of the process
    std::string name = "default";
    bool no_cache = false;                     ///< no flow is known
    std::optional<config::LogLevel> log_level; ///< stronger than the configuration's
};

void set_log_level(config::LogLevel level);

/// A line each, on stderr.
void report(const std::vector<config::FileMistake>& mistakes);

/// A daemon at work. Members go in reverse order: first nobody can ask any more, then what is attached is detached.
class Daemon {
  public:
    Daemon(DaemonOptions options, config::FileResult<config::Source> files)
        : options_(std::move(options)), files_(std::move(files)) {}

    [[nodiscard]] core::Result<void> start();
    /// Files are bad, and there is no model to begin with instead.
    [[nodiscard]] bool has_nothing_to_begin_with() const { return has_nothing_; }

    /// Until a signal ends it. => start() has succeeded.
    [[nodiscard]] core::Result<void> run();
    /// in_order: nothing is to go on after this; else the running model stays for the next start.
    void stop(bool in_order) noexcept;

  private:
    [[nodiscard]] core::Result<void> enter() const;
    /// With which model to begin. Where it is kept is known only of files that are good; else it is where it is by
    /// default.
    [[nodiscard]] core::Result<void> choose();
    /// What a killed daemon of this boot has left.
    [[nodiscard]] std::optional<rules::KeptModel> running_model() const;
    [[nodiscard]] core::Result<void> begin();
    [[nodiscard]] core::Result<void> furnish();
    /// As far as it can be had: better a part of the rules than none.
    void take_over(const rules::KeptModel& kept);
    [[nodiscard]] core::Result<void> serve();
    /// Those whom the model in force knows, and no others.
    void admit_peers();
    void on_signal(int signal);
    /// Those settings that need no restart.
    void follow(const config::Settings& fresh);
    /// The second's own look at it would be late by as much.
    void end_trial_after(std::uint64_t ns);
    /// What is in force and confirmed, for the next boot.
    void keep();
    [[nodiscard]] std::string status() const { return "guards instance " + options_.name; }

    DaemonOptions options_;
    config::FileResult<config::Source> files_; ///< as they were when the daemon started
    rules::Plan plan_;
    config::Settings settings_; ///< with which the daemon runs
    std::string boot_;
    bool has_nothing_ = false;
    bool left_behind_ = false; ///< the last daemon of this boot was killed
    bool begun_ = false;       ///< a model is in force
    config::Model kept_;       ///< for the next boot
    std::string kept_files_;
    std::set<std::string> refused_interfaces_; ///< that could not be taken over
    std::optional<sys::Instance> instance_;
    std::unique_ptr<rules::FileStore> store_;
    std::unique_ptr<rules::Confirmed> confirmed_;
    std::unique_ptr<sys::Loop> loop_;
    sys::Registration signals_;
    sys::Registration trial_ends_;
    std::unique_ptr<Orchestrator> orchestrator_;
    std::unique_ptr<rules::Transaction> transaction_;
    std::unique_ptr<Wanted> wanted_;
    std::unique_ptr<api::Dispatcher> dispatcher_;
    std::unique_ptr<api::Server> server_;
};

} // namespace pfild
