// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/dispatcher.h.
#include "daemon/api/dispatcher.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "control/message.h"
#include "control/verbs.h"
#include "daemon/sys/sealed_memory.h"
#include "describe/mistakes.h"
#include "describe/nearest.h"

namespace pfild::api {
namespace {

using control::Verb;
using describe::Value;

core::Result<const Verb*> verb_for(const Question& question, std::string_view name,
                                   const std::vector<control::Grant>& grants) {
    const Verb* const verb = control::find_verb(name);
    if (verb == nullptr) {
        return core::fail(
            {"request", "", "there is no such verb", describe::advice_for(name, control::verb_names()), ENOSYS});
    }
    if (!control::may(question.peer, *verb, grants)) {
        return core::fail({std::string(verb->name), "", "you may not do this", "use sudo", EACCES});
    }
    return verb;
}

/// The arguments that are in memory beside the line.
core::Result<Value> arguments_in_memory(const Question& question, const Verb& verb) {
    const sys::Fd memory = question.memory == nullptr ? sys::Fd() : std::move(*question.memory);
    if (verb.most_bytes == 0) {
        return core::fail({"request", "", "this verb takes its arguments in the line", "", EINVAL});
    }
    if (!memory || question.too_many) {
        return core::fail({"request", "", "there is not one sealed memfd beside it",
                           "send one with the line, with the seals WRITE, SHRINK, GROW and SEAL", EINVAL});
    }
    return sys::read_sealed(memory, verb.most_bytes).and_then([](const std::string& text) {
        return control::parse_arguments(text);
    });
}

/// The verb, and the names of what it was done to: "link cbpf:a inet".
std::string deed(std::string_view verb, const Value& arguments) {
    constexpr std::array<std::string_view, 4> kNames{"interface", "name", "hook", "head"};
    std::string all(verb);
    for (const std::string_view name : kNames) {
        const Value* const value = arguments.find(name);
        if (value != nullptr && value->text() != nullptr) {
            all += ' ' + *value->text();
        }
    }
    return all;
}

double now_s() {
    using Seconds = std::chrono::duration<double>;
    return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace

void Dispatcher::tell(const control::Peer& peer, std::string_view verb, const Value& arguments,
                      const std::optional<std::string>& unrecorded) {
    std::string did = deed(verb, arguments);
    spdlog::log(unrecorded ? spdlog::level::warn : spdlog::level::info, "{}: by user {}, process {}{}", did, peer.uid,
                peer.pid, unrecorded ? ", in force, not recorded: " + *unrecorded : "");
    service_.deeds().add({.at_s = now_s(),
                          .uid = peer.uid,
                          .pid = peer.pid,
                          .verb = std::string(verb),
                          .did = std::move(did),
                          .unrecorded = unrecorded});
}

core::Result<Value> Dispatcher::run(const Question& question, const control::Request& request,
                                    control::Beside& beside) {
    const auto verb = verb_for(question, request.verb, grants_);
    if (!verb) {
        return core::fail(verb.error());
    }
    if ((*verb)->streams && !question.no_stream.empty()) {
        return core::fail({std::string((*verb)->name), "", question.no_stream, "end one", EBUSY});
    }
    if (request.force && !(*verb)->guarded) {
        return core::fail(
            {std::string((*verb)->name), "", "there is nothing to force here", "leave 'force' out", EINVAL});
    }
    auto arguments = request.in_memory ? arguments_in_memory(question, **verb) : core::Result<Value>(request.arguments);
    service_.asked_by({question.peer, question.pidfd, request.force});
    auto result =
        arguments.and_then([&](const Value& read) { return (*verb)->run(**verb, service_, defaults_, read); });
    if (!result) {
        result.error().what = result.error().what.empty() ? std::string((*verb)->name) : result.error().what;
    } else if ((*verb)->changes) {
        beside.unrecorded = service_.unrecorded();
        tell(question.peer, (*verb)->name, *arguments, beside.unrecorded);
    }
    if (result && (*verb)->guarded) {
        beside.remark = service_.remark();
    }
    service_.asked_by({});
    return result;
}

/// Where it begins is the number of the first answer.
bool Dispatcher::begin_stream(const Question& question, const control::Request& request, const Value& first) {
    const Verb* const verb = control::find_verb(request.verb);
    if (!verb->streams || question.stream == nullptr) {
        return false;
    }
    const Value* const number = first.find("number");
    question.stream->emplace(Stream{request.id, verb, number == nullptr ? 0 : *number->whole()});
    return true;
}

std::string Dispatcher::next(const control::Peer& peer, std::optional<Stream>& stream) {
    if (!control::may(peer, *stream->verb, grants_)) {
        const std::uint64_t id = stream->id;
        const std::string what(stream->verb->name);
        stream.reset();
        return control::failure_line(id, {what, "", "you may not do this any more", "use sudo", EACCES});
    }
    auto result = stream->verb->next(service_, stream->place);
    return result ? control::success_line(stream->id, std::move(*result), {.more = true, .unrecorded = {}})
                  : std::string();
}

std::string Dispatcher::answer(const Question& question) {
    std::uint64_t id = 0;
    try {
        const auto request = control::parse_request(question.line);
        if (!request) {
            return control::failure_line(request.error().id, request.error().error);
        }
        id = request->id;
        control::Beside beside;
        auto result = run(question, *request, beside);
        if (request->in_memory) {
            ::malloc_trim(0); // the allocator would keep megabytes for the next such request
        }
        if (!result) {
            return control::failure_line(id, result.error());
        }
        beside.more = begin_stream(question, *request, *result);
        return control::success_line(id, std::move(*result), beside);
    } catch (const std::exception& exception) { // out of memory, most likely; the daemon goes on
        return control::failure_line(id, {"request", "", exception.what(), "", ENOMEM});
    }
}

} // namespace pfild::api
