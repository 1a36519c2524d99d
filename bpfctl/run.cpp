// SPDX-License-Identifier: BSD-2-Clause
// See run.h.
#include "bpfctl/run.h"

#include <cerrno>
#include <ostream>

#include "bpfctl/command_line.h"
#include "bpfctl/endpoint.h"
#include "bpfctl/fields.h"
#include "bpfctl/help.h"
#include "bpfctl/pages.h"

namespace pfild::bpfctl {
namespace {

/// What is printed, and whether that was all.
struct Said {
    std::string text;
    std::string unrecorded; ///< why what was done is not recorded; empty: it is
    std::string remark;     ///< what a person is to know beside it; empty: nothing
};

Outcome<Said> answer_to(const Invocation& invocation, const Console& console, const Ask& ask) {
    const auto question = invocation.arguments();
    if (!question) {
        return tl::make_unexpected(question.error());
    }
    if (question->work) {
        return question->work(invocation.options, console).map([] { return Said{}; });
    }
    const Verb& verb = *invocation.verb;
    const auto ask_once = [&](const Json& arguments) {
        return ask(endpoint_of(invocation.options), question->request.empty() ? verb.request : question->request,
                   arguments);
    };
    auto result = verb.list.empty() ? ask_once(question->arguments) : ask_pages(ask_once, verb.list, *question);
    if (!result && question->explain) {
        question->explain(result.error());
    }
    if (result && question->derive) {
        result = question->derive(*result, invocation.options);
    }
    if (!result) {
        return tl::make_unexpected(result.error());
    }
    if (!question->remarks.is_null()) {
        result->update(question->remarks);
    }
    const std::string unrecorded = result->contains("unrecorded") ? text(*result, "unrecorded") : "";
    if (invocation.options.json) {
        return Said{pretty(*result) + '\n', unrecorded, ""}; // it has the remark
    }
    const std::string remark = result->contains("remark") ? text(*result, "remark") : "";
    return Said{verb.text({question->arguments, *result, invocation.options}), unrecorded, remark};
}

Outcome<Said> text_for(const std::vector<std::string>& words, const Console& console, const Ask& ask) {
    auto parsed = parse(words);
    if (!parsed) {
        return tl::make_unexpected(std::move(parsed.error()));
    }
    if (auto* const shown = std::get_if<Shown>(&*parsed)) {
        return Said{std::move(*shown), "", ""};
    }
    return answer_to(std::get<Invocation>(*parsed), console, ask);
}

} // namespace

Outcome<Json> ask_daemon(const Endpoint& endpoint, std::string_view verb, const Json& arguments) {
    auto client = Client::connect(endpoint);
    if (!client) {
        return tl::make_unexpected(std::move(client.error()));
    }
    return client->ask(verb, arguments, endpoint.force);
}

Exit run(const std::vector<std::string>& words, const Console& console, const Ask& ask) {
    if (words.empty()) {
        console.err << usage_text();
        return Exit::kUsage;
    }
    errno = 0;
    auto said = text_for(words, console, ask);
    if (said && !(console.out << said->text << std::flush)) {
        said = fail(Exit::kRefused, unwritten_output());
    }
    if (!said) {
        console.err << (wants_json(words) ? compact(json_of(said.error())) : line_of(said.error())) << '\n';
        return said.error().exit;
    }
    if (!said->remark.empty()) {
        console.err << "bpfctl: " << printable(said->remark) << '\n';
    }
    if (!said->unrecorded.empty()) {
        console.err << "bpfctl: in force, not recorded: " << printable(said->unrecorded) << '\n';
        return Exit::kUnrecorded;
    }
    return Exit::kOk;
}

} // namespace pfild::bpfctl
