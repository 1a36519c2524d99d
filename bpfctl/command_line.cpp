// SPDX-License-Identifier: BSD-2-Clause
// See command_line.h. CLI11 throws what it finds wrong; it is caught in parse_into() and goes no further.
#include "bpfctl/command_line.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <span>

#include <CLI/CLI.hpp>

#include "bpfctl/help.h"
#include "bpfctl/verbs.h"
#include "control/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr std::string_view kEndOfOptions = "--";

bool has_word(std::span<const std::string> words, std::string_view wanted) {
    const auto end = std::find(words.begin(), words.end(), kEndOfOptions);
    return std::find(words.begin(), end, wanted) != end;
}

bool wants_help(std::span<const std::string> words) { return has_word(words, "--help") || has_word(words, "-h"); }

/// The instance is a folder in /run/pfild, and nothing else.
std::string check_instance(const std::string& name) {
    const bool is_word = !name.empty() && name.size() <= 64 && name[0] != '.' &&
                         std::all_of(name.begin(), name.end(), [](unsigned char c) {
                             return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
                         });
    return is_word ? std::string() : '\'' + name + "' is no instance name: use letters, digits, _ - and .";
}

/// CLI11's finding in our words.
std::string why_of(const CLI::ParseError& error) {
    std::string why = error.what();
    const std::size_t colon = why.find(": ");
    const std::string name = why.substr(0, colon);
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        return "not expected here: " + (colon == std::string::npos ? why : why.substr(colon + 2));
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        return name + (why.find("missing") != std::string::npos ? ": its value is missing" : ": given more than once");
    }
    if (const std::size_t at = why.find(" is required"); at != std::string::npos) {
        return why.substr(0, at) + " is missing";
    }
    return why;
}

std::optional<std::string> parse_into(CLI::App& app, std::vector<std::string> words) {
    std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
    try {
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return why_of(error);
    }
    return std::nullopt;
}

/// What of the words comes before the verb: global options and their values.
std::size_t global_words(const std::vector<std::string>& words) {
    std::size_t count = 0;
    while (count < words.size() && words[count].size() > 1 && words[count][0] == '-' && words[count] != kEndOfOptions) {
        const bool has_value = words[count] == "-N" || words[count] == "--name" || words[count] == "--socket";
        count += has_value ? 2 : 1;
    }
    return std::min(count, words.size());
}

/// Of the words from a verb on: those that are not another program's.
std::span<const std::string> own_words(std::span<const std::string> rest, const Outcome<Resolved>& resolved) {
    if (!resolved || !resolved->verb->has_command) {
        return rest;
    }
    const auto behind = rest.subspan(resolved->words);
    return rest.first(resolved->words + global_words({behind.begin(), behind.end()}));
}

/// What is behind a verb, as CLI11 is to see it: another program's options are none of ours.
std::vector<std::string> operands_of(std::span<const std::string> rest, std::span<const std::string> own,
                                     std::size_t verb_words) {
    std::vector<std::string> operands(own.begin() + static_cast<std::ptrdiff_t>(verb_words), own.end());
    const auto others = rest.subspan(own.size());
    if (!others.empty() && others.front() != kEndOfOptions) {
        operands.emplace_back(kEndOfOptions);
    }
    operands.insert(operands.end(), others.begin(), others.end());
    return operands;
}

Outcome<std::variant<Invocation, Shown>> show_help(std::span<const std::string> words) {
    std::vector<std::string> names;
    std::copy_if(words.begin(), words.end(), std::back_inserter(names),
                 [](const std::string& word) { return word.substr(0, 1) != "-"; });
    if (names.empty()) {
        return Shown(usage_text());
    }
    if (const auto group = group_help(names); !group.empty()) {
        return Shown(group);
    }
    auto resolved = resolve(names);
    if (!resolved) {
        return tl::make_unexpected(std::move(resolved.error()));
    }
    return Shown(resolved->verb == &kHelp ? usage_text() : verb_help(*resolved->verb));
}

} // namespace

bool wants_json(const std::vector<std::string>& words) { return has_word(words, "--json"); }

void declare_globals(CLI::App& app, Options& options) {
    app.set_help_flag();
    app.add_option("-N,--name", options.instance, "the instance of pfild to talk to, else 'default'")
        ->option_text("NAME")
        ->each([&options](const std::string& /*name*/) { options.named = true; })
        ->check(CLI::Validator(check_instance, ""));
    app.add_option("--socket", options.socket, "its control socket, instead of /run/pfild/NAME/control.sock")
        ->option_text("PATH");
    app.add_flag("--json", options.json, "answer and errors as JSON")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_flag("-h,--help")->description("this text");
}

Arguments declare_verb(const Verb& verb, CLI::App& app, Options& options) {
    Arguments arguments = verb.declare(app, options);
    const control::Verb* const asked = verb.request.empty() ? nullptr : control::find_verb(verb.request);
    if (asked != nullptr && asked->guarded) {
        app.add_flag("--force", options.force, "also if your own connection to this host would be cut")
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    return arguments;
}

Outcome<std::variant<Invocation, Shown>> parse(const std::vector<std::string>& words) {
    const std::size_t globals = global_words(words);
    const auto before = std::span(words).first(globals);
    const auto rest = std::span(words).subspan(globals);
    Invocation invocation{nullptr, {}, {}};
    CLI::App front;
    bool version = false;
    declare_globals(front, invocation.options);
    front.add_flag("--version", version, "version of bpfctl");
    if (const auto wrong = parse_into(front, {before.begin(), before.end()})) {
        return fail(Exit::kUsage, {"options", "", *wrong, "see `bpfctl help`", EINVAL});
    }
    if (version) {
        return Shown("bpfctl " PFILD_VERSION "\n");
    }
    if (wants_help(before)) {
        return show_help(rest);
    }
    if (rest.empty()) {
        return fail(Exit::kUsage, {"verb", "", "there is none", "see `bpfctl help`", EINVAL});
    }
    const auto resolved = resolve(rest);
    const auto own = own_words(rest, resolved);
    if (wants_help(own)) {
        return show_help(own);
    }
    if (!resolved) {
        return tl::make_unexpected(resolved.error());
    }
    if (resolved->verb == &kHelp) {
        return show_help(rest.subspan(1));
    }
    invocation.verb = resolved->verb;
    CLI::App app;
    declare_globals(app, invocation.options);
    invocation.arguments = declare_verb(*invocation.verb, app, invocation.options);
    if (auto wrong = parse_into(app, operands_of(rest, own, resolved->words))) {
        return usage_failure(invocation.verb->name, std::move(*wrong));
    }
    return invocation;
}

} // namespace pfild::bpfctl
