// SPDX-License-Identifier: BSD-2-Clause
// Where the verbs of `bpfctl filter` get their program from: an expression that is compiled here, or a file of
// bytecode; and for which link type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "bpfctl/failure.h"
#include "cbpf/program.h"
#include "filter/expression.h"
#include "filter/link_type.h"
#include "filter/proved.h"

namespace pfild::bpfctl {

struct SourceProgram {
    cbpf::Program program;
    std::optional<filter::Proved> compiled; ///< nothing: it was read, or left as libpcap's grammar makes it
};

/// The words of the command line.
struct FilterSource {
    std::vector<std::string> words; ///< of the expression
    std::optional<std::string> bytecode;
    std::string link_type = "EN10MB";
    int snap_length = filter::kSnapLength;
    bool unoptimised = false;
    bool resolve = false;

    void declare_expression(CLI::App& app);
    void declare_bytecode(CLI::App& app);
    void declare_link_type(CLI::App& app);

    /// Neither, or both; `verb` is for the error.
    [[nodiscard]] Outcome<void> check(std::string_view verb) const;

    [[nodiscard]] std::string expression() const;
    [[nodiscard]] filter::NamedLinkType type() const;

    /// What libpcap makes of the words, or what was read, not verified. => words or bytecode are there.
    [[nodiscard]] Outcome<std::vector<cbpf::Instruction>> instructions(filter::LinkType link_type) const;
    /// The program that is certainly what they mean (filter/proved.h), verified. `verb` is for the error.
    [[nodiscard]] Outcome<SourceProgram> program(std::string_view verb, filter::LinkType link_type) const;
};

/// "EN10MB", or a type of hooks: "inet"; else why not.
[[nodiscard]] CLI::Validator link_type_word();

} // namespace pfild::bpfctl
