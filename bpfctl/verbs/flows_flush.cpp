// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl flows flush`: makes the kernel forget all flows.
#include "bpfctl/fields.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_flows_flush(const Exchange& exchange) {
    const auto forgotten = number(exchange.result, "forgotten");
    return forgotten ? counted(*forgotten, "flow") + " forgotten\n" : "? flows forgotten\n";
}

} // namespace

const Verb kFlowsFlush{
    .name = "flows flush",
    .synopsis = "",
    .summary = "make the kernel forget all flows",
    .notes = "The table of flows is a cache: no connection breaks. The next packet of each flow goes to the engine,\n"
             "which tells the kernel the answer again. Nothing needs this after hooks or links have changed; then the\n"
             "answers have changed already.\n",
    .request = "flows-flush",
    .declare = no_arguments,
    .text = text_of_flows_flush,
};

} // namespace pfild::bpfctl
