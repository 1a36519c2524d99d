// SPDX-License-Identifier: BSD-2-Clause
// pfild, the daemon: from the command line to a running instance and back.
//
//     files -> rights -> namespace -> lock -> which model to begin with -> orchestrator -> control socket ->
//     that model in force -> READY
//
// What fails on the way ends the start: one line on stderr, exit 1 (2 for the command line, and for files that are bad
// when there is no model to begin with instead), and everything that had begun is taken back by its owner. SIGTERM and
// SIGINT end the loop, SIGHUP re-reads the files.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "config/edit.h"
#include "daemon/api/dispatcher.h"
#include "daemon/api/server.h"
#include "daemon/orchestrator.h"
#include "daemon/orchestrator/rescue.h"
#include "daemon/orchestrator/wanted.h"
#include "daemon/rules/confirmed.h"
#include "daemon/rules/file_store.h"
#include "daemon/rules/start.h"
#include "daemon/rules/transaction.h"
#include "daemon/sys/boot.h"
#include "daemon/sys/capabilities.h"
#include "daemon/sys/instance.h"
#include "daemon/sys/kernel.h"
#include "daemon/sys/local_socket.h"
#include "daemon/sys/log.h"
#include "daemon/sys/loop.h"
#include "daemon/sys/netns.h"
#include "daemon/sys/supervisor.h"
#include "disk/source_files.h"

namespace {

using namespace pfild;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

struct Options {
    std::string config;
    bool check = false;
    std::string netns;
    std::string name = "default";
    bool no_cache = false;
    bool rescue = false;
    std::string rescued_interface;
    bool named = false;
    bool force = false;
    std::optional<config::LogLevel> log_level; ///< stronger than the configuration's
};

void set_log_level(config::LogLevel level) {
    constexpr std::array kLevels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                 spdlog::level::err};
    static_assert(kLevels.size() == config::kLogLevelNames.size());
    spdlog::set_level(kLevels.at(static_cast<std::size_t>(level)));
}

int report(const std::vector<config::FileMistake>& mistakes) {
    for (const config::FileMistake& mistake : mistakes) {
        std::cerr << mistake.text() << '\n';
    }
    return kExitUsage;
}

control::AttachDefaults attach_defaults(const config::Settings& settings) {
    return {.unknown = settings.unknown, .mode = settings.mode, .position = settings.position};
}

core::Result<void> log_refused(core::Result<void> result) {
    if (!result) {
        spdlog::error("{}", result.error().line());
    }
    return result;
}

std::vector<control::Grant> grants_of(const config::Model& model) {
    std::vector<control::Grant> grants;
    for (const config::Peer& peer : model.peers) {
        grants.push_back({peer.uid, peer.verbs});
    }
    return grants;
}

OrchestratorOptions options_of(const Options& options, const config::Settings& settings, const std::string& folder) {
    constexpr std::uint64_t kNsPerS = 1'000'000'000;
    return {.instance = options.name,
            .frames = settings.frames,
            .flows = options.no_cache ? 0 : settings.flows,
            .flow_timeouts = {.tcp_ns = settings.flow_tcp_idle_s * kNsPerS, .other_ns = settings.flow_idle_s * kNsPerS},
            .capture_bytes = settings.capture_ring_kib * 1024U,
            .capture_buffer_bytes = settings.capture_buffer_kib * 1024U,
            .devices = settings.devices,
            .device_socket = folder + "/bpf.sock",
            .odd_packets = {settings.extension_headers, settings.fragments},
            .tcx_wanted = settings.tc_attach == config::TcAttach::kAutomatic};
}

/// A daemon at work. Members go in reverse order: first nobody can ask any more, then what is attached is detached.
class Daemon {
  public:
    Daemon(Options options, config::FileResult<config::Source> files)
        : options_(std::move(options)), files_(std::move(files)) {}

    [[nodiscard]] core::Result<void> start() {
        auto ready = sys::require_kernel().and_then(sys::require_capabilities);
        if (!ready) {
            return ready;
        }
        sys::raise_memlock_limit();
        return enter()
            .and_then([this] { return choose(); })
            .and_then([this] { return begin(); })
            .and_then([this] { return serve(); })
            .and_then([this] { return furnish(); });
    }

    /// Files are bad, and there is no model to begin with instead.
    [[nodiscard]] bool has_nothing_to_begin_with() const { return has_nothing_; }

    /// Until a signal ends it. => start() has succeeded.
    [[nodiscard]] core::Result<void> run() {
        spdlog::info("pfild {} guards instance '{}'", PFILD_VERSION, options_.name);
        sys::notify_ready(status());
        return loop_->run();
    }

