// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl sysctl [NAME[=VALUE]..]`: what sysctl(8) shows below net.bpf on a BSD.
//
//     words -> sizes to set, names to show -> sysctl or sysctl-set -> those variables of the answer
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpfctl/command_name.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/peers.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr std::string_view kSubtree = "net.bpf";
constexpr std::string_view kStats = "stats";
constexpr std::string_view kDevices = "peers";

struct Variable {
    std::string_view name;
    bool settable;
};
constexpr std::array<Variable, 5> kVariables{
    {{"maxbufsize", true}, {"bufsize", true}, {"maxinsns", false}, {kStats, false}, {kDevices, false}}};

struct SysctlOperands {
    std::vector<std::string> words;
    bool write = false;
};

std::string full(std::string_view name) { return std::string(kSubtree) + '.' + std::string(name); }

/// With net.bpf in front or without.
Outcome<const Variable*> variable_named(std::string_view word) {
    std::string_view name = word;
    if (name.size() > kSubtree.size() && name.substr(0, kSubtree.size()) == kSubtree && name[kSubtree.size()] == '.') {
        name.remove_prefix(kSubtree.size() + 1);
    }
    const auto* const found =
        std::find_if(kVariables.begin(), kVariables.end(), [name](const Variable& one) { return one.name == name; });
    if (found == kVariables.end()) {
        std::string names;
        for (const Variable& one : kVariables) {
            names += (names.empty() ? "" : ", ") + std::string(one.name);
        }
        return usage_failure("sysctl", "'" + std::string(word) + "' is not one of " + names);
    }
    return found;
}

/// "NAME=VALUE" as an argument of sysctl-set.
Outcome<const Variable*> set(Json& arguments, std::string_view name, std::string_view value) {
    return variable_named(name).and_then([&](const Variable* variable) -> Outcome<const Variable*> {
        if (!variable->settable) {
            return fail(Exit::kRefused, {"sysctl", full(variable->name), "it cannot be set", "", EPERM});
        }
        std::uint32_t bytes = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
        if (error != std::errc() || end != value.data() + value.size()) {
            return usage_failure("sysctl",
                                 full(variable->name) + ": '" + std::string(value) + "' is no number of bytes");
        }
        const auto [place, fresh] = arguments.emplace(std::string(variable->name), bytes);
        if (!fresh) {
            return usage_failure("sysctl", full(variable->name) + " is set twice");
        }
        return variable;
    });
}

Outcome<Question> gather_sysctl(const SysctlOperands& operands) {
    Question question(Json::object());
    std::vector<std::string_view> shown;
    for (const std::string_view word : operands.words) {
        const std::size_t equals = word.find('=');
        if (operands.write && equals == std::string_view::npos) {
            return usage_failure("sysctl", "-w needs NAME=VALUE, not '" + std::string(word) + "'");
        }
        if (word == kSubtree) {
            continue; // shown is all of them
        }
        const auto variable = equals == std::string_view::npos
                                  ? variable_named(word)
                                  : set(question.arguments, word.substr(0, equals), word.substr(equals + 1));
        if (!variable) {
            return tl::make_unexpected(variable.error());
        }
        shown.push_back((*variable)->name);
    }
    if (operands.write && operands.words.empty()) {
        return usage_failure("sysctl", "-w needs NAME=VALUE");
    }
    question.request = question.arguments.empty() ? "sysctl" : "sysctl-set";
    const bool all =
        shown.empty() || std::find(operands.words.begin(), operands.words.end(), kSubtree) != operands.words.end();
    question.derive = [shown = std::move(shown), all](const Json& answer, const Options&) -> Outcome<Json> {
        Json some = Json::object();
        for (const Variable& variable : kVariables) {
            if (all || std::find(shown.begin(), shown.end(), variable.name) != shown.end()) {
                some[full(variable.name)] = member(answer, variable.name);
            }
        }
        return some;
    };
    return question;
}

Arguments declare_sysctl(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<SysctlOperands>();
    app.add_option("NAME[=VALUE]", operands->words, "a variable, net.bpf before it or not; all of them without");
    app.add_flag("-w,--write", operands->write, "variables are set, none is only shown");
    return [operands] { return gather_sysctl(*operands); };
}

std::string stats_text(const Json& stats) {
    return "received " + digits(stats, "received") + ", dropped " + digits(stats, "dropped") + ", captured " +
           digits(stats, "captured");
}

std::string text_of_sysctl(const Exchange& exchange) {
    std::string lines;
    for (const Variable& variable : kVariables) {
        const std::string name = full(variable.name);
        if (!exchange.result.contains(name)) {
            continue;
        }
        const Json& value = member(exchange.result, name);
        if (variable.name == kDevices) {
            lines += name + (value.empty() ? "=\n" : ":\n" + peers_text(value, command_name));
        } else {
            lines += name + '=' + (variable.name == kStats ? stats_text(value) : digits(exchange.result, name)) + '\n';
        }
    }
    return lines;
}

} // namespace

const Verb kSysctl{
    .name = "sysctl",
    .synopsis = "[-w] [NAME[=VALUE]]...",
    .summary = "variables net.bpf of bpf devices, as sysctl(8) has them on a BSD",
    .notes =
        "  net.bpf.maxbufsize  bytes of the largest buffer that a device can have, 4096 to 16777216; it has two\n"
        "  net.bpf.bufsize     bytes of the buffer of a new device, 32 to maxbufsize\n"
        "  net.bpf.maxinsns    instructions of the longest filter\n"
        "  net.bpf.stats       packets of all devices since the daemon started\n"
        "  net.bpf.peers       the open devices, see `bpfctl peers`; who is not root sees his own\n"
        "\n"
        "The first two can be set, by root. Devices that have their buffers keep them; the memory of all devices\n"
        "together is `devices` such pairs of the largest size. A bufsize above a smaller maxbufsize becomes that.\n"
        "It lasts until the daemon ends; for good: capture_buffer_kib in the configuration.\n"
        "\n"
        "With --json: {\"net.bpf.NAME\": VALUE, ..}.\n"
        "\n"
        "Examples:\n"
        "  bpfctl sysctl\n"
        "  bpfctl sysctl net.bpf.stats\n"
        "  bpfctl sysctl -w net.bpf.maxbufsize=8388608\n",
    .request = "sysctl",
    .declare = declare_sysctl,
    .text = text_of_sysctl,
};

} // namespace pfild::bpfctl
