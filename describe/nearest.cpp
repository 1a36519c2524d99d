// SPDX-License-Identifier: BSD-2-Clause
// See describe/nearest.h. Nearness is Levenshtein's distance: letters to insert, to leave out or to exchange.
#include "describe/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace pfild::describe {
namespace {

std::size_t distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1); // to the beginnings of `other` from that of `one` so far
    std::iota(row.begin(), row.end(), 0);
    for (const char letter : one) {
        std::size_t diagonal = row[0]++;
        for (std::size_t i = 0; i < other.size(); ++i) {
            const std::size_t exchanged = diagonal + (letter == other[i] ? 0 : 1);
            diagonal = row[i + 1];
            row[i + 1] = std::min({row[i] + 1, row[i + 1] + 1, exchanged});
        }
    }
    return row.back();
}

} // namespace

std::string advice_for(std::string_view written, std::span<const std::string_view> known) {
    constexpr std::size_t kLongest = 64; // of names that are looked at; no name of ours is longer
    std::string_view nearest;
    std::size_t least = written.size() / 3 + 1;
    std::string all;
    for (const std::string_view name : known) {
        all += (all.empty() ? "" : ", ");
        all += name;
        const std::size_t far = written.size() > kLongest ? written.size() : distance(written, name);
        if (far <= least) {
            nearest = name;
            least = far == 0 ? 0 : far - 1;
        }
    }
    return nearest.empty() ? "known: " + (all.empty() ? "none" : all) : "did you mean '" + std::string(nearest) + "'?";
}

} // namespace pfild::describe
