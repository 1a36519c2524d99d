// SPDX-License-Identifier: BSD-2-Clause
// See source.h.
#include "bpfctl/filter/source.h"

#include <cerrno>

#include "bpfctl/bytecode_file.h"
#include "bpfctl/verb.h"

namespace pfild::bpfctl {
namespace {

std::optional<filter::LinkType> link_type_of_word(const std::string& word) {
    const auto of_hook = filter::link_type_of(word);
    return of_hook ? of_hook : filter::link_type_named(word);
}

} // namespace

CLI::Validator link_type_word() {
    const auto check = [](const std::string& word) {
        return link_type_of_word(word)
                   ? std::string()
                   : '\'' + word + "' is no link type: write EN10MB, RAW, inet, ethernet or what `tcpdump -L` lists";
    };
    return {check, ""};
}

void FilterSource::declare_expression(CLI::App& app) {
    app.add_option("EXPR", words, "an expression as tcpdump takes it, see pcap-filter(7)");
    app.add_flag("-O,--no-optimiser", unoptimised, "leave the program as libpcap's grammar makes it");
    app.add_flag("--resolve", resolve, "look up names of hosts in the expression, once and now");
}

void FilterSource::declare_bytecode(CLI::App& app) {
    app.add_option("--bytecode", bytecode,
                   "a program instead, as tcpdump prints it with -d, -dd or -ddd; - is "
                   "standard input")
        ->option_text("FILE");
}

void FilterSource::declare_link_type(CLI::App& app) {
    app.add_option("-y,--link-type", link_type,
                   "what packets begin with, else EN10MB: RAW, LINUX_SLL, ...; or a type of hooks, inet")
        ->option_text("TYPE")
        ->check(link_type_word());
}

Outcome<void> FilterSource::check(std::string_view verb) const {
    if (words.empty() == !bytecode) {
        return usage_failure(verb, "give either EXPR or --bytecode");
    }
    if (bytecode && (resolve || unoptimised)) {
        return usage_failure(verb, std::string(resolve ? "--resolve" : "--no-optimiser") + " is for expressions only");
    }
    return {};
}

std::string FilterSource::expression() const {
    std::string expression;
    for (const std::string& word : words) {
        expression += (&word == &words.front() ? "" : " ") + word;
    }
    return expression;
}

filter::NamedLinkType FilterSource::type() const {
    return filter::link_type_numbered(link_type_of_word(link_type).value_or(filter::kEthernet).number);
}

Outcome<std::vector<cbpf::Instruction>> FilterSource::instructions(filter::LinkType type) const {
    auto found = bytecode
                     ? read_bytecode(*bytecode)
                     : filter::compile(expression(), type, resolve ? filter::Names::kResolve : filter::Names::kNumeric,
                                       snap_length, unoptimised ? filter::Optimiser::kOff : filter::Optimiser::kOn);
    if (!found) {
        return fail(Exit::kRefused, std::move(found.error()));
    }
    return std::move(*found);
}

Outcome<SourceProgram> FilterSource::program(std::string_view verb, filter::LinkType type) const {
    std::optional<filter::Proved> compiled;
    if (!bytecode && !unoptimised) {
        auto proved = filter::compile_proved(expression(), type,
                                             resolve ? filter::Names::kResolve : filter::Names::kNumeric, snap_length);
        if (!proved) {
            return fail(Exit::kRefused, std::move(proved.error()));
        }
        compiled = std::move(*proved);
    }
    const auto found = compiled ? Outcome<std::vector<cbpf::Instruction>>(compiled->program) : instructions(type);
    if (!found) {
        return tl::make_unexpected(found.error());
    }
    auto verified = cbpf::Program::verify(*found);
    if (!verified) {
        const std::string object =
            bytecode ? (*bytecode == "-" ? "standard input" : *bytecode) : '\'' + expression() + '\'';
        const std::string advice = bytecode ? "`bpfctl filter show` lists it"
                                            : filter::advice_on(verified.error(), "use a shorter expression");
        return fail(Exit::kRefused, {std::string(verb), object,
                                     "the program does not verify: " + verified.error().message(), advice, EINVAL});
    }
    return SourceProgram{std::move(*verified), std::move(compiled)};
}

} // namespace pfild::bpfctl
