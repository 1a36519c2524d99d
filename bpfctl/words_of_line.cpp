// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/words_of_line.h.
#include "bpfctl/words_of_line.h"

#include <cctype>

namespace pfild::bpfctl {

std::optional<std::vector<std::string>> words_of_line(std::string_view line) {
    std::vector<std::string> words;
    std::optional<std::string> word; // the one that has begun
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) {
            if (word) {
                words.push_back(std::move(*word));
                word.reset();
            }
            continue;
        }
        if (quote == 0 && c == '#' && !word) {
            break;
        }
        if (!word) {
            word.emplace();
        }
        if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && quote != '\'') {
            if (++i == line.size()) {
                return std::nullopt;
            }
            word->push_back(line[i]);
        } else {
            word->push_back(c);
        }
    }
    if (quote != 0) {
        return std::nullopt;
    }
    if (word) {
        words.push_back(std::move(*word));
    }
    return words;
}

} // namespace pfild::bpfctl
