// SPDX-License-Identifier: BSD-2-Clause
// pfild, the daemon: from the command line to a running instance and back.
//
//     configuration -> rights -> namespace -> lock -> orchestrator -> control socket -> what a killed daemon left ->
//     hooks, links, interfaces of the configuration -> READY
//
// What fails on the way ends the start: one line on stderr, exit 1 (2 for the command line and the configuration), and
// everything that had begun is taken back by its owner. SIGTERM and SIGINT end the loop, SIGHUP re-reads the file.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <string>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "daemon/api/dispatcher.h"
#include "daemon/api/server.h"
#include "daemon/config.h"
#include "daemon/config_change.h"
#include "daemon/orchestrator.h"
#include "daemon/orchestrator/configure.h"
#include "daemon/orchestrator/recorder.h"
#include "daemon/sys/capabilities.h"
#include "daemon/sys/instance.h"
#include "daemon/sys/kernel.h"
#include "daemon/sys/local_socket.h"
#include "daemon/sys/loop.h"
#include "daemon/sys/netns.h"
#include "daemon/sys/supervisor.h"

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
    std::optional<LogLevel> log_level; ///< stronger than the configuration's
};

void set_log_level(LogLevel level) {
    constexpr std::array kLevels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                 spdlog::level::err};
    static_assert(kLevels.size() == kLogLevelNames.size());
    spdlog::set_level(kLevels.at(static_cast<std::size_t>(level)));
}

