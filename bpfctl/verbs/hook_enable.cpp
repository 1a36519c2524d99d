// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl hook disable HOOK`, `hook enable HOOK`: whether packets meet a hook where it is linked.
#include <memory>

#include "bpfctl/fields.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_name(CLI::App& app, Options& /*options*/) {
    auto name = std::make_shared<std::string>();
    app.add_option("HOOK", *name, "MODULE:NAME, for example cbpf:block-telnet")->required();
    return [name]() -> Outcome<Question> {
        if (std::string flaw = hook_name_flaw(*name); !flaw.empty()) {
            return usage_failure("hook", std::move(flaw));
        }
        return Question(Json{{"name", *name}});
    };
}

std::string text_of_hook(const Exchange& exchange) {
    return text(exchange.result, "name") + (flag(exchange.result, "enabled") ? ": enabled\n" : ": disabled\n");
}

} // namespace

const Verb kHookDisable{
    .name = "hook disable",
    .synopsis = "HOOK",
    .summary = "let no packet meet a hook; it keeps its links",
    .notes =
        "No packet meets the hook after this command has returned. `hook enable` puts it back where it was, in the "
        "order\n"
        "in which hooks were linked. A hook of the files is as they say again after a reload (`enabled = false`).\n",
    .request = "hook-disable",
    .declare = declare_name,
    .text = text_of_hook,
};

const Verb kHookEnable{
    .name = "hook enable",
    .synopsis = "HOOK",
    .summary = "let packets meet a disabled hook again",
    .notes = "",
    .request = "hook-enable",
    .declare = declare_name,
    .text = text_of_hook,
};

} // namespace pfild::bpfctl
