// SPDX-License-Identifier: BSD-2-Clause
// See name_files.h.
#include "filter/name_files.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <vector>

namespace pfild::filter {
namespace {

constexpr std::string_view kBlanks = " \t\r";

/// The first line of the text, which loses it.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line.substr(0, line.find('#'));
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;
         at = line.find_first_not_of(kBlanks)) {
        line.remove_prefix(at);
        words.push_back(line.substr(0, line.find_first_of(kBlanks)));
        line.remove_prefix(words.back().size());
    }
    return words;
}

/// Is the name the first word, or an alias (the third and later)? The second is the number.
bool names(const std::vector<std::string_view>& words, std::string_view name) {
    return words.size() >= 2 && (words[0] == name || std::find(words.begin() + 2, words.end(), name) != words.end());
}

template <typename Number>
std::optional<Number> parse(std::string_view digits) {
    Number number{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return number;
}

} // namespace

std::optional<std::uint16_t> service_port(std::string_view services, std::string_view name, std::string_view protocol) {
    while (!services.empty()) {
        const auto words = words_of(take_line(services));
        if (!names(words, name)) {
            continue;
        }
        const std::size_t slash = words[1].find('/');
        if (slash == std::string_view::npos || (!protocol.empty() && words[1].substr(slash + 1) != protocol)) {
            continue;
        }
        if (const auto port = parse<std::uint16_t>(words[1].substr(0, slash))) {
            return port;
        }
    }
    return std::nullopt;
}

std::optional<int> protocol_number(std::string_view protocols, std::string_view name) {
    while (!protocols.empty()) {
        const auto words = words_of(take_line(protocols));
        if (names(words, name)) {
            if (const auto number = parse<int>(words[1])) {
                return number;
            }
        }
    }
    return std::nullopt;
}

std::string read_name_file(const char* path) {
    constexpr std::streamsize kLargest = 4 << 20;
    std::ifstream file(path, std::ios::binary);
    std::string text(kLargest, '\0');
    file.read(text.data(), kLargest);
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
}

} // namespace pfild::filter