/// To stderr; the journal adds time and process itself.
void set_up_log() {
    auto logger = std::make_shared<spdlog::logger>("pfild", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    const bool journal = std::getenv("JOURNAL_STREAM") != nullptr; // NOLINT(concurrency-mt-unsafe): one thread yet
    logger->set_pattern(journal ? "%l: %v" : "%Y-%m-%d %H:%M:%S.%e %l: %v");
    spdlog::set_default_logger(std::move(logger));
}

int report(const std::vector<ConfigMistake>& mistakes) {
    for (const ConfigMistake& mistake : mistakes) {
        std::cerr << mistake.text() << '\n';
    }
    return kExitUsage;
}

api::AttachDefaults attach_defaults(const Config& config) {
    return {.unknown = config.unknown, .mode = config.mode, .position = config.position};
}

core::Result<void> log_refused(core::Result<void> result) {
    if (!result) {
        spdlog::error("{}", result.error().line());
    }
    return result;
}

/// A daemon at work. Members go in reverse order: first nobody can ask any more, then what is attached is detached.
class Daemon {
  public:
    Daemon(Options options, Config config) : options_(std::move(options)), config_(std::move(config)) {}

    [[nodiscard]] core::Result<void> start() {
        auto ready = sys::require_kernel().and_then(sys::require_capabilities);
        if (!ready) {
            return ready;
        }
        sys::raise_memlock_limit();
        return enter().and_then([this] { return begin(); }).and_then([this] { return serve(); }).and_then([this] {
            return furnish();
        });
    }

    /// Until a signal ends it. => start() has succeeded.
    [[nodiscard]] core::Result<void> run() {
        spdlog::info("pfild {} guards instance '{}'", PFILD_VERSION, options_.name);
        sys::notify_ready(status());
        return loop_->run();
    }

    /// in_order: nothing is to go on after this; else the record stays for the next start.
    void stop(bool in_order) noexcept {
        server_.reset();
        // After a failure the record stays for the next start, unless there is nothing in it.
        const bool for_good = recorder_ && (in_order || recorder_->empty());
        if (orchestrator_) {
            orchestrator_->stop(for_good);
        }
        if (for_good) {
            recorder_->forget();
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

    [[nodiscard]] core::Result<void> begin() {
        auto instance = sys::Instance::take(config_.runtime_dir, options_.name);
        if (!instance) {
            return core::fail(std::move(instance.error()));
        }
        instance_.emplace(std::move(*instance));
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
        constexpr std::uint64_t kNsPerS = 1'000'000'000;
        auto orchestrator = Orchestrator::start(
            {.instance = options_.name,
             .frames = config_.frames,
             .flows = options_.no_cache ? 0 : config_.flows,
             .flow_timeouts = {.tcp_ns = config_.flow_tcp_idle_s * kNsPerS, .other_ns = config_.flow_idle_s * kNsPerS},
             .capture_bytes = config_.capture_ring_kib * 1024U,
             .capture_buffer_bytes = config_.capture_buffer_kib * 1024U,
             .devices = config_.devices,
             .device_socket = instance_->folder() + "/bpf.sock",
             .odd_packets = config_.odd_packets,
             .tcx_wanted = config_.tc_attach == TcAttach::automatic},
            *loop_);
        if (!orchestrator) {
            return core::fail(std::move(orchestrator.error()));
        }
        orchestrator_ = std::move(*orchestrator);
        recorder_ = std::make_unique<Recorder>(*orchestrator_, instance_->folder() + "/record");
        return {};
    }

    /// Rules come before traffic: the heads of all interfaces are attached last.
    [[nodiscard]] core::Result<void> furnish() {
        orchestrator_->prepare();
        const Existing existing = adopt() ? Existing::fine : Existing::refused;
        const ConfigChange everything = from_nothing(config_);
        return apply(everything, *recorder_, existing)
            .and_then([&] { return make_live(everything, existing); })
            .map([&] {
                orchestrator_->sweep_all(refused_interfaces_);
                orchestrator_->settle();
            });
    }

    /// A change that was applied, with heads and chains; if that fails nothing of it is left. But what was taken over
    /// stays, and hooks of it that can not run in the kernel any more run in the engine: the interfaces are guarded.
    [[nodiscard]] core::Result<void> make_live(const ConfigChange& change, Existing existing) {
        const bool taken_over = existing == Existing::fine;
        using Without = Attachment::WithoutHeads;
        auto live = orchestrator_->go_live(taken_over ? Without::stays : Without::goes);
        if (taken_over) { // what did not go live is tried again each second
            (void)log_refused(std::move(live));
            (void)log_refused(orchestrator_->keeps_promises());
            return {};
        }
        if (live) {
            live = orchestrator_->keeps_promises();
        }
        if (live) {
            return live;
        }
        orchestrator_->prepare();
        (void)log_refused(apply(inverse(change), *recorder_, Existing::fine));
        (void)log_refused(orchestrator_->go_live(Without::stays));
        return live;
    }

    /// Does again what was asked of a daemon that was killed; what is no longer possible is logged and left out.
    [[nodiscard]] bool adopt() {
        const std::vector<std::string> record =
            recorder_->read([this](std::uint32_t ifindex) { return orchestrator_->left_on(ifindex); });
        const Recorder::Pause pause(*recorder_); // a second crash meanwhile finds the whole record
        std::size_t refused = 0;
        for (const std::string& request : record) {
            const std::string answer = dispatcher_->answer(request);
            if (answer.find("\"ok\":true") == std::string::npos) {
                spdlog::error("not taken over: {}", answer.substr(0, answer.size() - 1));
                refused++;
                keep_refused(request);
            }
        }
        if (!record.empty()) {
            spdlog::warn("the last daemon was killed: took over {} of {} things it was asked for",
                         record.size() - refused, record.size());
        }
        return !record.empty();
    }

    /// Of an interface that heads of the killed daemon go on guarding, the next start is to know.
    void keep_refused(const std::string& request) {
        const auto refused = Recorder::of_interface(request);
        if (!refused || (!refused->attaches && !refused_interfaces_.contains(refused->interface))) {
            return;
        }
        if (const auto ifindex = orchestrator_->left_on(refused->interface)) {
            refused_interfaces_.insert(refused->interface);
            recorder_->keep(*refused, *ifindex);
        }
    }

    [[nodiscard]] core::Result<void> serve() {
        dispatcher_ = std::make_unique<api::Dispatcher>(*recorder_, attach_defaults(config_));
        api::ServerOptions options;
        options.path = instance_->folder() + "/control.sock";
        options.readers = sys::group_named("pfild");
        options.open_to_all = !dispatcher_->grants().empty();
        options.admits = [this](const control::Peer& peer) {
            return control::may_anything(peer, dispatcher_->grants());
        };
        auto server = api::Server::listen(std::move(options), *loop_, [this](const api::Question& question) {
            return dispatcher_->answer(question);
        });
        if (!server) {
            return core::fail(std::move(server.error()));
        }
        server_ = std::move(*server);
        return {};
    }

    void on_signal(int signal) {
        if (signal == SIGHUP) {
            sys::notify_reloading();
            reload();
            sys::notify_ready(status());
            return;
        }
        spdlog::info("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
        sys::notify_stopping();
        loop_->stop();
    }

    /// All of the new file or nothing of it.
    void reload() {
        if (options_.config.empty()) {
            spdlog::warn("SIGHUP: there is no configuration file to read again (start with --config)");
            return;
        }
        auto fresh = load_config(options_.config);
        if (!fresh) {
            for (const ConfigMistake& mistake : fresh.error()) {
                spdlog::error("{}", mistake.text());
            }
            spdlog::error("SIGHUP: the old configuration stays in force");
            return;
        }
        const ConfigChange change = difference(config_, *fresh);
        orchestrator_->prepare();
        auto applied = apply(change, *recorder_);
        if (applied) {
            applied = make_live(change, Existing::refused).map([this] { orchestrator_->settle(); });
        } else {
            (void)log_refused(orchestrator_->go_live(Attachment::WithoutHeads::stays));
        }
        if (!log_refused(std::move(applied))) {
            spdlog::error("SIGHUP: the old configuration stays in force");
            return;
        }
        if (change.log_level && !options_.log_level) {
            set_log_level(*change.log_level);
        }
        dispatcher_->set_defaults(attach_defaults(*fresh));
        for (const std::string& line : change.needs_restart) {
            spdlog::warn("SIGHUP: {}", line);
        }
        keep_what_needs_restart(*fresh, config_);
        config_ = std::move(*fresh);
        spdlog::info("SIGHUP: {} read again, {} changes made", options_.config, change.actions.size());
    }

    [[nodiscard]] std::string status() const { return "guards instance " + options_.name; }

    Options options_;
    Config config_;                            ///< the one in force
    std::set<std::string> refused_interfaces_; ///< that could not be taken over
    std::optional<sys::Instance> instance_;
    std::unique_ptr<sys::Loop> loop_;
    sys::Registration signals_;
    std::unique_ptr<Orchestrator> orchestrator_;
    std::unique_ptr<Recorder> recorder_;
    std::unique_ptr<api::Dispatcher> dispatcher_;
    std::unique_ptr<api::Server> server_;
};

int run(const Options& options) {
    Config config;
    if (!options.config.empty()) {
        auto loaded = load_config(options.config);
        if (!loaded) {
            return report(loaded.error());
        }
        config = std::move(*loaded);
    }
    if (options.check) {
        std::cout << options.config << ": ok\n";
        return EXIT_SUCCESS;
    }
    set_up_log();
    set_log_level(options.log_level.value_or(config.log_level));
    Daemon daemon(options, std::move(config));
    auto result = daemon.start().and_then([&] { return daemon.run(); });
    daemon.stop(result.has_value());
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
        ->check(CLI::IsMember(std::vector<std::string>(kLogLevelNames.begin(), kLogLevelNames.end())));
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
    const auto* const level = std::find(kLogLevelNames.begin(), kLogLevelNames.end(), log_level);
    if (level != kLogLevelNames.end()) {
        options.log_level = static_cast<LogLevel>(level - kLogLevelNames.begin());
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a client that goes must not end the daemon
    return run(options);
}
