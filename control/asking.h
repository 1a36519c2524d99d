// SPDX-License-Identifier: BSD-2-Clause
// From a request's arguments to a described answer: reads the one, asks, writes the other. And how verbs that only look
// are answered: a row each, over whatever there is to be looked at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "control/requests.h"
#include "core/error.h"
#include "describe/describe.h"

namespace pfild::control {

/// EINVAL: which argument is wrong, and why.
[[nodiscard]] core::Error error_of(const describe::Mistake& mistake);
/// ENOSYS.
[[nodiscard]] core::Error cannot_be_shown(std::string_view verb);

/// `ask` takes what is asked, and the request; `begun` is the request before its arguments are read.
template <typename Request, typename Answer, typename Asked, typename Ask>
[[nodiscard]] core::Result<describe::Value> answered(Asked& asked, const describe::Value& arguments, Request begun,
                                                     Ask ask) {
    auto request = describe::read<Request>(arguments, {.most_mistakes = 1}, std::move(begun));
    if (!request) {
        return core::fail(error_of(request.error().front()));
    }
    core::Result<Answer> answer = ask(asked, *request);
    if (!answer) {
        return core::fail(std::move(answer.error()));
    }
    return describe::write(*answer);
}

/// How a verb that only looks is answered. Its row in verbs.cpp has the same request and answer.
template <typename Seen>
struct Look {
    std::string_view verb;
    const describe::Shape* request = nullptr;
    const describe::Shape* answer = nullptr;
    core::Result<describe::Value> (*run)(Seen& seen, const describe::Value& arguments) = nullptr;
};

/// `ask` takes what is looked at, and the request; it is a lambda without captures.
template <typename Seen, typename Request, typename Answer, typename Ask>
[[nodiscard]] Look<Seen> look(std::string_view verb, Ask /*ask*/) {
    return {verb, &describe::shape_of<Request>(), &describe::shape_of<Answer>(),
            [](Seen& seen, const describe::Value& arguments) {
                return answered<Request, Answer>(seen, arguments, Request{}, Ask{});
            }};
}

template <typename Seen>
[[nodiscard]] core::Result<describe::Value> look_at(std::span<const Look<Seen>> looks, Seen& seen,
                                                    std::string_view verb, const describe::Value& arguments) {
    const auto found = std::find_if(looks.begin(), looks.end(), [verb](const auto& one) { return one.verb == verb; });
    return found == looks.end() ? core::fail(cannot_be_shown(verb)) : found->run(seen, arguments);
}

/// The two-step list of PF-32: how many there are, and at most `most` of them.
template <typename List, typename View>
[[nodiscard]] List part_of(std::vector<View> all, const ListRequest& request) {
    const std::uint64_t count = all.size();
    all.resize(std::min(request.most.value_or(count), count));
    return List{count, std::move(all)};
}

} // namespace pfild::control
