// SPDX-License-Identifier: BSD-2-Clause
// See fields.h.
#include "bpfctl/fields.h"

#include <algorithm>

namespace pfild::bpfctl {

std::string printable(std::string text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    std::replace_if(text.begin(), text.end(), is_control, '?');
    // C1 controls, which some terminals obey, are C2 80 to C2 9F in UTF-8. In one pass: a daemon may send megabytes.
    std::size_t kept = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_c1 = text[at] == '\xc2' && at + 1 < text.size() &&
                           static_cast<unsigned char>(text[at + 1]) >= 0x80 &&
                           static_cast<unsigned char>(text[at + 1]) < 0xa0;
        at += is_c1 ? 1 : 0;
        text[kept++] = is_c1 ? '?' : text[at];
    }
    text.resize(kept);
    return text;
}

const Json& member(const Json& object, std::string_view key) {
    static const Json kNone;
    if (!object.is_object()) {
        return kNone;
    }
    const auto found = object.find(std::string(key));
    return found == object.end() ? kNone : *found;
}

std::string text(const Json& object, std::string_view key) {
    const auto* const value = member(object, key).get_ptr<const std::string*>();
    return value == nullptr ? "?" : printable(*value);
}

std::optional<std::uint64_t> number(const Json& object, std::string_view key) {
    const Json& value = member(object, key);
    if (const auto* const parsed = value.get_ptr<const Json::number_unsigned_t*>()) {
        return *parsed;
    }
    const auto* const made = value.get_ptr<const Json::number_integer_t*>(); // by us, or negative
    return made == nullptr || *made < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*made));
}

std::optional<double> decimal(const Json& object, std::string_view key) {
    constexpr double kMost = 9007199254740992; // beyond it not every whole number is one
    const Json& value = member(object, key);
    const double found = value.is_number() ? value.get<double>() : -1;
    return found >= 0 && found <= kMost ? std::optional(found) : std::nullopt;
}

std::string digits(const Json& object, std::string_view key) {
    const auto value = number(object, key);
    return value ? std::to_string(*value) : "?";
}

bool flag(const Json& object, std::string_view key) {
    const auto* const value = member(object, key).get_ptr<const bool*>();
    return value != nullptr && *value;
}

std::vector<std::string> texts(const Json& object, std::string_view key) {
    std::vector<std::string> found;
    const Json& list = member(object, key);
    if (list.is_array()) {
        for (const Json& item : list) {
            if (const auto* const word = item.get_ptr<const std::string*>()) {
                found.push_back(printable(*word));
            }
        }
    }
    return found;
}

std::string joined(const std::vector<std::string>& words, std::string_view none) {
    std::string all;
    for (const std::string& word : words) {
        all += (all.empty() ? "" : ", ") + word;
    }
    return all.empty() ? std::string(none) : all;
}

} // namespace pfild::bpfctl
