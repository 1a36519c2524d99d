// SPDX-License-Identifier: BSD-2-Clause
// See verbs.h.
#include "bpfctl/verbs.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "bpfctl/fields.h"

namespace pfild::bpfctl {
namespace {

/// The n-th word of a verb's name; empty if it has fewer.
std::string_view word_of(const Verb& verb, std::size_t n) {
    const std::size_t blank = verb.name.find(' ');
    if (n == 0) {
        return verb.name.substr(0, blank);
    }
    return blank == std::string_view::npos ? std::string_view() : verb.name.substr(blank + 1);
}

/// What the n-th words of these verbs are that the given word means: the equal one, else all that begin with it.
std::vector<std::string> meant(std::span<const Verb* const> rows, std::size_t n, std::string_view given) {
    std::vector<std::string> begins;
    for (const Verb* row : rows) {
        const std::string_view word = word_of(*row, n);
        if (word == given) {
            return {std::string(word)};
        }
        if (word.substr(0, given.size()) == given && (begins.empty() || begins.back() != word)) {
            begins.emplace_back(word);
        }
    }
    return begins;
}

std::vector<std::string> all_names(std::span<const Verb* const> rows) {
    std::vector<std::string> names;
    std::transform(rows.begin(), rows.end(), std::back_inserter(names),
                   [](const Verb* row) { return std::string(row->name); });
    return names;
}

tl::unexpected<Failure> unresolved(const std::string& given, const std::vector<std::string>& candidates,
                                   const std::vector<std::string>& all) {
    if (candidates.empty()) {
        return fail(Exit::kUsage,
                    {"verb", '\'' + given + '\'', "there is no such verb", "there are: " + joined(all, ""), EINVAL});
    }
    return fail(Exit::kUsage,
                {"verb", '\'' + given + '\'', "ambiguous: " + joined(candidates, ""), "write more of it", EINVAL});
}

} // namespace

std::span<const Verb* const> verbs() { return kVerbs; }

Outcome<Resolved> resolve(std::span<const std::string> words) {
    std::vector<const Verb*> rows(kVerbs.begin(), kVerbs.end());
    std::string given;
    for (std::size_t n = 0;; ++n) {
        if (n == words.size() || words[n].substr(0, 1) == "-") {
            return fail(Exit::kUsage,
                        {given, "", "which? " + joined(all_names(rows), ""), "see `bpfctl help`", EINVAL});
        }
        given += (given.empty() ? "" : " ") + words[n];
        const auto candidates = words[n].empty() ? std::vector<std::string>() : meant(rows, n, words[n]);
        if (candidates.size() != 1) {
            return unresolved(given, candidates, all_names(rows));
        }
        std::erase_if(rows, [n, &candidates](const Verb* row) { return word_of(*row, n) != candidates.front(); });
        if (n == 1) {
            return Resolved{rows.front(), 2};
        }
        if (word_of(*rows.front(), 1).empty()) {
            const auto longer = std::find_if(rows.begin() + 1, rows.end(), [&words](const Verb* row) {
                return words.size() > 1 && word_of(*row, 1) == words[1];
            });
            return longer == rows.end() ? Resolved{rows.front(), 1} : Resolved{*longer, 2};
        }
        given = candidates.front();
    }
}

} // namespace pfild::bpfctl
