// SPDX-License-Identifier: BSD-2-Clause
// The words of a command line as a question to the daemon, as a text to show, or as what is wrong with them.
//
//     bpfctl [-N NAME] [--socket PATH] [--json]  VERB [VERB]  operands and options
//
// The global options are understood before the verb and after it. Pure but for hook add, which reads its bytecode file.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "bpfctl/endpoint.h"
#include "bpfctl/failure.h"
#include "bpfctl/verb.h"

namespace pfild::bpfctl {

/// A verb, and how to get the arguments of its request.
struct Invocation {
    const Verb* verb;
    Options options;
    Arguments arguments;
};

/// A text that was asked for: help or version.
using Shown = std::string;

/// `words` without the program's name, not empty.
[[nodiscard]] Outcome<std::variant<Invocation, Shown>> parse(const std::vector<std::string>& words);

/// Is --json among the words? Answers also for command lines that do not parse.
[[nodiscard]] bool wants_json(const std::vector<std::string>& words);

} // namespace pfild::bpfctl
