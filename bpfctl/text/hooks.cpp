// SPDX-License-Identifier: BSD-2-Clause
// See hooks.h.
#include "bpfctl/text/hooks.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "bpfctl/fields.h"
#include "bpfctl/text/table.h"
#include "bpfctl/text/units.h"

namespace pfild::bpfctl {
namespace {

/// "inet in+out, eth0 in": heads in the order in which they come first, with their directions.
std::string links_text(const Json& links) {
    std::vector<std::pair<std::string, std::string>> heads;
    for (const Json& link : links) {
        const std::string head = text(link, "head");
        const std::string direction = text(link, "direction");
        bool known = false;
        for (auto& [name, directions] : heads) {
            if (name == head) {
                directions += '+' + direction;
                known = true;
            }
        }
        if (!known) {
            heads.emplace_back(head, direction);
        }
    }
    std::string all;
    for (const auto& [name, directions] : heads) {
        all.append(all.empty() ? "" : ", ").append(name).append(1, ' ').append(directions);
    }
    return all.empty() ? "nowhere" : all;
}

std::string filter_text(const Json& hook) {
    const std::string unverified = text(hook, "compiled") == "unverified" ? "unverified" : "";
    if (member(hook, "filter").is_string()) {
        return cut(text(hook, "filter"), kWidestExcerpt) + (unverified.empty() ? "" : " (" + unverified + ')');
    }
    return "(bytecode, " + counted(number(hook, "instructions").value_or(0), "instruction") +
           (unverified.empty() ? "" : ", " + unverified) + ')';
}

/// What a hook is asked once about.
std::string asked_text(const Json& hook) {
    const std::string answers = text(hook, "answers");
    if (answers == "per flow") {
        return member(hook, "because").is_string() ? "flow or packet" : "flow";
    }
    return answers == "per packet" ? "packet" : answers;
}

/// "kernel", "engine", both if it depends on the interface or the direction; nothing where no packet meets it.
std::string runs_text(const Json& hook) {
    bool kernel = false;
    bool engine = false;
    for (const Json& run : member(hook, "runs")) {
        (text(run, "where") == "kernel" ? kernel : engine) = true;
    }
    return kernel && engine ? "both" : kernel ? "kernel" : engine ? "engine" : "-";
}

/// "4.2", "38"; nothing: "-".
std::string ns_text(const Json& ns) {
    if (!ns.is_number()) {
        return "-";
    }
    std::array<char, 32> text{}; // at most 2^53
    (void)std::snprintf(text.data(), text.size(), "%.*f", ns.get<double>() < 10 ? 1 : 0, ns.get<double>());
    return text.data();
}

/// Where it runs; in the engine, and behind a stroke in the kernel, where it runs in both.
std::string cost_text(const Json& hook) {
    const Json& cost = member(hook, "cost");
    const std::string engine = ns_text(member(cost, "engine_ns"));
    const std::string kernel = ns_text(member(cost, "kernel_ns"));
    const std::string runs = runs_text(hook);
    const std::string ns = runs == "both" ? engine + '/' + kernel : runs == "kernel" ? kernel : engine;
    return ns == "-" || ns == "-/-" ? "-" : ns + " ns";
}

/// "eth0 in, eth0 out": where a hook runs for that reason.
std::string places_text(const Json& runs, const Json& because) {
    std::string all;
    for (const Json& run : runs) {
        if (member(run, "because") == because) {
            all.append(all.empty() ? "" : ", ").append(text(run, "interface")).append(1, ' ');
            all.append(text(run, "direction"));
        }
    }
    return all;
}

/// Lines for the hooks that run in the engine although they want every packet, or were asked to run in the kernel.
std::string engine_text(const Json& hooks) {
    std::string all;
    for (const Json& hook : hooks) {
        const Json& runs = member(hook, "runs");
        if (asked_text(hook) != "packet" && text(hook, "run") != "kernel") {
            continue;
        }
        std::vector<Json> told;
        for (const Json& run : runs) {
            const Json& because = member(run, "because");
            if (because.is_string() && std::find(told.begin(), told.end(), because) == told.end()) {
                all += text(hook, "name") + " runs in the engine (" + places_text(runs, because) +
                       "): " + text(run, "because") + '\n';
                told.push_back(because);
            }
        }
    }
    return all;
}

/// Lines for the hooks that must see more than the first packets of a flow.
std::string reasons_text(const Json& hooks) {
    std::string all;
    for (const Json& hook : hooks) {
        if (member(hook, "because").is_string()) {
            all += text(hook, "name") + " is asked per " + asked_text(hook) + ": " + text(hook, "because") + '\n';
        }
    }
    for (const Json& hook : hooks) {
        all += as_it_is_text(hook) + upkeep_text(hook);
    }
    all += engine_text(hooks);
    return all.empty() ? all : '\n' + all;
}

} // namespace

std::string hooks_text(const Json& hooks) {
    Table table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight,
                 Align::kRight, Align::kRight, Align::kLeft, Align::kLeft});
    table.add({"Hook", "Type", "On match", "Asked per", "Runs in", "Cost", "Seen", "Matched", "Dropped", "Linked to",
               "Filter"});
    for (const Json& hook : hooks) {
        const Json& counters = member(hook, "counters");
        table.add(
            {text(hook, "name"), text(hook, "type"), text(hook, "on_match"), asked_text(hook), runs_text(hook),
             cost_text(hook), digits(counters, "seen_packets"), digits(counters, "matched_packets"),
             digits(counters, "dropped_packets"),
             member(hook, "enabled") == false ? "disabled" : cut(links_text(member(hook, "links")), kWidestExcerpt),
             filter_text(hook)});
    }
    return table.str() + reasons_text(hooks);
}

std::string whole_filter_text(const Json& hook) {
    const std::string filter = member(hook, "filter").is_string() ? text(hook, "filter") : "";
    return cut(filter, kWidestExcerpt) == filter ? "" : "\nFilter: " + filter + '\n';
}

std::string as_it_is_text(const Json& hook) {
    if (!member(hook, "as_it_is").is_string()) {
        return {};
    }
    return text(hook, "name") + " may ask for the " + text(hook, "as_it_is") +
           " of a packet: it is shown packets as they are, too\n";
}

std::string upkeep_text(const Json& hook) {
    std::string kinds;
    for (const Json& kind : member(hook, "asked_about")) {
        kinds += (kinds.empty() ? "" : ", ") + printable(kind.get<std::string>());
    }
    std::string all;
    if (!kinds.empty()) {
        all += text(hook, "name") + " is asked about " + kinds + '\n';
    }
    if (text(hook, "neighbours") == "pass") {
        all += text(hook, "name") + " is not asked about what keeps the link up (--neighbours pass)\n";
    }
    if (member(hook, "forced") == true) {
        all += text(hook, "name") + " can match no packet of its type\n";
    }
    return all;
}

std::string on_match_text(const std::string& on_match) {
    if (on_match == "drop") {
        return "packets that match are dropped, the others go on";
    }
    if (on_match == "pass") {
        return "packets that match go on, all others are dropped";
    }
    if (on_match == "count") {
        return "all packets go on, those that match are counted";
    }
    return "on match: " + printable(on_match);
}

} // namespace pfild::bpfctl
