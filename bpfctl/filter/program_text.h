// SPDX-License-Identifier: BSD-2-Clause
// A program as the verbs of `bpfctl filter` print it: in tcpdump's three forms, and as JSON.
#pragma once

#include <span>
#include <string>

#include <CLI/App.hpp>

#include "bpfctl/failure.h"
#include "bpfctl/json.h"
#include "bpfctl/verb.h"
#include "cbpf/instruction.h"
#include "cbpf/text.h"

namespace pfild::bpfctl {

/// -d, -dd, -ddd, as tcpdump has them. => does not move between declare() and the parser's run.
struct ProgramForm {
    int flags = 0; ///< how many d there were; none is as one

    void declare(CLI::App& app, Options& options);
    /// Exit::kUsage if there were more than three.
    [[nodiscard]] Outcome<cbpf::TextForm> form(std::string_view verb) const;
};

/// => ProgramForm::form() has found nothing wrong.
[[nodiscard]] cbpf::TextForm form_of(const Options& options);

/// {"instructions": [[code, jt, jf, k]...], "listing": ["(000) ldh      [12]"...]}
[[nodiscard]] Json json_of_program(std::span<const cbpf::Instruction> instructions);

/// [[code, jt, jf, k]...]
[[nodiscard]] Json rows_of(std::span<const cbpf::Instruction> instructions);

} // namespace pfild::bpfctl
