// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl stats [IFACE]`: every counter of the engine, of the flow table and of the attached interfaces.
#include <memory>

#include "bpfctl/fields.h"
#include "bpfctl/text/counters.h"
#include "bpfctl/text/status.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_stats(CLI::App& app, Options& options) {
    auto interface = std::make_shared<std::string>();
    app.add_option("IFACE", *interface, "an attached interface: only its counters");
    app.add_flag("--all", options.all, "show counters that are zero, too");
    return [interface] {
        Question question(Json::object());
        if (!interface->empty()) {
            question.arguments["interface"] = *interface;
        }
        return Outcome<Question>(question);
    };
}

std::string interfaces_text(const Json& interfaces, bool all) {
    std::string shown;
    for (const auto& item : interfaces.items()) {
        const std::string name = (shown.empty() ? "" : "\n") + printable(item.key());
        shown += counters_text(name + ", incoming", member(item.value(), "in"), all);
        shown += counters_text('\n' + printable(item.key()) + ", outgoing", member(item.value(), "out"), all);
    }
    return shown;
}

std::string text_of_stats(const Exchange& exchange) {
    const bool all = exchange.options.all;
    std::string interfaces = interfaces_text(member(exchange.result, "interfaces"), all);
    if (exchange.arguments.contains("interface")) {
        return interfaces;
    }
    std::string shown = counters_text("engine", member(exchange.result, "engine"), all);
    shown += '\n' + counters_text("flows", member(exchange.result, "flows"), all);
    shown += "\nbuffers\n  " + buffers_text(member(exchange.result, "buffers"));
    return interfaces.empty() ? shown : shown + '\n' + interfaces;
}

} // namespace

const Verb kStats{
    .name = "stats",
    .synopsis = "[--all] [IFACE]",
    .summary = "counters of the engine, of known flows and of each interface",
    .notes = "With IFACE only those of one interface. Counters that are zero are left out; --all shows them. They "
             "count packets unless the name says bytes.\n",
    .request = "stats",
    .declare = declare_stats,
    .text = text_of_stats,
};

} // namespace pfild::bpfctl
