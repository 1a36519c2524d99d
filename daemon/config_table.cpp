// SPDX-License-Identifier: BSD-2-Clause
// See daemon/config_table.h.
#include "daemon/config_table.h"

#include <algorithm>
#include <utility>

namespace pfild {

void ConfigMistakes::add(const toml::source_position& where, std::string key, std::string reason) {
    list.push_back({file, where.line, where.column, std::move(key), std::move(reason)});
}

void ConfigTable::allow_only(std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : table_) {
        if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
            mistakes_.add(key.source().begin, prefix_ + std::string(key.str()),
                          "is not known; docs/configuration.md lists the keys");
        }
    }
}

std::optional<std::string> ConfigTable::string(std::string_view key) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (!node->is_string()) {
        mistake(key, "must be a string");
        return std::nullopt;
    }
    return node->as_string()->get();
}

std::optional<std::string> ConfigTable::required_string(std::string_view key) {
    return require(key) ? string(key) : std::nullopt;
}

std::optional<std::uint32_t> ConfigTable::number(std::string_view key, std::uint32_t least, std::uint32_t most) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto* const integer = node->as_integer();
    if (integer == nullptr || integer->get() < least || integer->get() > most) {
        mistake(key, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(integer->get());
}

std::optional<bool> ConfigTable::flag(std::string_view key) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (!node->is_boolean()) {
        mistake(key, "must be true or false");
        return std::nullopt;
    }
    return node->as_boolean()->get();
}

std::optional<core::Directions> ConfigTable::required_directions(std::string_view key) {
    if (!require(key)) {
        return std::nullopt;
    }
    const toml::array* const array = table_.get(key)->as_array();
    std::array<bool, core::kDirections> wanted{};
    bool good = array != nullptr && !array->empty();
    for (std::size_t i = 0; good && i < array->size(); ++i) {
        const auto text = (*array)[i].value<std::string_view>();
        const auto* const found = std::find(core::kDirectionNames.begin(), core::kDirectionNames.end(), text);
        good = found != core::kDirectionNames.end() &&
               !std::exchange(wanted.at(static_cast<std::size_t>(found - core::kDirectionNames.begin())), true);
    }
    if (!good) {
        mistake(key, R"(must be ["in"], ["out"] or ["in", "out"])");
        return std::nullopt;
    }
    return core::Directions(wanted[core::index(core::Direction::in)], wanted[core::index(core::Direction::out)]);
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key) {
    std::vector<ConfigTable> found;
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
        return found;
    }
    const toml::array* const array = node->as_array();
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        if (const toml::table* const table = (*array)[i].as_table()) {
            found.emplace_back(*table, prefix_ + std::string(key) + '[' + std::to_string(i + 1) + "].", mistakes_);
        }
    }
    if (array == nullptr || found.size() != array->size()) {
        mistake(key, "must be tables, each begun by [[" + std::string(key) + "]]");
        found.clear();
    }
    return found;
}

void ConfigTable::mistake(std::string_view key, std::string reason) {
    const toml::node* const node = table_.get(key);
    const toml::source_region& where = node != nullptr ? node->source() : table_.source();
    mistakes_.add(where.begin, prefix_ + std::string(key), std::move(reason));
}

bool ConfigTable::require(std::string_view key) {
    if (table_.contains(key)) {
        return true;
    }
    mistake(key, "is missing");
    return false;
}

std::string ConfigTable::one_of(const std::vector<std::string_view>& words) {
    std::string list = "must be ";
    for (std::size_t i = 0; i < words.size(); ++i) {
        list += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        list += '"' + std::string(words[i]) + '"';
    }
    return list;
}

} // namespace pfild
