// SPDX-License-Identifier: BSD-2-Clause
// A row of the verb table: how a verb is written, what it asks the daemon, and how its answer reads.
//
//     words -> declare() names its options -> arguments() checks and gathers them -> request -> text()
//                                                                                 \-> or work, for what is no question
//
// A row is constant. declare() may throw CLI11's exceptions only while options are declared, which is a bug; everything
// about the user's words comes back as a value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/App.hpp>

#include "bpfctl/console.h"
#include "bpfctl/failure.h"
#include "bpfctl/json.h"
#include "describe/shape.h"

namespace pfild::bpfctl {

/// What every verb understands, and --all and -d where a verb declares them.
struct Options {
    std::string instance = "default";
    bool named = false; ///< by -N
    std::string socket; ///< empty: that of the instance
    bool json = false;
    bool all = false;
    bool force = false; ///< past the lock-out guard
    int forms = 0;      ///< how many d there were in -ddd
};

/// What a verb does that is more than a question. Prints by itself.
using Work = std::function<Outcome<void>(const Options& options, const Console& console)>;

/// Is this item of the answer's list meant?
using Wanted = std::function<Outcome<bool>(const Json& item)>;

/// The answer as this verb gives it.
using Derive = std::function<Outcome<Json>(const Json& answer, const Options& options)>;

/// Puts a refusal of the daemon in the words of the command line.
using Explain = std::function<void(Failure& failure)>;

/// What the daemon is asked, and what of its answer is kept.
struct Question {
    Question() = default;
    // NOLINTNEXTLINE(google-explicit-constructor): for most verbs the arguments are the whole question
    Question(Json asked) : arguments(std::move(asked)) {}

    Json arguments;
    std::string_view request; ///< asked in place of the verb's; empty: that
    Json remarks;             ///< members that are added to the answer: what is known here and not by the daemon
    Wanted wanted;            ///< of a list that comes in pages; empty: every item
    Work work;                ///< done instead of asking, if there is any
    Derive derive;            ///< what is made of the answer, if there is any
    Explain explain;
};

/// The question, once the words are parsed. Fails with Exit::kUsage or Exit::kRefused.
using Arguments = std::function<Outcome<Question>()>;

/// A question that was answered.
struct Exchange {
    const Json& arguments;
    const Json& result;
    const Options& options;
};

struct Verb {
    std::string_view name;     ///< one word or two: "hook add"
    std::string_view synopsis; ///< its operands: "IFACE [--unknown pass|drop|closed]"
    std::string_view summary;  ///< one line
    std::string_view notes;    ///< paragraphs and examples of its help; lines end with \n
    std::string_view request;  ///< verb of the control protocol; empty: it is not asked (help, capture)
    std::string_view list;     ///< of an answer that comes in pages; else empty
    Arguments (*declare)(CLI::App& app, Options& options);
    std::string (*text)(const Exchange& exchange); ///< what a person reads; lines end with \n
    bool has_command = false;                      ///< the words from its first operand on are those of another program
};

/// `bpfctl: VERB: why (see `bpfctl VERB --help`)`, Exit::kUsage.
[[nodiscard]] tl::unexpected<Failure> usage_failure(std::string_view verb, std::string why);

/// "MODULE:NAME", both parts present (PF-31); else why not.
[[nodiscard]] std::string hook_name_flaw(const std::string& name);

/// Declares the operand HOOK, an option --name that takes one of some words, and the flags -i and -o.
struct Directions {
    bool in = false;
    bool out = false;

    void declare(CLI::App& app);
    [[nodiscard]] bool none() const noexcept { return !in && !out; }
    [[nodiscard]] Json json() const; ///< ["in", "out"]
};
[[nodiscard]] CLI::Validator one_of(const std::vector<std::string>& words);

/// Declares an option for each field of a request that may be left out and that one word can say: its name, words and
/// sentence are the description's. What is given goes to `arguments`.
void declare_fields(CLI::App& app, const describe::Shape& request, const std::shared_ptr<Json>& arguments);

/// The words that a field of a request may be.
[[nodiscard]] CLI::Validator words_of(const describe::Shape& request, std::string_view field);

/// A whole decimal number in these bounds.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);

/// For verbs without arguments.
[[nodiscard]] Arguments no_arguments(CLI::App& app, Options& options);

/// For verbs that ask nothing.
[[nodiscard]] std::string no_text(const Exchange& exchange);

} // namespace pfild::bpfctl
