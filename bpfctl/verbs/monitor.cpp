// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl monitor`: who changes what, a line a change, until it is ended.
#include <cerrno>
#include <ostream>
#include <utility>

#include "bpfctl/client.h"
#include "bpfctl/endpoint.h"
#include "bpfctl/text/monitor.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Outcome<void> follow(const Options& options, const Console& console) {
    auto client = Client::connect(endpoint_of(options));
    if (!client) {
        return tl::make_unexpected(std::move(client.error()));
    }
    auto change = client->ask(kMonitor.request, Json::object());
    for (; change; change = client->more()) {
        errno = 0;
        if (!(console.out << (options.json ? compact(*change) + '\n' : change_line(*change)) << std::flush)) {
            return fail(Exit::kRefused, unwritten_output());
        }
    }
    return tl::make_unexpected(std::move(change.error()));
}

Arguments declare_monitor(CLI::App& /*app*/, Options& /*options*/) {
    return [] {
        Question question;
        question.work = follow;
        return Outcome<Question>(question);
    };
}

} // namespace

const Verb kMonitor{
    .name = "monitor",
    .synopsis = "",
    .summary = "who changes what, as it happens",
    .notes =
        "A line for each change that a verb makes from now on, until this is ended (Ctrl-C), or the daemon: then the\n"
        "exit status is 3. Who does not read as fast as things change is told how many changes he has missed; the\n"
        "daemon keeps the last 256 of them.\n"
        "\n"
        "With --json each line is an object: number, missed, at_s, uid, pid, verb, did, unrecorded. The first one has "
        "an\n"
        "empty verb: it says where the following begins.\n"
        "\n"
        "Example:\n"
        "  bpfctl monitor\n"
        "  2026-11-30 09:41:02 link cbpf:no-telnet inet: by user 0, process 1234\n",
    .request = "monitor",
    .declare = declare_monitor,
    .text = no_text,
};

} // namespace pfild::bpfctl
