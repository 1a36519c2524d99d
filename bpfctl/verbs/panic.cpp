// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl panic on|off`: drops all packets, and drops them no longer.
#include <memory>

#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_panic(CLI::App& app, Options& /*options*/) {
    auto word = std::make_shared<std::string>();
    app.add_option("on|off", *word, "from now on, or no longer")->required()->check(one_of({"on", "off"}));
    return [word]() -> Outcome<Question> { return Json{{"on", *word == "on"}}; };
}

std::string text_of_panic(const Exchange& exchange) {
    return flag(exchange.arguments, "on")
               ? "PANIC: all packets of attached interfaces are dropped. `bpfctl panic off` ends it.\n"
               : "Panic is over: packets meet the rules.\n";
}

} // namespace

const Verb kPanic{
    .name = "panic",
    .synopsis = "on|off",
    .summary = "drop all packets of attached interfaces",
    .notes =
        "At once, in both directions, those of known flows too; only ARP, IPv6 neighbour and listener discovery pass.\n"
        "Heads, hooks and links stay as they are, can be changed, and are in force again after `bpfctl panic off`.\n"
        "Interfaces that are attached meanwhile count, too; those that are only tapped, and lo, do not.\n"
        "\n"
        "It cuts your own connection without asking. It lasts over a reload, a crash and a reboot, until it is ended;\n"
        "while the daemon is gone after a crash, the kernel goes on dropping. An orderly stop ends it.\n"
        "\n"
        "Examples:\n"
        "  bpfctl panic on     nothing comes in and nothing goes out\n"
        "  bpfctl panic off    packets meet the rules again\n",
    .request = "panic",
    .declare = declare_panic,
    .text = text_of_panic,
};

} // namespace pfild::bpfctl
