// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl heads`: the filtering points, and which hooks run there in which order.
#include "bpfctl/text/heads.h"
#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_heads(const Exchange& exchange) { return heads_text(member(exchange.result, "heads")); }

} // namespace

const Verb kHeads{
    .name = "heads",
    .synopsis = "",
    .summary = "points of filtering, with the hooks linked there in run order",
    .notes = "A line for each head, then one for each linked hook, in the order in which a packet meets them: In for\n"
             "incoming packets, Out for outgoing ones. DLT is what the packets begin with: RAW is the IP header,\n"
             "EN10MB the Ethernet header. A head filters the packets of the interfaces under Covers, and no others.\n",
    .request = "heads",
    .declare = no_arguments,
    .text = text_of_heads,
};

} // namespace pfild::bpfctl
