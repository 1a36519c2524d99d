// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl hooks`: the filters there are, and what they have counted.
#include "bpfctl/text/hooks.h"
#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of(const Exchange& exchange) {
    const Json& hooks = member(exchange.result, "hooks");
    return hooks.empty() ? "There is no hook. Add one: bpfctl help hook add\n" : hooks_text(hooks);
}

} // namespace

const Verb kHooks{
    .name = "hooks",
    .synopsis = "",
    .summary = "filters, what they counted and where they are linked",
    .notes = "Seen, Matched and Dropped count packets. A hook that is linked nowhere filters nothing.\n",
    .request = "hooks",
    .declare = no_arguments,
    .text = text_of,
};

} // namespace pfild::bpfctl
