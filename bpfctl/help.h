// SPDX-License-Identifier: BSD-2-Clause
// The texts of help: the whole program, a group of verbs, one verb. Made from the verb table and the options that each
// verb declares, so that help cannot say anything else than the parser does.
#pragma once

#include <span>
#include <string>

#include <CLI/App.hpp>

#include "bpfctl/verb.h"

namespace pfild::bpfctl {

[[nodiscard]] std::string usage_text();
[[nodiscard]] std::string verb_help(const Verb& verb);

/// The verbs of a first word alone that begins several ("hook"), else "".
[[nodiscard]] std::string group_help(std::span<const std::string> words);

/// Declares the options that every verb understands. Defined in command_line.cpp, beside the code that reads them.
void declare_globals(CLI::App& app, Options& options);
/// Declares what a verb understands: its own options, and --force where the lock-out guard is asked.
[[nodiscard]] Arguments declare_verb(const Verb& verb, CLI::App& app, Options& options);

} // namespace pfild::bpfctl
