// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config show`: the model in force.
#include <cerrno>

#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"
#include "config/described.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_show(const Exchange& exchange) {
    const std::string model = compact(member(exchange.result, "model"));
    const auto read = config::model_of_json(model);
    return (read ? config::canonical_page(*read) : model) + '\n'; // a newer daemon may say more than is known here
}

} // namespace

const Verb kConfigShow{
    .name = "config show",
    .synopsis = "",
    .summary = "the model in force: all that the files, bpfctl and `config apply` want",
    .notes = "Prints the model as JSON: settings, interfaces, hooks with their programs, links in their order. Each "
             "item\n"
             "says whose it is (`owner`): file, bpfctl, or applied. Equal models print the same. What it prints is a "
             "file\n"
             "for `config apply` and `config diff`.\n"
             "\n"
             "With --json: model, digest, files (their digest), file (where they are), confirm_within_s.\n"
             "\n"
             "Example:\n"
             "  bpfctl config show > good.json\n",
    .request = "config-show",
    .declare = no_arguments,
    .text = text_of_show,
};

} // namespace pfild::bpfctl
