// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl flows [EXPR]`: the flows that the kernel answers by itself, all of them or those that an expression means.
//
// The daemon knows nothing of expressions: it lists its flows page by page, and they are picked here.
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "bpfctl/fields.h"
#include "bpfctl/flow_filter.h"
#include "bpfctl/text/flows.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr int kFlowsInPage = 256; ///< what the protocol allows at most

struct FlowsOperands {
    std::vector<std::string> words;
    bool resolve = false;
};

Outcome<bool> is_meant(const FlowFilter& filter, const Json& flow) {
    const auto key = flow_key(flow);
    if (!key) {
        return fail(Exit::kUnreachable, {"daemon", "", "a flow in its answer cannot be understood",
                                         "are bpfctl and pfild of the same version?", EPROTO});
    }
    return filter.means(*key);
}

Outcome<Question> gather_flows(const FlowsOperands& operands) {
    Question question(Json{{"from", 0}, {"most", kFlowsInPage}});
    if (operands.words.empty()) {
        return question;
    }
    std::string expression;
    for (const std::string& word : operands.words) {
        expression += (&word == &operands.words.front() ? "" : " ") + word;
    }
    auto filter = FlowFilter::compile(expression, operands.resolve ? filter::Names::kResolve : filter::Names::kNumeric);
    if (!filter) {
        return fail(Exit::kRefused, std::move(filter.error()));
    }
    question.wanted = [filter = std::move(*filter)](const Json& flow) { return is_meant(filter, flow); };
    return question;
}

Arguments declare_flows(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<FlowsOperands>();
    app.add_option("EXPR", operands->words, "an expression as tcpdump takes it, see pcap-filter(7); all flows without");
    app.add_flag("--resolve", operands->resolve, "look up names of hosts in the expression, once and now");
    return [operands] { return gather_flows(*operands); };
}

std::string text_of_flows(const Exchange& exchange) {
    const Json& flows = member(exchange.result, "flows");
    const std::uint64_t known = number(exchange.result, "count").value_or(0);
    if (known == 0) {
        return "No flow is known. They are learnt from packets that hooks have decided: bpfctl help flows\n";
    }
    if (flows.empty()) {
        return "None of " + counted(known, "flow") + " matches.\n";
    }
    const std::string whole = flows.size() == known ? "" : std::to_string(flows.size()) + " of ";
    return flows_text(flows) + '\n' + whole + counted(known, "flow") + '\n';
}

} // namespace

const Verb kFlows{
    .name = "flows",
    .synopsis = "[--resolve] [EXPR]",
    .summary = "flows that the kernel answers by itself",
    .notes =
        "A flow is one connection at one attached interface, both directions together: protocol, addresses, ports and\n"
        "VLANs. The first packets of a flow go to the engine. If every hook they meet answers for the whole flow (see\n"
        "`bpfctl hooks`), the kernel keeps the answer and later packets never leave it. Remote is the other side of\n"
        "the interface, local is this one.\n"
        "\n"
        "In and Out say what the kernel does with a packet of that direction: pass, drop, or ask the engine. Packets\n"
        "and Bytes are those that the kernel answered for, and no others. A flow is forgotten when it has been idle\n"
        "for as long as Idle says.\n"
        "\n"
        "The table is a cache. To forget a flow is harmless, its next packet goes to the engine; and when hooks or\n"
        "links change, every answer changes with them.\n"
        "\n"
        "With EXPR only flows of which packets of either direction match are shown. It may ask for what a flow is\n"
        "made of, not for lengths, TCP flags or payload. Without `vlan` it is about the packets inside the tags.\n"
        "\n"
        "With --json: {\"count\": how many there are, \"flows\": [those that match]}.\n"
        "\n"
        "Examples:\n"
        "  bpfctl flows\n"
        "  bpfctl flows host 192.0.2.1 and tcp port 443\n"
        "  bpfctl flows 'vlan 5 and (udp or icmp)'\n",
    .request = "flows",
    .list = "flows",
    .declare = declare_flows,
    .text = text_of_flows,
};

} // namespace pfild::bpfctl
