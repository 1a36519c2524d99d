// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl unlink`: takes a hook off a head.
#include <memory>

#include "bpfctl/text/heads.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

struct UnlinkOperands {
    Directions directions;

    std::string hook;
    std::string head;
};

Outcome<Json> gather_unlink(const UnlinkOperands& operands) {
    if (operands.directions.none()) {
        return usage_failure(kUnlink.name, "no direction: give -i, -o or both");
    }
    if (std::string flaw = hook_name_flaw(operands.hook); !flaw.empty()) {
        return usage_failure(kUnlink.name, std::move(flaw));
    }
    return Json{{"hook", operands.hook}, {"head", operands.head}, {"directions", operands.directions.json()}};
}

Arguments declare_unlink(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<UnlinkOperands>();
    operands->directions.declare(app);

    app.add_option("HOOK", operands->hook, "MODULE:NAME, for example cbpf:block-telnet")->required();
    app.add_option("HEAD", operands->head, "inet, inet6, ethernet or an attached interface")->required();
    return [operands] { return gather_unlink(*operands); };
}

std::string text_of_unlink(const Exchange& exchange) { return heads_text(Json::array({exchange.result})); }

} // namespace

const Verb kUnlink{
    .name = "unlink",
    .synopsis = "-i|-o|-io HOOK HEAD",
    .summary = "take a hook off a head",
    .notes =
        "No packet meets the hook there after this command has returned. The hook stays, with its counters, and can\n"
        "be linked again. Shows the head as it is then.\n",
    .request = "unlink",
    .declare = declare_unlink,
    .text = text_of_unlink,
};

} // namespace pfild::bpfctl
