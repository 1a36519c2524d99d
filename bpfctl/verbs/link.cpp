// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl link`: makes packets of a head meet a hook.
#include <memory>

#include "bpfctl/text/heads.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

struct LinkOperands {
    Directions directions;
    bool append = false;
    std::string hook;
    std::string head;
};

Outcome<Json> gather_link(const LinkOperands& operands) {
    if (operands.directions.none()) {
        return usage_failure(kLink.name, "no direction: give -i, -o or both");
    }
    if (std::string flaw = hook_name_flaw(operands.hook); !flaw.empty()) {
        return usage_failure(kLink.name, std::move(flaw));
    }
    return Json{{"hook", operands.hook},
                {"head", operands.head},
                {"directions", operands.directions.json()},
                {"append", operands.append}};
}

Arguments declare_link(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<LinkOperands>();
    operands->directions.declare(app);
    app.add_flag("-a,--append", operands->append, "run it furthest from the wire, not nearest")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("HOOK", operands->hook, "MODULE:NAME, for example cbpf:block-telnet")->required();
    app.add_option("HEAD", operands->head, "inet, inet6, ethernet or an attached interface")->required();
    return [operands] { return gather_link(*operands); };
}

std::string text_of_link(const Exchange& exchange) { return heads_text(Json::array({exchange.result})); }

} // namespace

const Verb kLink{
    .name = "link",
    .synopsis = "-i|-o|-io [-a] HOOK HEAD",
    .summary = "make the packets of a head meet a hook",
    .notes =
        "The newest hook runs nearest the wire: first for incoming packets, last for outgoing ones. With -a it runs\n"
        "furthest from the wire instead: last for incoming packets, first for outgoing ones. Hook and head must be\n"
        "of the same type; an interface's head is of type ethernet. Shows the head as it is then.\n"
        "\n"
        "Examples:\n"
        "  bpfctl link -i cbpf:block-telnet inet    incoming IPv4 packets of all attached interfaces\n"
        "  bpfctl link -i -o cbpf:frames eth0       frames of eth0 in both directions\n"
        "  bpfctl link -i -a cbpf:last inet         incoming, after the hooks that are linked now\n",
    .request = "link",
    .declare = declare_link,
    .text = text_of_link,
};

} // namespace pfild::bpfctl
