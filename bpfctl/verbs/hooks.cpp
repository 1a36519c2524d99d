// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl hooks`: the filters there are, and what they have counted.
#include "bpfctl/text/hooks.h"
#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_hooks(const Exchange& exchange) {
    const Json& hooks = member(exchange.result, "hooks");
    return hooks.empty() ? "There is no hook. Add one: bpfctl help hook add\n" : hooks_text(hooks);
}

} // namespace

const Verb kHooks{
    .name = "hooks",
    .synopsis = "",
    .summary = "hooks, what they counted and where they are linked",
    .notes =
        "Seen, Matched and Dropped count the packets that the hook was asked about. A hook that is linked nowhere\n"
        "filters nothing.\n"
        "\n"
        "Asked per says how often that is. flow: the filter looks only at what is the same for all packets of a flow\n"
        "(protocol, addresses, ports, VLANs), so it is asked about the first packets of a flow, and then the kernel\n"
        "knows the answer (`bpfctl help flows`). packet: it looks at more, so it is asked about every packet; the\n"
        "reason stands below the table. flow or packet: the former, but for packets that it must count.\n"
        "\n"
        "Runs in says where it is asked: engine, or kernel, as part of the head, so that packets need not come up.\n"
        "Hooks that are asked per packet run in the kernel if they and everything in front of them can; the others\n"
        "do where such a hook is linked beside them. Why not stands below the table. both: that depends on\n"
        "interface or direction. See --run of `bpfctl help hook add`.\n"
        "\n"
        "Cost is what it takes to ask the hook about a packet, where it runs (both: engine/kernel): measured once, by\n"
        "running it over sample packets that are in the cache, never on the packet path. A packet that comes up to\n"
        "the engine costs about a thousand nanoseconds more, whatever the hook. -: not measured yet; ask again.\n"
        "\n"
        "A filter or a list of heads that is longer than 60 characters is cut, and ends in two dots; `bpfctl hook\n"
        "show` and --json have all of it.\n",
    .request = "hooks",
    .declare = no_arguments,
    .text = text_of_hooks,
};

} // namespace pfild::bpfctl
