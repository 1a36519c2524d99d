// SPDX-License-Identifier: BSD-2-Clause
// The arguments of one request, taken out by name and checked for shape. The first mistake is kept and everything after
// it yields defaults, so that a verb reads all it wants in a row and asks once, in finish(), whether it all was right.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cbpf/instruction.h"
#include "core/error.h"
#include "daemon/api/views.h"
#include "daemon/api/words.h"

namespace pfild::api {

inline constexpr std::size_t kMaxInterfaceName = 15; ///< IFNAMSIZ without its NUL
inline constexpr std::size_t kMaxName = 127;         ///< of a hook: two names of 63 and a colon

/// The numbers that an argument may be, both ends included.
struct Range {
    std::uint32_t least = 0;
    std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
};

class Arguments {
  public:
    /// => `object` is a JSON object and outlives this.
    Arguments(std::string_view verb, const nlohmann::json& object) : verb_(verb), object_(object) {}

    /// Required: 1 to `longest` visible ASCII characters, no blank.
    [[nodiscard]] std::string name(const char* key, std::size_t longest);
    /// Absent is none: an array of at most 16 names of at most 31 characters, as above.
    [[nodiscard]] std::vector<std::string> names(const char* key);
    /// Absent or null is nothing; control characters other than tab and newline are refused.
    [[nodiscard]] std::optional<std::string> text(const char* key);
    [[nodiscard]] bool flag_or(const char* key, bool otherwise);
    /// Required: 0 to 4294967295.
    [[nodiscard]] std::uint32_t number(const char* key);
    [[nodiscard]] std::optional<std::uint64_t> optional_number(const char* key);
    [[nodiscard]] std::uint32_t number_or(const char* key, Range range, std::uint32_t otherwise);
    /// Required: an array of "in" and "out", each once at most; it may be empty.
    [[nodiscard]] core::Directions directions(const char* key);
    /// Required: an array of [code, jt, jf, k]. Ranges of the four are checked, the program is not.
    [[nodiscard]] std::vector<cbpf::Instruction> program(const char* key);

    /// Required: one of `words`.
    template <typename Enum, std::size_t N>
    [[nodiscard]] Enum word(const char* key, const std::array<std::string_view, N>& words) {
        return find(key, true) == nullptr ? Enum{} : word_or(key, words, Enum{});
    }
    template <typename Enum, std::size_t N>
    [[nodiscard]] Enum word_or(const char* key, const std::array<std::string_view, N>& words, Enum otherwise) {
        const nlohmann::json* const value = find(key, false);
        if (value == nullptr) {
            return otherwise;
        }
        if (value->is_string()) {
            if (const auto found = value_of<Enum>(value->get_ref<const std::string&>(), words)) {
                return *found;
            }
        }
        refuse(key, "must be " + one_of(words));
        return otherwise;
    }

    /// Absent or null is nothing, else one of `words`.
    template <typename Enum, std::size_t N>
    [[nodiscard]] std::optional<Enum> word_if_any(const char* key, const std::array<std::string_view, N>& words) {
        const nlohmann::json* const value = find(key, false);
        return value == nullptr || value->is_null() ? std::nullopt : std::optional(word_or(key, words, Enum{}));
    }

    /// EINVAL with the first mistake, or with an argument that nobody asked for.
    [[nodiscard]] core::Result<void> finish();

  private:
    [[nodiscard]] const nlohmann::json* find(const char* key, bool required);
    void refuse(std::string_view key, std::string_view why);
    [[nodiscard]] std::uint32_t number_in_range(const char* key, const nlohmann::json& value, Range range);
    [[nodiscard]] static std::string one_of(std::span<const std::string_view> words);

    std::string_view verb_;
    const nlohmann::json& object_;
    std::set<std::string, std::less<>> asked_;
    std::optional<core::Error> mistake_;
};

} // namespace pfild::api