    /// in_order: nothing is to go on after this; else the running model stays for the next start.
    void stop(bool in_order) noexcept {
        server_.reset();
        const bool for_good = instance_ && (in_order || (!begun_ && !left_behind_));
        if (orchestrator_) {
            orchestrator_->stop(for_good);
        }
        if (confirmed_) {
            confirmed_->flush();
        }
        if (for_good) {
            if (in_order && confirmed_) {
                confirmed_->set_stopped_in(boot_);
            }
            store_->remove();
            instance_->remove();
        }
    }

  private:
    [[nodiscard]] core::Result<void> enter() const {
        if (options_.netns.empty()) {
            return {};
        }
        return sys::NetNs::open(options_.netns).and_then([](const sys::NetNs& target) {
            return sys::enter_netns(target);
        });
    }

    /// With which model to begin. Where it is kept is known only of files that are good; else it is where it is by
    /// default.
    [[nodiscard]] core::Result<void> choose() {
        const config::Settings where = files_ ? files_->model.settings : config::Settings();
        auto instance = sys::Instance::take(where.runtime_dir, options_.name);
        if (!instance) {
            return core::fail(std::move(instance.error()));
        }
        instance_.emplace(std::move(*instance));
        boot_ = sys::boot_id();
        store_ = std::make_unique<rules::FileStore>(instance_->folder());
        confirmed_ = std::make_unique<rules::Confirmed>(where.state_dir, options_.name);
        rules::Found found{.running = running_model(),
                           .files = disk::with_compiled(files_, confirmed_->compiled_path()),
                           .confirmed = confirmed_->read(),
                           .stopped = confirmed_->stopped_in(boot_)};
        left_behind_ = found.running.has_value();
        if (!found.files) {
            (void)report(found.files.error());
        }
        auto plan = rules::plan_start(std::move(found));
        if (!plan) {
            has_nothing_ = true;
            return core::fail({"start", options_.name, "the files are bad, and there is no model to begin with instead",
                               "mend them", EINVAL});
        }
        plan_ = std::move(*plan);
        settings_ = plan_.then ? plan_.then->settings : plan_.take_over->model.settings;
        set_log_level(options_.log_level.value_or(settings_.log_level));
        return {};
    }

    /// What a killed daemon of this boot has left.
    [[nodiscard]] std::optional<rules::Record> running_model() const {
        const auto text = store_->read();
        if (!text) {
            return std::nullopt;
        }
        auto record = rules::record_of(*text);
        if (!record) {
            spdlog::error("the running model cannot be read: {}", record.error().line());
            return std::nullopt;
        }
        if (record->boot != boot_) {
            return std::nullopt;
        }
        if (record->trial && record->trial->ends_ns <= sys::since_boot_ns()) {
            spdlog::warn("the running model was not confirmed in time: the daemon begins with the one before");
            record->model = std::move(record->trial->before);
            record->files = std::move(record->trial->files);
            record->trial.reset();
        }
        return std::move(*record);
    }

    [[nodiscard]] core::Result<void> begin() {
        if (auto reserved = store_->reserve(); !reserved) {
            spdlog::error("no space is reserved: {}", reserved.error().line());
        }
        auto loop = sys::Loop::create();
        if (!loop) {
            return core::fail(std::move(loop.error()));
        }
        loop_ = std::move(*loop);
        auto signals = loop_->on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
        if (!signals) {
            return core::fail(std::move(signals.error()));
        }
        signals_ = std::move(*signals);
        auto orchestrator = Orchestrator::start(options_of(options_, settings_, instance_->folder()), *loop_);
        if (!orchestrator) {
            return core::fail(std::move(orchestrator.error()));
        }
        orchestrator_ = std::move(*orchestrator);
        transaction_ = std::make_unique<rules::Transaction>(*orchestrator_, *store_, boot_);
        wanted_ = std::make_unique<Wanted>(*orchestrator_, *transaction_);
        wanted_->set_files(options_.config, [this] {
            return disk::with_compiled(disk::read_source_files(options_.config, control::verb_names()),
                                       confirmed_->compiled_path());
        });
        wanted_->on_trial([this](std::uint64_t ns) { end_trial_after(ns); });
        wanted_->on_settings([this](const config::Settings& fresh) { follow(fresh); });
        return {};
    }

