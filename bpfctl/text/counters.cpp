// SPDX-License-Identifier: BSD-2-Clause
// See counters.h.
#include "bpfctl/text/counters.h"

#include <array>
#include <string_view>
#include <utility>

#include "bpfctl/fields.h"
#include "bpfctl/text/table.h"
#include "bpfctl/text/units.h"

namespace pfild::bpfctl {
namespace {

/// A few words for the counters of the heads and of the flow table; names that are not here stand for themselves.
constexpr std::array<std::pair<std::string_view, std::string_view>, 31> kMeanings{{
    {"diverted", "sent to the engine"},
    {"returned", "sent back by the engine, on its way to the head"},
    {"reentered", "came back from the engine and went on"},
    {"passed_known", "passed in the kernel: the flow is known"},
    {"dropped_known", "dropped in the kernel: the flow is known"},
    {"passed_lowered", "passed in the kernel: all hooks run there"},
    {"dropped_lowered", "dropped in the kernel: by a hook that runs there"},
    {"handover_forced", "flows taken over by time, not by count"},
    {"passed_unhooked", "passed in the kernel: no hook is linked"},
    {"passed_neighbour", "passed in the kernel: ARP or neighbour discovery"},
    {"passed_unattended", "passed: the engine was not there (unknown: pass)"},
    {"dropped_unattended", "dropped: the engine was not there (unknown: drop)"},
    {"passed_silent", "passed: the engine did not answer (silent: pass)"},
    {"dropped_silent", "dropped: the engine did not answer (silent: drop)"},
    {"passed_looped", "passed in the kernel: this host's own multicast, looped back"},
    {"dropped_stamp", "dropped: forged, or rewritten on its way back from the engine"},
    {"dropped_repairing", "dropped: for the engine, whose port pair was being repaired"},
    {"dropped_label", "dropped: it could not be labelled for the engine"},
    {"dropped_stray", "dropped on the port pair: it did not come from a head"},
    {"dropped_socketless", "dropped on the port pair: the engine's socket had just closed"},
    {"port_dropped", "dropped before the port pair: the engine did not keep up"},
    {"engine_dropped_stale", "dropped: it lay there while the engine was stopped"},
    {"silences", "times the engine did not answer for 250 ms"},
    {"longest_gap_us", "the longest of those times, or of shorter ones"},
    {"capacity", "flows that the kernel can know"},
    {"memory_bytes", "memory for them"},
    {"in_use", "flows that it knows now"},
    {"created", "flows it was told of"},
    {"expired", "flows forgotten: idle for too long"},
    {"removed", "flows forgotten: on request, or with their interface"},
    {"refused", "packets whose flow found no room"},
}};

std::string meaning_of(std::string_view name) {
    for (const auto& [known, meaning] : kMeanings) {
        if (known == name) {
            return std::string(meaning);
        }
    }
    return {};
}

bool is_bytes(std::string_view name) {
    constexpr std::string_view kSuffix = "bytes";
    return name.size() >= kSuffix.size() && name.substr(name.size() - kSuffix.size()) == kSuffix;
}

} // namespace

std::string counters_text(const std::string& title, const Json& counters, bool all) {
    Table table({Align::kLeft, Align::kRight, Align::kLeft}, 2);
    for (const auto& item : counters.items()) {
        const auto value = number(counters, item.key());
        if (value && (*value != 0 || all)) {
            const std::string unit = is_bytes(item.key()) && *value >= 1024 ? bytes(*value) : "";
            const std::string meaning = meaning_of(item.key());
            table.add({printable(item.key()), std::to_string(*value), unit.empty() ? meaning : unit});
        }
    }
    return title + '\n' + (table.empty() ? "  nothing counted\n" : table.str());
}

} // namespace pfild::bpfctl
