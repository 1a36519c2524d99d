// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl help [VERB]`: the row of the table only; the command line answers it without a daemon.
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {

const Verb kHelp{
    .name = "help",
    .synopsis = "[VERB]",
    .summary = "this text, or what there is to know about a verb",
    .notes = "",
    .request = "",
    .declare = no_arguments,
    .text = no_text,
};

} // namespace pfild::bpfctl