    [[nodiscard]] core::Result<void> furnish() {
        InterfaceEvents events = wanted_->events();
        events.every_second = [this, look_again = std::move(events.every_second)] {
            look_again();
            keep();
        };
        orchestrator_->tell(std::move(events));
        std::string from = plan_.from;
        if (plan_.take_over) {
            take_over(*plan_.take_over);
        }
        if (plan_.then) {
            auto changed =
                transaction_->change(*plan_.then, {.without_xdp = rules::WithoutXdp::kUsesTc, .files = plan_.files});
            if (!changed && !begun_ && plan_.failsafe) {
                spdlog::error("{}", changed.error().line());
                take_over(*plan_.failsafe);
                from = "confirmed model";
            }
            if (!changed && !begun_) {
                return core::fail(std::move(changed.error()));
            }
            if (!changed) {
                spdlog::error("{}", changed.error().line());
                from = "failsafe: " + from;
            }
        } else if (plan_.bad_files) {
            from = "failsafe: " + from;
        }
        begun_ = true;
        admit_peers();
        if (from.starts_with("failsafe") || from == "confirmed model") {
            spdlog::error("the files are not in force, the last good model is: {}", from);
        }
        wanted_->tell_start(from, settings_);
        confirmed_->set_stopped_in("");
        orchestrator_->sweep_all(refused_interfaces_);
        orchestrator_->settle();
        return {};
    }

    /// As far as it can be had: better a part of the rules than none.
    void take_over(const rules::Record& record) {
        config::Model model = record.model;
        std::map<std::string, std::string> names;
        for (const rules::Attached& interface : record.attached) {
            const auto now = orchestrator_->left_on(interface.ifindex);
            if (now && *now != interface.name) {
                names.emplace(interface.name, *now);
            }
        }
        config::rename_interfaces(model, names);
        std::vector<rules::Attached> attached = record.attached;
        for (rules::Attached& interface : attached) {
            const auto renamed = names.find(interface.name);
            interface.name = renamed == names.end() ? interface.name : renamed->second;
        }
        orchestrator_->remember(attached);
        if (auto trial = record.trial) {
            config::rename_interfaces(trial->before, names);
            const std::uint64_t now = sys::since_boot_ns();
            end_trial_after(trial->ends_ns > now ? trial->ends_ns - now : 0);
            transaction_->resume(std::move(trial));
        }
        std::size_t refused = 0;
        transaction_->begin(model, record.files, [&](const core::Error& error) {
            spdlog::error("not taken over: {}", error.line());
            refused_interfaces_.insert(error.object);
            refused++;
        });
        const std::size_t all = model.hooks.size() + model.interfaces.size() + model.links.size();
        if (left_behind_) {
            spdlog::warn("the last daemon was killed: took over {} of {} things it was asked for", all - refused, all);
        }
        begun_ = true;
    }

    [[nodiscard]] core::Result<void> serve() {
        dispatcher_ = std::make_unique<api::Dispatcher>(*wanted_, attach_defaults(settings_));
        api::ServerOptions options;
        options.path = instance_->folder() + "/control.sock";
        options.readers = sys::group_named("pfild");
        options.admits = [this](const control::Peer& peer) {
            return control::may_anything(peer, dispatcher_->grants());
        };
        auto server = api::Server::listen(std::move(options), *loop_, *dispatcher_);
        if (!server) {
            return core::fail(std::move(server.error()));
        }
        server_ = std::move(*server);
        wanted_->deeds().on_add([this] { server_->tell_streams(); });
        return {};
    }

    /// Those whom the model in force knows, and no others.
    void admit_peers() {
        dispatcher_->set_grants(grants_of(transaction_->model()));
        server_->admit_anew(!dispatcher_->grants().empty());
    }

