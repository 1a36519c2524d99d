// SPDX-License-Identifier: BSD-2-Clause
// See help.h.
#include "bpfctl/help.h"

#include <CLI/CLI.hpp>

#include "bpfctl/text/table.h"
#include "bpfctl/text/wrapped.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr std::string_view kIntroduction =
    "bpfctl: talks to pfild, the packet filter.\n"
    "\n"
    "A hook is a named filter, a head a point of filtering. Attach an interface, add a hook, link it to a head;\n"
    "then its packets are filtered. What bpfctl changes is in force when it returns; new rules lose no packet.\n"
    "\n";

constexpr std::string_view kExamples =
    "\n"
    "Verbs may be shortened as long as they are not ambiguous: `bpfctl at eth0`, `bpfctl hook a ...`.\n"
    "\n"
    "Example: drop telnet that arrives at eth0\n"
    "  bpfctl attach eth0\n"
    "  bpfctl hook add cbpf:block-telnet --filter 'tcp dst port 23' --on-match drop --type inet\n"
    "  bpfctl link -i cbpf:block-telnet inet\n"
    "  bpfctl hooks                                what it has dropped\n"
    "  bpfctl unlink -i cbpf:block-telnet inet     let it through again\n"
    "\n"
    "Exit status: 0 done, 1 refused, 2 the command line is wrong, 3 pfild cannot be reached or does not answer,\n"
    "4 done and in force, but not recorded: the next daemon will not know of it.\n";

/// "--on-match drop|pass|count": the names of an option and what it takes.
std::string names_of(const CLI::Option& option) {
    std::string names = option.get_positional() ? option.get_name(true) : option.get_name(false, true);
    for (std::size_t at = names.find(','); at != std::string::npos; at = names.find(',', at + 2)) {
        names.replace(at, 1, ", ");
    }
    std::string takes = option.get_option_text().empty() ? option.get_type_name() : option.get_option_text();
    if (const std::size_t validated = takes.find(':'); validated != std::string::npos) {
        takes = takes.substr(validated + 1); // CLI11: type, then what the validator accepts
    }
    const bool has_value = !option.get_positional() && option.get_items_expected_max() > 0;
    return has_value ? names + ' ' + takes : names;
}

std::string options_text(CLI::App& app) {
    Table table({Align::kLeft, Align::kLeft}, 2);
    for (const CLI::Option* option : app.get_options()) {
        table.add({names_of(*option), option->get_description()});
    }
    return table.str();
}

std::string heading(const Verb& verb) {
    return std::string("bpfctl ") + std::string(verb.name) + (verb.synopsis.empty() ? "" : " ") +
           std::string(verb.synopsis) + '\n';
}

} // namespace

std::string usage_text() {
    Table table({Align::kLeft, Align::kLeft}, 2);
    for (const Verb* verb : verbs()) {
        table.add({std::string(verb->name), std::string(verb->summary)});
    }
    Options options;
    CLI::App globals;
    declare_globals(globals, options);
    globals.add_flag("--version")->description("the version of bpfctl");
    return wrapped(std::string(kIntroduction) +
                   "Usage: bpfctl [OPTIONS] VERB ...\n\nVerbs (`bpfctl help VERB` says more):\n" + table.str() +
                   "\nOptions, before the verb or after it:\n" + options_text(globals) + std::string(kExamples));
}

std::string verb_help(const Verb& verb) {
    Options options;
    CLI::App own;
    own.set_help_flag();
    const Arguments unused = declare_verb(verb, own, options);
    CLI::App globals;
    declare_globals(globals, options);
    std::string all = "Usage: " + heading(verb) + "\n  " + std::string(verb.summary) + "\n\n";
    if (const std::string specific = options_text(own); !specific.empty()) {
        all += "Options:\n" + specific + '\n';
    }
    all += "Options of every verb:\n" + options_text(globals);
    return wrapped(verb.notes.empty() ? all : all + '\n' + std::string(verb.notes));
}

std::string group_help(std::span<const std::string> words) {
    std::string all;
    int count = 0;
    for (const Verb* verb : verbs()) {
        if (words.size() == 1 && verb->name.substr(0, words[0].size() + 1) == words[0] + ' ') {
            all += (count++ == 0 ? "Usage: " : "       ") + heading(*verb);
        }
    }
    return count < 2 ? std::string() : all + "\n`bpfctl help VERB` says more, for example `bpfctl help hook add`.\n";
}

} // namespace pfild::bpfctl
