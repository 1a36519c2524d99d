// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl attach IFACE`: puts heads on an interface.
#include <memory>

#include "bpfctl/fields.h"
#include "bpfctl/text/status.h"
#include "bpfctl/verbs.h"
#include "control/requests.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_attach(CLI::App& app, Options& /*options*/) {
    auto arguments = std::make_shared<Json>(Json::object());
    app.add_option_function<std::string>(
           "IFACE", [arguments](const std::string& name) { (*arguments)["interface"] = name; },
           "the interface, for example eth0, or a pattern, for example 'veth*'")
        ->required();
    declare_fields(app, describe::shape_of<control::AttachRequest>(), arguments);
    auto tap = std::make_shared<bool>(false);
    app.add_flag("--tap", *tap, "only show its packets to captures (mode tap)");
    return [arguments, tap]() -> Outcome<Json> {
        if (!*tap) {
            return *arguments;
        }
        if (arguments->contains("mode")) {
            return usage_failure(kAttach.name, "give either --mode or --tap");
        }
        (*arguments)["mode"] = "tap";
        return *arguments;
    };
}

std::string text_of_attach(const Exchange& exchange) {
    if (number(exchange.result, "ifindex").value_or(0) == 0) {
        return "interfaces called " + text(exchange.result, "name") +
               " are guarded, also those that come later; `bpfctl status` lists them\n";
    }
    return interface_text(exchange.result);
}

} // namespace

const Verb kAttach{
    .name = "attach",
    .synopsis =
        "IFACE [--unknown pass|drop|closed] [--silent pass|drop|closed] [--mode auto|xdp|tc|tap | --tap] [--position "
        "anywhere|first] [--strict true|false]",
    .summary = "put heads on an interface",
    .notes =
        "From then on the interface has a head of its own name, and its packets pass the heads inet, inet6 and\n"
        "ethernet. Nothing is filtered until a hook is linked. ARP and IPv6 neighbour discovery always pass.\n"
        "\n"
        "Without --unknown the daemon's configuration decides. While pfild is gone or restarts, the kernel goes on\n"
        "with known flows and with hooks that run there; other packets are dropped with drop, and pass with pass.\n"
        "With closed known flows stop, too, and nothing passes but what keeps the link up.\n"
        "\n"
        "--silent says the same of an engine that is there and has not answered for 250 ms: it is stopped, or "
        "flooded.\n"
        "Without it the configuration decides. With pass whoever floods the engine switches the rules off.\n"
        "\n"
        "Without --mode the configuration decides, too. auto takes native XDP on hardware if it can be had, and TC\n"
        "otherwise; xdp takes native XDP or refuses. On virtual interfaces TC keeps the offloads that make bulk\n"
        "traffic fast.\n"
        "\n"
        "A program that somebody else puts in front of the heads can let packets by; `bpfctl status` names it. With\n"
        "--position first the heads go in front again, as far as the kernel allows that.\n"
        "\n"
        "With --strict true an interface that is made later is set down until it is guarded, and up again if it was.\n"
        "\n"
        "With --tap nothing is decided about the interface's packets: they can be captured (`bpfctl help capture`),\n"
        "and pass. lo can be tapped, too, and so can tunnels that carry bare IP packets.\n"
        "\n"
        "IFACE is what the kernel calls the interface, or an alternative name of it. A pattern of *, ? and [..] means\n"
        "all interfaces that the kernel calls so, now and later, also when they are renamed; but not lo. An interface\n"
        "that has an item of its own name is guarded as that says.\n"
        "\n"
        "Examples:\n"
        "  bpfctl attach eth0 --unknown drop\n"
        "  bpfctl attach 'veth*'\n",
    .request = "attach",
    .declare = declare_attach,
    .text = text_of_attach,
};

} // namespace pfild::bpfctl
