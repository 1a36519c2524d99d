// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config apply FILE`, and what ends a model that waits for its confirmation: `config confirm`, `config
// rollback`.
#include <memory>
#include <optional>

#include "bpfctl/config/read_model.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/changed.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "config/described.h"
#include "control/models.h"

namespace pfild::bpfctl {
namespace {

struct ApplyOperands {
    std::string file;
    std::optional<std::uint64_t> confirm_s;
};

Outcome<Question> gather_apply(const ApplyOperands& operands) {
    const auto file = read_model(std::string(kConfigApply.name), operands.file);
    if (!file) {
        return tl::make_unexpected(file.error());
    }
    Json arguments{{"model", Json::parse(config::canonical_json(file->model))}, {"whole", file->whole}};
    if (operands.confirm_s) {
        arguments["confirm_s"] = *operands.confirm_s;
    }
    return Question(std::move(arguments));
}

Arguments declare_apply(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<ApplyOperands>();
    app.add_option("FILE", operands->file, "what `config show` printed, or a configuration file; - is standard input")
        ->required();
    app.add_option("--confirm", operands->confirm_s, "back to the model before, unless it is confirmed in time")
        ->option_text("SECONDS")
        ->check(whole_number(1, control::kLongestConfirm));
    return [operands] { return gather_apply(*operands); };
}

std::string text_of_apply(const Exchange& exchange) {
    std::string lines = changed_text(exchange.result);
    if (const auto seconds = number(exchange.result, "confirm_within_s")) {
        lines += "Confirm it within " + duration(*seconds) + ", by a new connection: bpfctl config confirm\n";
    }
    return lines;
}

std::string text_of_confirm(const Exchange& /*exchange*/) { return "confirmed\n"; }
std::string text_of_rollback(const Exchange& exchange) { return changed_text(exchange.result); }

} // namespace

const Verb kConfigApply{
    .name = "config apply",
    .synopsis = "FILE [--confirm SECONDS]",
    .summary = "put a model in force, for good or until it is confirmed",
    .notes =
        "All of it is in force when this returns, or nothing of it. No file of the instance is written.\n"
        "\n"
        "What `config show` printed is the whole model. A configuration file takes the place of what the instance's\n"
        "files want and of what was applied before; what bpfctl has added stays. Its items are `applied`: they stay\n"
        "until the next apply, also after a reboot, but where the instance's files say otherwise, those win at the\n"
        "next reload or boot. `config save` makes files of them.\n"
        "\n"
        "With --confirm the model before is in force again after so many seconds, whatever happens to the daemon, "
        "or\n"
        "to the machine, meanwhile; unless `config confirm` comes first. Until then nothing else can be changed but\n"
        "by detach, confirm and rollback.\n"
        "\n"
        "With --json: changes, needs_restart, confirm_within_s.\n"
        "\n"
        "Example:\n"
        "  bpfctl config apply new.toml --confirm 60\n",
    .request = "config-apply",
    .declare = declare_apply,
    .text = text_of_apply,
};

const Verb kConfigConfirm{
    .name = "config confirm",
    .synopsis = "",
    .summary = "the model that was applied with --confirm is to stay",
    .notes = "It is a new connection to the daemon, so whoever gives this command can still reach the machine.\n"
             "Exit status 1 if nothing waits for it: then it may be too late.\n",
    .request = "config-confirm",
    .declare = no_arguments,
    .text = text_of_confirm,
};

const Verb kConfigRollback{
    .name = "config rollback",
    .synopsis = "",
    .summary = "the model before the one that waits for its confirmation, at once",
    .notes = "With --json: changes, needs_restart.\n",
    .request = "config-rollback",
    .declare = no_arguments,
    .text = text_of_rollback,
};

} // namespace pfild::bpfctl
