// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/arguments.h. Every access asks for the JSON type first, so nothing here throws for what a peer sent.
#include "daemon/api/arguments.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace pfild::api {
namespace {

using Json = nlohmann::json;

bool visible(char c) { return c > ' ' && c <= '~'; }

bool is_text(char c) { return static_cast<unsigned char>(c) >= ' ' ? c != '\x7f' : c == '\t' || c == '\n'; }

/// The number if it is a whole one from 0 to the largest `T`.
template <typename T>
std::optional<T> number_in(const Json& value) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<T>::max()) {
        return std::nullopt;
    }
    return static_cast<T>(value.get<std::uint64_t>());
}

std::optional<cbpf::Instruction> instruction_in(const Json& value) {
    if (!value.is_array() || value.size() != 4) {
        return std::nullopt;
    }
    const auto code = number_in<std::uint16_t>(value[0]);
    const auto jt = number_in<std::uint8_t>(value[1]);
    const auto jf = number_in<std::uint8_t>(value[2]);
    const auto k = number_in<std::uint32_t>(value[3]);
    if (!code || !jt || !jf || !k) {
        return std::nullopt;
    }
    return cbpf::Instruction{*code, *jt, *jf, *k};
}

} // namespace

std::string Arguments::name(const char* key, std::size_t longest) {
    const Json* const value = find(key, true);
    if (value == nullptr) {
        return {};
    }
    if (!value->is_string()) {
        refuse(key, "must be a string");
        return {};
    }
    const auto& text = value->get_ref<const std::string&>();
    if (text.empty() || text.size() > longest || !std::all_of(text.begin(), text.end(), visible)) {
        refuse(key, "must be 1 to " + std::to_string(longest) + " visible ASCII characters");
        return {};
    }
    return text;
}

std::vector<std::string> Arguments::names(const char* key) {
    constexpr std::size_t kMost = 16;
    constexpr std::size_t kLongest = 31;
    const Json* const value = find(key, false);
    if (value == nullptr) {
        return {};
    }
    const bool good =
        value->is_array() && value->size() <= kMost && std::all_of(value->begin(), value->end(), [](const Json& one) {
            const auto* text = one.get_ptr<const std::string*>();
            return text != nullptr && !text->empty() && text->size() <= kLongest &&
                   std::all_of(text->begin(), text->end(), visible);
        });
    if (!good) {
        refuse(key, "must be an array of at most 16 names");
        return {};
    }
    return value->get<std::vector<std::string>>();
}

std::optional<std::string> Arguments::text(const char* key) {
    const Json* const value = find(key, false);
    if (value == nullptr || value->is_null()) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        refuse(key, "must be a string or null");
        return std::nullopt;
    }
    const auto& text = value->get_ref<const std::string&>();
    if (!std::all_of(text.begin(), text.end(), is_text)) {
        refuse(key, "must not hold control characters");
        return std::nullopt;
    }
    return text;
}

bool Arguments::flag_or(const char* key, bool otherwise) {
    const Json* const value = find(key, false);
    if (value == nullptr) {
        return otherwise;
    }
    if (!value->is_boolean()) {
        refuse(key, "must be true or false");
        return otherwise;
    }
    return value->get<bool>();
}

std::uint32_t Arguments::number(const char* key) {
    const Json* const value = find(key, true);
    return value == nullptr ? 0 : number_in_range(key, *value, {});
}

std::uint32_t Arguments::number_or(const char* key, Range range, std::uint32_t otherwise) {
    const Json* const value = find(key, false);
    return value == nullptr ? otherwise : number_in_range(key, *value, range);
}

std::optional<std::uint64_t> Arguments::optional_number(const char* key) {
    const Json* const value = find(key, false);
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto number = number_in<std::uint64_t>(*value);
    if (!number) {
        refuse(key, "must be a whole number of at most 64 bits");
    }
    return number;
}

core::Directions Arguments::directions(const char* key) {
    const Json* const value = find(key, true);
    if (value == nullptr) {
        return {};
    }
    std::array<bool, core::kDirections> wanted{};
    bool good = value->is_array();
    for (std::size_t i = 0; good && i < value->size(); ++i) {
        const Json& one = (*value)[i];
        const auto direction = one.is_string()
                                   ? value_of<core::Direction>(one.get_ref<const std::string&>(), core::kDirectionNames)
                                   : std::nullopt;
        good = direction.has_value() && !std::exchange(wanted.at(core::index(*direction)), true);
    }
    if (!good) {
        refuse(key, "must be an array of 'in' and 'out', each once at most");
        return {};
    }
    return {wanted[core::index(core::Direction::in)], wanted[core::index(core::Direction::out)]};
}

std::vector<cbpf::Instruction> Arguments::program(const char* key) {
    const Json* const value = find(key, true);
    if (value == nullptr) {
        return {};
    }
    if (!value->is_array()) {
        refuse(key, "must be an array of [code, jt, jf, k]");
        return {};
    }
    std::vector<cbpf::Instruction> program;
    for (const Json& one : *value) {
        const auto instruction = instruction_in(one);
        if (!instruction) {
            refuse(key, "instruction " + std::to_string(program.size()) +
                            " must be [code, jt, jf, k]: whole numbers of 16, 8, 8 and 32 bits");
            return {};
        }
        program.push_back(*instruction);
    }
    return program;
}

core::Result<void> Arguments::finish() {
    for (const auto& [key, value] : object_.items()) {
        if (asked_.find(key) == asked_.end()) {
            std::string shown = key.substr(0, kMaxName);
            std::replace_if(
                shown.begin(), shown.end(), [](char c) { return !visible(c); }, '?');
            refuse(shown, "is not known here");
        }
    }
    if (mistake_) {
        return core::fail(std::move(*mistake_));
    }
    return {};
}

const Json* Arguments::find(const char* key, bool required) {
    asked_.insert(key);
    const auto found = object_.find(key);
    if (found == object_.end()) {
        if (required) {
            refuse(key, "is missing");
        }
        return nullptr;
    }
    return &*found;
}

std::uint32_t Arguments::number_in_range(const char* key, const Json& value, Range range) {
    const auto number = number_in<std::uint32_t>(value);
    if (!number || *number < range.least || *number > range.most) {
        refuse(key, "must be a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
        return range.least;
    }
    return *number;
}

void Arguments::refuse(std::string_view key, std::string_view why) {
    if (!mistake_) {
        mistake_ =
            core::Error{std::string(verb_), "", "argument '" + std::string(key) + "' " + std::string(why), "", EINVAL};
    }
}

std::string Arguments::one_of(std::span<const std::string_view> words) {
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i) {
        list += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        list += "'" + std::string(words[i]) + "'";
    }
    return list;
}

} // namespace pfild::api
