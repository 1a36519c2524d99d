// SPDX-License-Identifier: BSD-2-Clause
// See pages.h.
#include "bpfctl/pages.h"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "bpfctl/fields.h"

namespace pfild::bpfctl {
namespace {

struct Gathered {
    std::uint64_t count = 0;
    Json wanted = Json::array();
};

Outcome<void> gather(Gathered& gathered, const Json& page, const Wanted& wanted) {
    if (!page.is_array()) {
        return {};
    }
    gathered.count += page.size();
    for (const Json& item : page) {
        const auto is_wanted = wanted ? wanted(item) : Outcome<bool>(true);
        if (!is_wanted) {
            return tl::make_unexpected(is_wanted.error());
        }
        if (*is_wanted) {
            gathered.wanted.push_back(item);
        }
    }
    return {};
}

} // namespace

Outcome<Json> ask_pages(const AskPage& ask, std::string_view list, const Question& question) {
    Gathered gathered;
    Json arguments = question.arguments;
    std::optional<std::uint64_t> from = number(arguments, "from");
    while (from) {
        arguments["from"] = *from;
        const auto page = ask(arguments);
        if (!page) {
            return tl::make_unexpected(page.error());
        }
        if (auto good = gather(gathered, member(*page, list), question.wanted); !good) {
            return tl::make_unexpected(std::move(good.error()));
        }
        const auto next = number(*page, "next");
        if (next && *next <= *from) { // it would never end
            return fail(Exit::kUnreachable, {"daemon", "", "its answer leads back to where it began",
                                             "are bpfctl and pfild of the same version?", EPROTO});
        }
        from = next;
    }
    return Json{{"count", gathered.count}, {std::string(list), std::move(gathered.wanted)}};
}

} // namespace pfild::bpfctl
