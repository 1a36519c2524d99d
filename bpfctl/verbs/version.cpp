// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl version`: both programs' versions, and which daemon answers.
#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_version(const Exchange& exchange) {
    const Json& version = exchange.result;
    return "bpfctl " PFILD_VERSION "\npfild  " + text(version, "version") + ", protocol " +
           digits(version, "protocol") + ", instance " + text(version, "instance") + ", pid " + digits(version, "pid") +
           ", kernel " + text(version, "kernel") + '\n';
}

} // namespace

const Verb kVersion{
    .name = "version",
    .synopsis = "",
    .summary = "versions of bpfctl and of the daemon that answers",
    .notes = "`bpfctl --version` shows that of bpfctl alone and asks no daemon.\n",
    .request = "version",
    .declare = no_arguments,
    .text = text_of_version,
};

} // namespace pfild::bpfctl
