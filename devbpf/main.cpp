// SPDX-License-Identifier: BSD-2-Clause
// pfild-devbpf: /dev/bpf for programs that were written for a BSD. See README.md.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "client/device_message.h"
#include "devbpf/mount.h"
#include "devbpf/serve.h"

namespace {

using namespace pfild;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitUnreachable = 3;
constexpr mode_t kPrivateMode = 0600;

struct Options {
    std::string instance = "default";
    std::string socket; ///< empty: that of the instance
    std::vector<std::string> command;
};

int report(const core::Error& error, int code) {
    std::cerr << "pfild-devbpf: " << error.line() << '\n';
    return code;
}

/// How many words there are up to `run`; those behind it are the command's, whatever they look like.
int own_words(int argc, char** argv) {
    int count = 1;
    while (count < argc && argv[count] != std::string("run")) {
        const std::string word = argv[count];
        count += word == "--name" || word == "--socket" ? 2 : 1;
    }
    return std::min(argc, count + 1);
}

/// The device is the caller's own: nobody else may open it.
int run(const Options& options) {
    const std::string socket = options.socket.empty() ? client::device_socket_path(options.instance) : options.socket;
    if (auto reached = client::connect_device_socket(socket, 0, 10'000); !reached) {
        reached.error().advice = "is pfild running, and may you capture? root and the group pfild may";
        return report(reached.error(), kExitUnreachable);
    }
    const uid_t owner = ::geteuid();
    const gid_t group = ::getegid();
    auto ended =
        devbpf::enter_private_dev()
            .and_then([&] { return devbpf::mount_device("/dev/bpf", owner, group, kPrivateMode); })
            .and_then([&](client::Descriptor fuse) {
                return devbpf::serve_command(std::move(fuse), {socket, owner, group, kPrivateMode}, options.command);
            });
    return ended ? *ended : report(ended.error(), kExitFailure);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"pfild-devbpf, the bpf device of pfild as a file: runs a command that finds it as /dev/bpf.\n"
                 "Nobody else sees that file. `bpfctl devbpf run` starts it."};
    app.footer("Exit codes: that of the command; 128 and a signal; 127, 126 it cannot be started;\n"
               "1 could not serve, 2 usage, 3 pfild cannot be reached.\n\n"
               "Example:\n"
               "  pfild-devbpf run tcpdump -i eth0\n");
    Options options;
    app.add_option("--name", options.instance, "Name of the instance of pfild")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--socket", options.socket, "Its device socket, instead of /run/pfild/NAME/bpf.sock")
        ->type_name("PATH");
    app.set_version_flag("--version", "pfild-devbpf " PFILD_VERSION);
    std::string verb;
    app.add_option("run", verb, "run COMMAND [WORD..]")
        ->required()
        ->check(CLI::IsMember(std::vector<std::string>{"run"}));
    const int own = own_words(argc, argv);
    try {
        app.parse(own, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : kExitUsage;
    }
    options.command.assign(argv + own, argv + argc);
    if (!options.command.empty() && options.command.front() == "--") {
        options.command.erase(options.command.begin());
    }
    if (options.command.empty()) {
        std::cerr << "pfild-devbpf: run: COMMAND is missing (see --help)\n";
        return kExitUsage;
    }
    return run(options);
}
