// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl detach IFACE`: takes the heads off an interface again.
#include <memory>

#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_detach(CLI::App& app, Options& /*options*/) {
    auto interface = std::make_shared<std::string>();
    app.add_option("IFACE", *interface, "the interface, for example eth0, or a pattern")->required();
    return [interface] { return Outcome<Json>(Json{{"interface", *interface}}); };
}

std::string text_of_detach(const Exchange& exchange) {
    return text(exchange.arguments, "interface") + ": detached, no hook and no capture sees its packets any more\n";
}

} // namespace

const Verb kDetach{
    .name = "detach",
    .synopsis = "IFACE",
    .summary = "take the heads off an interface",
    .notes = "Everything on the interface is then as it was before attach. Hooks stay, and so do their links to the\n"
             "heads inet, inet6 and ethernet.\n"
             "\n"
             "A pattern is detached as it was attached: 'veth*' takes the heads off all that only it wanted. A single\n"
             "interface that a pattern means is left alone from then on, until it is attached by its name or gone, or\n"
             "the files that want it are read again.\n",
    .request = "detach",
    .declare = declare_detach,
    .text = text_of_detach,
};

} // namespace pfild::bpfctl
