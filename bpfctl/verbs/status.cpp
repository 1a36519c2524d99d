// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl status`: what is attached, where packets go, known flows and the packet buffers.
#include "bpfctl/text/status.h"

#include <algorithm>

#include "bpfctl/fields.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

/// The daemon says how much in all, and how much of it for flows.
std::string memory_text(const Json& status) {
    const std::uint64_t all = number(status, "memory_bytes").value_or(0);
    const std::uint64_t flows = std::min(number(member(status, "flows"), "memory_bytes").value_or(0), all);
    const std::string for_packets = bytes(all - flows) + " of memory for packets";
    return flows == 0 ? for_packets + '\n' : for_packets + ", " + bytes(flows) + " for flows\n";
}

std::string names_text(const char* what, const Json& names) {
    std::string all;
    for (const Json& name : names) {
        all += (all.empty() ? "" : ", ") + (name.is_string() ? name.get<std::string>() : "?");
    }
    return all.empty() ? all : '\n' + (what + all) + '\n';
}

std::string wanted_text(const Json& status) {
    return names_text("Waited for, not guarded yet: ", member(status, "waited_for")) +
           names_text("Guarded as they come: interfaces called ", member(status, "patterns")) +
           names_text("Left alone, whatever pattern means them: ", member(status, "left_alone"));
}

std::string text_of_status(const Exchange& exchange) {
    const Json& status = exchange.result;
    std::string all = "pfild " + text(status, "version") + ", instance " + text(status, "instance") + ", pid " +
                      digits(status, "pid") + ", up " + duration(number(status, "uptime_s").value_or(0)) + "\n" +
                      "kernel " + text(status, "kernel") + ", network namespace " + text(status, "netns") + "\n";
    if (flag(status, "panic")) {
        all = "PANIC: all packets of attached interfaces are dropped. `bpfctl panic off` ends it.\n\n" + all;
    }
    all += "started from " + text(status, "started_from") + '\n';
    all += buffers_text(member(status, "buffers"));
    all += flow_table_text(member(status, "flows"));
    all += memory_text(status);
    const Json& interfaces = member(status, "interfaces");
    for (const Json& interface : interfaces) {
        all += '\n' + interface_text(interface);
    }
    if (interfaces.empty()) {
        all += "\nNo interface is attached. Attach one: bpfctl attach IFACE\n";
    }
    return all + wanted_text(status);
}

} // namespace

const Verb kStatus{
    .name = "status",
    .synopsis = "",
    .summary = "what is attached and how pfild is",
    .notes =
        "Shows each attached interface: whether its packets are filtered, or passed in the kernel because no hook\n"
        "is linked, and what happens to them when the engine is not there. Where hooks run, and which packets the\n"
        "kernel answers by itself, is in `bpfctl hooks` and `bpfctl flows`.\n"
        "\n"
        "Below are interfaces that are wanted and not guarded yet: they are not there, or cannot be attached, which\n"
        "the log has the reason of. Then the patterns by which interfaces are wanted, and those that are left alone.\n",
    .request = "status",
    .declare = no_arguments,
    .text = text_of_status,
};

} // namespace pfild::bpfctl
