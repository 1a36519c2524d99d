// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl batch`: verbs from a file, a line each, as one change.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "bpfctl/command_line.h"
#include "bpfctl/text/changed.h"
#include "bpfctl/verbs.h"
#include "bpfctl/words_of_line.h"

namespace pfild::bpfctl {
namespace {

constexpr std::array<std::string_view, 6> kSteps{"attach", "detach", "hook-add", "hook-delete", "link", "unlink"};

using Lines = std::vector<std::size_t>; ///< where each step stood, from 1

tl::unexpected<Failure> at_line(std::size_t line, Failure failure) {
    const std::string why = failure.error.line();
    failure.error = {std::string(kBatchOfVerbs.name), "line " + std::to_string(line), why, "", failure.error.code};
    return tl::make_unexpected(std::move(failure));
}

tl::unexpected<Failure> no_step(std::size_t line, const std::string& why) {
    return fail(Exit::kUsage, {std::string(kBatchOfVerbs.name), "line " + std::to_string(line), why,
                               "see `bpfctl batch --help`", EINVAL});
}

/// One line as a step. Nothing: it is empty.
Outcome<Json> step_of(const std::string& text, std::size_t line) {
    const auto words = words_of_line(text);
    if (!words) {
        return no_step(line, "a quote is not closed");
    }
    if (words->empty()) {
        return Json();
    }
    if (words->front().starts_with('-')) {
        return no_step(line, "options of all verbs stand before batch");
    }
    const auto parsed = parse(*words);
    if (!parsed) {
        return at_line(line, parsed.error());
    }
    const auto* const invocation = std::get_if<Invocation>(&*parsed);
    if (invocation == nullptr || std::find(kSteps.begin(), kSteps.end(), invocation->verb->request) == kSteps.end()) {
        return no_step(line, "'" + words->front() + "' is none of the verbs that change hooks, links and interfaces");
    }
    const auto question = invocation->arguments();
    if (!question) {
        return at_line(line, question.error());
    }
    return Json{{std::string(invocation->verb->request), question->arguments}};
}

Outcome<Question> gather_batch(std::istream& input) {
    Json steps = Json::array();
    auto lines = std::make_shared<Lines>();
    std::string text;
    for (std::size_t line = 1; std::getline(input, text); ++line) {
        auto step = step_of(text, line);
        if (!step) {
            return tl::make_unexpected(std::move(step.error()));
        }
        if (!step->is_null()) {
            steps.push_back(std::move(*step));
            lines->push_back(line);
        }
    }
    Question question(Json{{"steps", std::move(steps)}});
    question.explain = [lines](Failure& failure) {
        std::size_t step = 0;
        const std::string& object = failure.error.object;
        (void)std::from_chars(object.data(), object.data() + object.size(), step);
        if (step >= 1 && step <= lines->size()) {
            failure.error.object = "line " + std::to_string(lines->at(step - 1));
        }
    };
    return question;
}

Arguments declare_batch(CLI::App& app, Options& /*options*/) {
    auto file = std::make_shared<std::string>();
    app.add_option("FILE", *file, "verbs, a line each; - is standard input")->required();
    return [file]() -> Outcome<Question> {
        if (*file == "-") {
            return gather_batch(std::cin);
        }
        errno = 0;
        std::ifstream stream(*file);
        if (!stream) {
            const int code = errno == 0 ? ENOENT : errno;
            return fail(
                Exit::kRefused, // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
                {std::string(kBatchOfVerbs.name), *file, std::strerror(code), "is this the name of a file?", code});
        }
        return gather_batch(stream);
    };
}

std::string text_of_batch(const Exchange& exchange) { return changed_text(exchange.result); }

} // namespace

const Verb kBatchOfVerbs{
    .name = "batch",
    .synopsis = "FILE|-",
    .summary = "many changes as one: all of them, or none",
    .notes = "Each line is a verb as it stands on the command line, quoted as there: attach, detach, hook add, hook "
             "delete,\n"
             "link, unlink. # begins a comment. They are done in their order, on a copy; then all of it is in force at "
             "once.\n"
             "After a mistake nothing has changed, and the line is named.\n"
             "\n"
             "With --json: changes, needs_restart.\n"
             "\n"
             "Example:\n"
             "  bpfctl batch - <<'END'\n"
             "  hook add cbpf:web --filter 'tcp dst port 80' --on-match drop --type inet\n"
             "  link -i cbpf:web inet\n"
             "  END\n",
    .request = "batch",
    .declare = declare_batch,
    .text = text_of_batch,
};

} // namespace pfild::bpfctl
