// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl devbpf run COMMAND [WORD..]`: becomes the program pfild-devbpf, which serves /dev/bpf for the command. What
// can be known before is said here, in the words of bpfctl.
#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "bpfctl/endpoint.h"
#include "bpfctl/program_beside.h"
#include "bpfctl/verbs.h"
#include "client/device_connection.h"

namespace pfild::bpfctl {
namespace {

constexpr std::string_view kProgram = "pfild-devbpf";

Outcome<void> become(const std::vector<std::string>& command, const Options& options, const Console& console) {
    const Endpoint endpoint = device_endpoint_of(options);
    if (auto reached = client::DeviceConnection::connect(endpoint.path); !reached) {
        core::Error error = std::move(reached.error());
        error.advice = error.code == EACCES ? "root and the group pfild may capture" : "is pfild running?";
        return fail(Exit::kUnreachable, std::move(error));
    }
    std::vector<std::string> words{program_beside(kProgram), "--socket", endpoint.path, "run", "--"};
    words.insert(words.end(), command.begin(), command.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    console.out << std::flush;
    ::execvp(arguments[0], arguments.data());
    const int code = errno;
    return fail(Exit::kUnreachable,
                {"start", std::string(kProgram), std::strerror(code), // NOLINT(concurrency-mt-unsafe): one thread
                 "bpfctl looks for it beside itself and in PATH", code});
}

Arguments declare_devbpf_run(CLI::App& app, Options& /*options*/) {
    auto command = std::make_shared<std::vector<std::string>>();
    app.add_option("COMMAND", *command, "a program and its words; all that follows is its own")->required();
    return [command]() -> Outcome<Question> {
        Question question;
        question.work = [command](const Options& options, const Console& console) {
            return become(*command, options, console);
        };
        return question;
    };
}

} // namespace

const Verb kDevbpfRun{
    .name = "devbpf run",
    .synopsis = "COMMAND [WORD..]",
    .summary = "run a command with the bpf device of a BSD, /dev/bpf",
    .notes =
        "The command finds /dev/bpf, a file with the bpf(4) of NetBSD: one that was compiled for it captures and "
        "writes\n"
        "with it as it is, a tcpdump over libpcap's BPF back end for example. The programs that it starts find it, "
        "too,\n"
        "and nobody else: their /dev is one of their own, with what the host's had at that moment.\n"
        "\n"
        "Options of bpfctl stand before COMMAND; all words from there on are the command's. It has the rights of the\n"
        "caller. Root and the group pfild may capture; without root it needs user namespaces.\n"
        "Buffers have at most 1044480 bytes. Programs that are left in the background lose their device at its end.\n"
        "\n"
        "Exit code: the command's; 128 and the number of the signal that ended it; 127 if it is not there, 126 if it\n"
        "cannot be started. Before it starts: 1 the device cannot be served, 2 usage, 3 pfild is not there.\n"
        "With --socket PATH the device socket is bpf.sock in the same folder.\n"
        "\n"
        "Examples:\n"
        "  bpfctl devbpf run tcpdump -i eth0 -w /tmp/all.pcap\n"
        "  bpfctl -N lab devbpf run sh\n",
    .request = "",
    .declare = declare_devbpf_run,
    .text = no_text,
    .has_command = true,
};

} // namespace pfild::bpfctl
