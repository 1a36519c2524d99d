// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl reload`: has the daemon read its files again, and waits for what becomes of that.
#include "bpfctl/fields.h"
#include "bpfctl/text/changed.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_reload(const Exchange& exchange) { return changed_text(exchange.result); }

} // namespace

const Verb kReload{
    .name = "reload",
    .synopsis = "",
    .summary = "read the files of the configuration again",
    .notes =
        "All that the files want is in force when this returns, or nothing of it: then the exit status is 1, and the\n"
        "old rules stay. What bpfctl has added stays; what it has taken away of the files' is put back.\n"
        "If a hook of the files has a filter, `bpfctl config compile` comes first.\n"
        "\n"
        "With --json: changes, needs_restart.\n"
        "\n"
        "Example:\n"
        "  bpfctl config compile && bpfctl reload\n",
    .request = "reload",
    .declare = no_arguments,
    .text = text_of_reload,
};

} // namespace pfild::bpfctl
