// SPDX-License-Identifier: BSD-2-Clause
// One TOML table, read key by key; whatever is wrong with it goes to a list together with its place in the file. Used
// by daemon/config.cpp alone. Unlike the first mistake of a request, all mistakes of a file are wanted at once.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "daemon/config.h"

namespace pfild {

/// Collects the mistakes of one file.
struct ConfigMistakes {
    std::string file;
    std::vector<ConfigMistake> list;

    void add(const toml::source_position& where, std::string key, std::string reason);
};

class ConfigTable {
  public:
    /// `prefix` is what its keys are called by: "" or "hook[1]." => all but the prefix outlive this.
    ConfigTable(const toml::table& table, std::string prefix, ConfigMistakes& mistakes)
        : table_(table), prefix_(std::move(prefix)), mistakes_(mistakes) {}

    /// Every key that is none of `known` is a mistake.
    void allow_only(std::initializer_list<std::string_view> known);

    [[nodiscard]] std::optional<std::string> string(std::string_view key);
    /// A missing one is a mistake.
    [[nodiscard]] std::optional<std::string> required_string(std::string_view key);
    [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key, std::uint32_t least, std::uint32_t most);
    [[nodiscard]] std::optional<bool> flag(std::string_view key);
    /// "in", "out" or both in an array; a missing one, and an empty one, is a mistake.
    [[nodiscard]] std::optional<core::Directions> required_directions(std::string_view key);
    /// The tables of `[[key]]`, none if there is no such key.
    [[nodiscard]] std::vector<ConfigTable> tables(std::string_view key);

    template <typename Enum, std::size_t N>
    [[nodiscard]] std::optional<Enum> word(std::string_view key, const std::array<std::string_view, N>& words) {
        const auto text = string(key);
        for (std::size_t i = 0; text && i < N; ++i) {
            if (words[i] == *text) {
                return static_cast<Enum>(i);
            }
        }
        if (text) {
            mistake(key, one_of(words));
        }
        return std::nullopt;
    }
    template <typename Enum, std::size_t N>
    [[nodiscard]] std::optional<Enum> required_word(std::string_view key,
                                                    const std::array<std::string_view, N>& words) {
        return require(key) ? word<Enum>(key, words) : std::nullopt;
    }

    /// At the value of `key`, or at the table when there is none.
    void mistake(std::string_view key, std::string reason);

  private:
    [[nodiscard]] bool require(std::string_view key);
    [[nodiscard]] static std::string one_of(const std::vector<std::string_view>& words);
    template <std::size_t N>
    [[nodiscard]] static std::string one_of(const std::array<std::string_view, N>& words) {
        return one_of(std::vector<std::string_view>(words.begin(), words.end()));
    }

    const toml::table& table_;
    std::string prefix_;
    ConfigMistakes& mistakes_;
};

} // namespace pfild
