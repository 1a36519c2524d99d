// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl rescue [IFACE|--all]`: asks no daemon, but starts the program pfild, which knows what is its own.
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpfctl/fields.h"
#include "bpfctl/program_beside.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

struct RescueOperands {
    std::string interface;
    bool all = false;
    bool force = false;
};

std::vector<std::string> command_line(const RescueOperands& operands, const Options& options) {
    std::vector<std::string> words{program_beside("pfild"), "--rescue"};
    if (options.named) {
        words.insert(words.end(), {"--name", options.instance});
    }
    if (!operands.interface.empty()) {
        words.push_back("--interface=" + operands.interface);
    }
    if (operands.force) {
        words.emplace_back("--force");
    }
    return words;
}

Outcome<std::string> unstarted(int number) {
    return fail(Exit::kUnreachable,
                {"start", "pfild", std::strerror(number), // NOLINT(concurrency-mt-unsafe): one thread
                 "bpfctl looks for it beside itself and in PATH", number});
}

/// What the program says on its standard output.
Outcome<std::string> output_of(const std::vector<std::string>& words) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return unstarted(errno);
    }
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str())); // NOLINT: as posix_spawn wants it, which writes nothing
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string said;
    std::array<char, 4096> some{};
    for (ssize_t count = 0; error == 0 && (count = ::read(ends[0], some.data(), some.size())) > 0;) {
        said.append(some.data(), static_cast<std::size_t>(count));
    }
    ::close(ends[0]);
    if (error != 0) {
        return unstarted(error);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return said;
}

std::string line_of_removed(const Json& one) {
    const std::string where = text(one, "where");
    return text(one, "what") + ' ' + text(one, "object") + (where.empty() ? "" : " (" + where + ')') +
           " of instance '" + text(one, "instance") + "': removed\n";
}

std::string rescue_text(const Json& answer) {
    std::string lines;
    for (const Json& one : member(answer, "removed")) {
        lines += line_of_removed(one);
    }
    for (const Json& one : member(answer, "kept")) {
        lines += "instance '" + text(one, "instance") + "': left alone: " + text(one, "why") + '\n';
    }
    return lines.empty() ? "no dead instance has left anything\n" : lines;
}

Outcome<void> perform_rescue(const RescueOperands& operands, const Options& options, const Console& console) {
    const auto said = output_of(command_line(operands, options));
    if (!said) {
        return tl::make_unexpected(said.error());
    }
    const Json answer = Json::parse(*said, nullptr, false);
    if (const Json& error = member(answer, "error"); error.is_object()) {
        return tl::make_unexpected(
            Failure{Exit::kRefused,
                    {text(error, "what"), text(error, "object"), text(error, "why"), text(error, "advice"), EINVAL},
                    text(error, "errno")});
    }
    if (!answer.is_object()) {
        return fail(Exit::kUnreachable, {"rescue", "", "pfild did not say what it has removed",
                                         "its version must be that of bpfctl", EPROTO});
    }
    for (const Json& warning : member(answer, "warnings")) {
        console.err << "bpfctl: rescue: " << warning.get<std::string>() << '\n';
    }
    errno = 0;
    if (!(console.out << (options.json ? pretty(answer) + '\n' : rescue_text(answer)) << std::flush)) {
        return fail(Exit::kRefused, unwritten_output());
    }
    return {};
}

Outcome<Question> gather_rescue(const RescueOperands& operands) {
    if (operands.interface.empty() != operands.all) {
        return usage_failure(kRescue.name, operands.all ? "IFACE or --all, not both" : "IFACE or --all is missing");
    }
    Question question;
    question.work = [operands](const Options& options, const Console& console) {
        return perform_rescue(operands, options, console);
    };
    return question;
}

Arguments declare_rescue(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<RescueOperands>();
    app.add_option("IFACE", operands->interface, "only the heads of this interface");
    app.add_flag("--all", operands->all, "all that dead instances have left, in every network namespace");
    app.add_flag("--force", operands->force, "do not wait until the last beat of the dead is 5 s old");
    return [operands] { return gather_rescue(*operands); };
}

} // namespace

const Verb kRescue{
    .name = "rescue",
    .synopsis = "IFACE|--all [--force]",
    .summary = "remove what dead instances have left, without a daemon",
    .notes =
        "An instance whose daemon was killed leaves its heads, so that interfaces stay guarded until the next start.\n"
        "This removes them: packets pass from then on. With IFACE the next start attaches it again. With --all its "
        "pins\n"
        "and its folder in /run/pfild go, too, and the next start is from its files alone.\n"
        "With -N NAME only what that instance has left, and IFACE is looked for in every network namespace.\n"
        "\n"
        "Dead is an instance whose lock is free, whose last beat is 5 s old, and of which no socket is left in the\n"
        "kernel. It waits for the second. --force does not wait, and warns; what lives is never touched.\n"
        "Programs of others are left alone, whatever their names.\n"
        "\n"
        "It needs root. Exit code 1: the interface is a living instance's, or a head could not be removed.\n"
        "\n"
        "Examples:\n"
        "  bpfctl rescue eth0\n"
        "  bpfctl rescue --all\n"
        "  bpfctl -N lab rescue --all --force\n",
    .request = "",
    .declare = declare_rescue,
    .text = no_text,
};

} // namespace pfild::bpfctl
