// SPDX-License-Identifier: BSD-2-Clause
// See status.h.
#include "bpfctl/text/status.h"

#include "bpfctl/fields.h"
#include "bpfctl/text/table.h"
#include "bpfctl/text/units.h"

namespace pfild::bpfctl {
namespace {

std::string path_text(const Json& interface, std::string_view direction) {
    const std::string where = " (" + text(member(interface, "heads"), direction) + ')';
    return (flag(member(interface, "hooked"), direction) ? "filtered"
                                                         : "passed in the kernel, no enabled hook is linked") +
           where;
}

std::string state_text(const Json& interface) {
    const std::string state = text(interface, "state");
    if (state == "coming") {
        return "coming: what its heads would divert is dropped until its port pair is there";
    }
    return state == "repairing" ? "being repaired: its port pair or heads were changed by somebody else" : state;
}

std::string unknown_text(const Json& interface) {
    std::string unknown = text(interface, "unknown");
    if (unknown == "drop") {
        return "drop: what only the engine could decide is dropped while it is not there";
    }
    if (unknown == "pass") {
        return "pass: what only the engine could decide passes while it is not there";
    }
    return unknown == "closed" ? "closed: while the engine is not there nothing passes but what keeps the link up"
                               : unknown;
}

std::string silent_text(const Json& interface) {
    std::string silent = text(interface, "silent");
    if (silent == "drop") {
        return "drop: what only the engine could decide is dropped while it does not answer";
    }
    if (silent == "pass") {
        return "pass: what only the engine could decide passes while it does not answer";
    }
    return silent == "closed" ? "closed: while the engine does not answer nothing passes but what keeps the link up"
                              : silent;
}

std::string mode_text(const Json& interface) {
    std::string mode = text(interface, "mode");
    if (mode == "xdp") {
        mode += ", serves " + counted(number(interface, "queues_served").value_or(0), "receive queue");
    } else if (const std::string because = text(interface, "mode_because"); !because.empty()) {
        mode += " (auto: " + because + ')';
    }
    return mode;
}

} // namespace

std::string interface_text(const Json& interface) {
    std::string title = text(interface, "name") + "  " + (flag(interface, "up") ? "up" : "down");
    title += ", index " + digits(interface, "ifindex") + ", " + text(interface, "mac");
    title += ", MTU " + digits(interface, "mtu");
    title += ", " + (number(interface, "rx_queues") ? counted(*number(interface, "rx_queues"), "receive queue") : "?");
    const Json& port_pair = member(interface, "port_pair");
    Table table({Align::kLeft, Align::kLeft}, 2);
    table.add({"state", state_text(interface)});
    for (const Json& other : member(interface, "in_front")) {
        table.add(
            {"WARNING", "a program is in front of the heads: " + (other.is_string() ? other.get<std::string>() : "?")});
    }
    if (text(interface, "mode") == "tap") {
        table.add({"mode", "tap: its packets are shown to captures, and pass"});
        return title + '\n' + table.str();
    }
    table.add({"incoming", path_text(interface, "in")});
    table.add({"outgoing", path_text(interface, "out")});
    table.add({"unknown", unknown_text(interface)});
    table.add({"silent", silent_text(interface)});
    if (text(interface, "silent") == "pass") {
        table.add({"WARNING", "who floods the engine until it does not answer switches the rules off: silent is pass"});
    }
    table.add({"mode", mode_text(interface) + ", port pair " + text(port_pair, "p") + " and " + text(port_pair, "q")});
    return title + '\n' + table.str();
}

std::string flow_table_text(const Json& flows) {
    if (number(flows, "capacity").value_or(0) == 0) {
        return "no flows are known: every packet that a hook could see goes through the engine\n";
    }
    return digits(flows, "in_use") + " of " + counted(*number(flows, "capacity"), "flow") +
           " known: the kernel answers for them by itself\n";
}

std::string buffers_text(const Json& buffers) {
    const auto count = [&buffers](std::string_view key) { return number(buffers, key).value_or(0); };
    std::string line = counted(count("total"), "buffer") + " of " + bytes(count("size")) + ": " +
                       digits(buffers, "free") + " free, " + digits(buffers, "rings") + " in rings, " +
                       digits(buffers, "in_flight") + " in flight\n";
    if (const std::uint64_t sum = count("free") + count("rings") + count("in_flight"); sum != count("total")) {
        line += "WARNING: these are " + std::to_string(sum) + ", not " + digits(buffers, "total") +
                ": buffers leak, please report it\n";
    }
    return line;
}

} // namespace pfild::bpfctl
