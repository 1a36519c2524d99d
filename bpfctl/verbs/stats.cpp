// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl stats`: every counter of the engine, of the flow table and of the attached interfaces.
#include "bpfctl/fields.h"
#include "bpfctl/text/counters.h"
#include "bpfctl/text/status.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_stats(CLI::App& app, Options& options) {
    app.add_flag("--all", options.all, "show counters that are zero, too");
    return no_arguments(app, options);
}

std::string text_of_stats(const Exchange& exchange) {
    const bool all = exchange.options.all;
    std::string shown = counters_text("engine", member(exchange.result, "engine"), all);
    shown += '\n' + counters_text("flows", member(exchange.result, "flows"), all);
    shown += "\nbuffers\n  " + frames_text(member(exchange.result, "buffers"));
    for (const auto& item : member(exchange.result, "interfaces").items()) {
        const std::string name = '\n' + printable(item.key());
        shown += counters_text(name + ", incoming", member(item.value(), "in"), all);
        shown += counters_text(name + ", outgoing", member(item.value(), "out"), all);
    }
    return shown;
}

} // namespace

const Verb kStats{
    .name = "stats",
    .synopsis = "[--all]",
    .summary = "counters of the engine, of known flows and of each interface",
    .notes = "Counters that are zero are left out; --all shows them. They count packets unless the name says bytes.\n",
    .request = "stats",
    .declare = declare_stats,
    .text = text_of_stats,
};

} // namespace pfild::bpfctl