    void on_signal(int signal) {
        if (signal == SIGHUP) {
            sys::notify_reloading();
            if (const auto reloaded = wanted_->reload(); reloaded) {
                const auto self = static_cast<std::uint32_t>(::getpid());
                dispatcher_->tell({.pid = self, .owner = true}, "reload", describe::Value::table(),
                                  wanted_->unrecorded());
            } else {
                spdlog::error("{}", reloaded.error().line());
            }
            sys::notify_ready(status());
            return;
        }
        spdlog::info("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
        sys::notify_stopping();
        loop_->stop();
    }

    /// Those settings that need no restart.
    void follow(const config::Settings& fresh) {
        if (!options_.log_level) {
            set_log_level(fresh.log_level);
        }
        dispatcher_->set_defaults(attach_defaults(fresh));
        admit_peers();
    }

    /// The second's own look at it would be late by as much.
    void end_trial_after(std::uint64_t ns) {
        auto timer = loop_->once(std::chrono::nanoseconds(ns), [this] { wanted_->look_at_trial(); });
        if (timer) {
            trial_ends_ = std::move(*timer);
        }
    }

    /// What is in force and confirmed, for the next boot.
    void keep() {
        const auto& trial = transaction_->trial();
        const config::Model& model = trial ? trial->before : transaction_->model();
        const std::string& files = trial ? trial->files : transaction_->files();
        if (!(kept_ == model) || kept_files_ != files) {
            kept_ = model;
            kept_files_ = files;
            confirmed_->put({.boot = boot_, .files = kept_files_, .attached = {}, .model = kept_});
        }
        confirmed_->tick();
    }

    [[nodiscard]] std::string status() const { return "guards instance " + options_.name; }

    Options options_;
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

/// What bpfctl starts for its verb of this name.
int rescue(const Options& options) {
    sys::set_up_log();
    set_log_level(config::LogLevel::kError);
    const auto done = sys::require_capabilities().and_then([&] {
        return pfild::rescue({.instance = options.named ? std::optional(options.name) : std::nullopt,
                              .interface = options.rescued_interface,
                              .force = options.force});
    });
    std::cout << (done ? *done : rescue_error(done.error())) << '\n';
    return done ? EXIT_SUCCESS : kExitFailure;
}

int run(const Options& options) {
    auto files = disk::read_source_files(options.config, control::verb_names());
    if (options.check) {
        if (!files) {
            return report(files.error());
        }
        std::cout << options.config << ": ok\n";
        return EXIT_SUCCESS;
    }
    sys::set_up_log();
    set_log_level(options.log_level.value_or(config::LogLevel::kInfo));
    Daemon daemon(options, std::move(files));
    auto result = daemon.start().and_then([&] { return daemon.run(); });
    daemon.stop(result.has_value());
    if (daemon.has_nothing_to_begin_with()) {
        return kExitUsage; // the mistakes were told
    }
    return log_refused(std::move(result)) ? EXIT_SUCCESS : kExitFailure;
}

std::string check_instance_name(const std::string& name) {
    return sys::is_instance_name(name) ? "" : "must be 1 to 32 of A-Z a-z 0-9 . _ -";
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"pfild, a packet filter: runs in the foreground and guards the interfaces of one network namespace.\n"
                 "Logs go to stderr; `bpfctl` talks to it. It needs root, or CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW,\n"
                 "CAP_IPC_LOCK and CAP_SYS_ADMIN."};
    app.footer("SIGTERM detaches and ends, SIGHUP reads the configuration again.\n"
               "Exit codes: 0 ended as asked, 1 could not start or run, 2 usage or configuration.\n\n"
               "Example: guard eth0 of the namespace 'lab', under a name of its own\n"
               "  pfild --netns lab --name lab &\n"
               "  bpfctl -N lab attach eth0\n");
    Options options;
    app.add_option("--config", options.config, "Configuration file (TOML); without it every key has its default")
        ->type_name("FILE");
    app.add_flag("--check", options.check, "Only check the configuration file; says what is wrong, line by line");
    app.add_option("--netns", options.netns, "Network namespace: a path, or a name under /run/netns [the current one]")
        ->type_name("PATH");
    app.add_option("--name", options.name, "Name of this instance")
        ->type_name("NAME")
        ->capture_default_str()
        ->check(check_instance_name);
    app.add_flag("--no-cache", options.no_cache,
                 "Know no flows: every packet that a hook could see goes through the engine");
    std::string log_level;
    app.add_option("--log-level", log_level, "How much is logged; stronger than the configuration")
        ->type_name("LEVEL")
        ->check(CLI::IsMember(std::vector<std::string>(config::kLogLevelNames.begin(), config::kLogLevelNames.end())));
    app.add_flag("--rescue", options.rescue, "Remove what dead instances have left, say so in JSON, and end");
    app.add_option("--interface", options.rescued_interface, "With --rescue: only from this interface")
        ->type_name("IFACE");
    app.add_flag("--force", options.force, "With --rescue: do not wait until the last beat is 5 s old");
    app.set_version_flag("--version", "pfild " PFILD_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : kExitUsage;
    }
    if (options.check && options.config.empty()) {
        std::cerr << "--check: needs --config FILE\n";
        return kExitUsage;
    }
    const auto* const level = std::find(config::kLogLevelNames.begin(), config::kLogLevelNames.end(), log_level);
    if (level != config::kLogLevelNames.end()) {
        options.log_level = static_cast<config::LogLevel>(level - config::kLogLevelNames.begin());
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a client that goes must not end the daemon
    options.named = app.count("--name") != 0;
    return options.rescue ? rescue(options) : run(options);
}
