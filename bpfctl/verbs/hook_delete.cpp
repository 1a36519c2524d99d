// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl hook delete HOOK`: unlinks a hook everywhere and forgets it.
#include <memory>

#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_hook_delete(CLI::App& app, Options& /*options*/) {
    auto name = std::make_shared<std::string>();
    app.add_option("HOOK", *name, "MODULE:NAME, for example cbpf:block-telnet")->required();
    return [name]() -> Outcome<Json> {
        if (std::string flaw = hook_name_flaw(*name); !flaw.empty()) {
            return usage_failure(kHookDelete.name, std::move(flaw));
        }
        return Json{{"name", *name}};
    };
}

std::string text_of_hook_delete(const Exchange& exchange) { return text(exchange.arguments, "name") + ": deleted\n"; }

} // namespace

const Verb kHookDelete{
    .name = "hook delete",
    .synopsis = "HOOK",
    .summary = "unlink a hook everywhere and delete it",
    .notes = "No packet meets the hook after this command has returned. Its counters are gone with it.\n",
    .request = "hook-delete",
    .declare = declare_hook_delete,
    .text = text_of_hook_delete,
};

} // namespace pfild::bpfctl
