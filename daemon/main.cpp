// SPDX-License-Identifier: BSD-2-Clause
// pfild, the daemon: from the command line to a running instance and back.
//
//     command line -> files -> Daemon (daemon/instance): start, run, stop
//
// What fails on the way ends the start: one line on stderr, exit 1 (2 for the command line, and for files that are bad
// when there is no model to begin with instead), and everything that had begun is taken back by its owner. SIGTERM and
// SIGINT end the loop, SIGHUP re-reads the files.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include "control/verbs.h"
#include "daemon/instance/daemon.h"
#include "daemon/instance/rescue.h"
#include "daemon/sys/capabilities.h"
#include "daemon/sys/log.h"
#include "disk/source_files.h"

namespace {

using namespace pfild;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

struct Options {
    DaemonOptions daemon;
    bool check = false;
    bool rescue = false;
    std::string rescued_interface;
    bool named = false;
    bool force = false;
};

core::Result<void> log_refused(core::Result<void> result) {
    if (!result) {
        spdlog::error("{}", result.error().line());
    }
    return result;
}

/// What bpfctl starts for its verb of this name.
int rescue(const Options& options) {
    sys::set_up_log();
    set_log_level(config::LogLevel::kError);
    const auto done = sys::require_capabilities().and_then([&] {
        return pfild::rescue({.instance = options.named ? std::optional(options.daemon.name) : std::nullopt,
                              .interface = options.rescued_interface,
                              .force = options.force});
    });
    std::cout << (done ? *done : rescue_error(done.error())) << '\n';
    return done ? EXIT_SUCCESS : kExitFailure;
}

int run(const Options& options) {
    auto files = disk::read_source_files(options.daemon.config, control::verb_names());
    if (options.check) {
        if (!files) {
            report(files.error());
            return kExitUsage;
        }
        std::cout << options.daemon.config << ": ok\n";
        return EXIT_SUCCESS;
    }
    sys::set_up_log();
    set_log_level(options.daemon.log_level.value_or(config::LogLevel::kInfo));
    Daemon daemon(options.daemon, std::move(files));
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
    app.add_option("--config", options.daemon.config, "Configuration file (TOML); without it every key has its default")
        ->type_name("FILE");
    app.add_flag("--check", options.check, "Only check the configuration file; says what is wrong, line by line");
    app.add_option("--netns", options.daemon.netns,
                   "Network namespace: a path, or a name under /run/netns [the current one]")
        ->type_name("PATH");
    app.add_option("--name", options.daemon.name, "Name of this instance")
        ->type_name("NAME")
        ->capture_default_str()
        ->check(check_instance_name);
    app.add_flag("--no-cache", options.daemon.no_cache,
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
    if (options.check && options.daemon.config.empty()) {
        std::cerr << "--check: needs --config FILE\n";
        return kExitUsage;
    }
    const auto* const level = std::find(config::kLogLevelNames.begin(), config::kLogLevelNames.end(), log_level);
    if (level != config::kLogLevelNames.end()) {
        options.daemon.log_level = static_cast<config::LogLevel>(level - config::kLogLevelNames.begin());
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a client that goes must not end the daemon
    options.named = app.count("--name") != 0;
    return options.rescue ? rescue(options) : run(options);
}
