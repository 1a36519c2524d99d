// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config diff`: what another model would change.
#include <cerrno>
#include <memory>

#include "bpfctl/config/instance_file.h"
#include "bpfctl/config/read_model.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/changed.h"
#include "bpfctl/verbs.h"
#include "config/change.h"
#include "config/described.h"
#include "config/edit.h"

namespace pfild::bpfctl {
namespace {

Json difference_of(const config::Model& running, const config::Model& wanted) {
    Json changes = Json::array();
    for (const config::Action& action : config::difference(running, wanted)) {
        if (const auto line = config::line_of(action)) {
            changes.push_back(*line);
        }
    }
    return Json{{"changes", std::move(changes)},
                {"needs_restart", config::needs_restart(running.settings, wanted.settings)}};
}

/// Of no file: those of the instance, which a reload would read.
Outcome<Json> compare(const std::string& named, const Options& options, const Json& answer) {
    const std::string name(kConfigDiff.name);
    const auto running = config::model_of_json(compact(member(answer, "model")));
    if (!running) {
        return fail(Exit::kUnreachable, running.error());
    }
    const auto file = read_model(name, file_or_that_of_instance(named, options.instance, answer));
    if (!file) {
        return tl::make_unexpected(file.error());
    }
    return difference_of(*running,
                         named.empty() ? config::with_others(file->model, *running) : applied(*file, *running));
}

Arguments declare_diff(CLI::App& app, Options& /*options*/) {
    auto file = std::make_shared<std::string>();
    app.add_option("FILE", *file, "what `config show` printed, or a configuration file; - is standard input")
        ->option_text("FILE");
    return [file] {
        Question question(Json::object());
        question.derive = [file](const Json& answer, const Options& options) {
            return compare(*file, options, answer);
        };
        return Outcome<Question>(question);
    };
}

std::string text_of_diff(const Exchange& exchange) { return changed_text(exchange.result, "no difference\n"); }

} // namespace

const Verb kConfigDiff{
    .name = "config diff",
    .synopsis = "[FILE]",
    .summary = "what a reload, or `config apply FILE`, would change",
    .notes = "A line for each item that would be another one. Nothing is changed. Without FILE: the files of the\n"
             "instance, so what would be lost, or come back, by a reload.\n"
             "\n"
             "With --json: changes, needs_restart.\n"
             "\n"
             "Example:\n"
             "  bpfctl config diff good.json\n",
    .request = "config-show",
    .declare = declare_diff,
    .text = text_of_diff,
};

} // namespace pfild::bpfctl
