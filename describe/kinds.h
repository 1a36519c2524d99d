// SPDX-License-Identifier: BSD-2-Clause
// The kinds of fields there are. What a description writes is a small value, `whole(1, 256)`, `word(kModeNames)`,
// `list(name(31), 16)`; it becomes a Kind of the member's own C++ type where the member is named, so a member and a
// kind that do not fit do not compile.
//
//     flag()                 bool
//     whole(1, 256, "s")     an unsigned number of any width, and its unit
//     decimal("s")           double, not negative
//     name(15), text(4096)   std::string
//     name_or_number(32, n)  std::string, of a name or of a whole number's digits
//     word(kModeNames)       an enumeration, by its table of words
//     object()               a struct that is described
//     row()                  the same as a list of its fields: [40, 0, 0, 12]
//     list(kind, 16)         std::vector
//     table(name(15), kind)  a container of pairs: std::map, or std::vector to keep an order
//     via<R>(kind, from, to) a type of somebody else, through one that has a kind
//
// std::optional<T> takes any kind of a T, and may be null.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "describe/containers.h"
#include "describe/scalars.h"
#include "describe/type.h"

namespace pfild::describe {

// NOLINTBEGIN(google-explicit-constructor): the member decides which Kind it is

struct FlagKind {
    operator Kind<bool>() const { return std::make_shared<const FlagType>(); }
};

struct WholeKind {
    std::uint64_t least = 0;
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max(); ///< or what the member can hold
    std::string_view unit;

    template <std::unsigned_integral T>
    operator std::shared_ptr<const TypeOf<T>>() const {
        const std::uint64_t held = std::numeric_limits<T>::max();
        return std::make_shared<const WholeType<T>>(WholeRange{least, most < held ? most : held, unit});
    }
};

struct DecimalKind {
    std::string_view unit;
    operator Kind<double>() const { return std::make_shared<const DecimalType>(unit); }
};

struct TextKind {
    TextRules rules;
    operator Kind<std::string>() const { return std::make_shared<const TextType>(rules); }
};

struct NameOrNumberKind {
    TextRules rules;
    WholeRange range;
    operator Kind<std::string>() const { return std::make_shared<const NameOrNumberType>(rules, range); }
};

struct WordKind {
    std::span<const std::string_view> words;

    template <typename Enum>
    requires std::is_enum_v<Enum>
    operator std::shared_ptr<const TypeOf<Enum>>() const { return std::make_shared<const WordType<Enum>>(words); }
};

template <typename ItemKind>
struct ListKind {
    ItemKind item;
    ListRules rules;

    /// No two are equal. => Such a list is short, and has `least` 0 or 1.
    [[nodiscard]] constexpr ListKind each_once() const { return {item, {rules.least, rules.most, true}}; }

    template <typename T>
    operator std::shared_ptr<const TypeOf<std::vector<T>>>() const {
        const Kind<T> kind = item;
        return std::make_shared<const ListType<T>>(kind, rules);
    }
};

template <typename NameKind, typename ItemKind>
struct TableKind {
    NameKind name;
    ItemKind item;
    std::size_t most;

    template <typename Container>
    requires requires { typename Container::value_type::second_type; }
    operator std::shared_ptr<const TypeOf<Container>>() const {
        const Kind<std::string> key = name;
        const Kind<typename Container::value_type::second_type> kind = item;
        return std::make_shared<const TableType<Container>>(key, kind, most);
    }
};

template <typename Other, typename OtherKind, typename From, typename To>
struct ViaKind {
    OtherKind other;
    From from;
    To to;

    template <typename T>
    requires std::is_invocable_r_v<Other, To, const T&>
    operator std::shared_ptr<const TypeOf<T>>() const {
        const Kind<Other> kind = other;
        return std::make_shared<const ViaType<T, Other, From, To>>(kind, from, to);
    }
};

// NOLINTEND(google-explicit-constructor)

[[nodiscard]] constexpr FlagKind flag() { return {}; }

/// Both ends included. `unit` is for people: "s", "bytes", "KiB".
[[nodiscard]] constexpr WholeKind whole(std::uint64_t least, std::uint64_t most, std::string_view unit = {}) {
    return {least, most, unit};
}
/// Any number that the member can hold.
[[nodiscard]] constexpr WholeKind whole(std::string_view unit = {}) { return {.unit = unit}; }
[[nodiscard]] constexpr DecimalKind decimal(std::string_view unit = {}) { return {unit}; }

/// 1 to `longest` characters.
[[nodiscard]] constexpr TextKind name(std::size_t longest, Characters characters = kVisible) {
    return {{1, longest, characters}};
}
/// A name, or a number from 0 to `most`.
[[nodiscard]] constexpr NameOrNumberKind name_or_number(std::size_t longest, std::uint64_t most) {
    return {{1, longest, kVisible}, {0, most, {}}};
}
/// 0 to `longest` bytes of UTF-8 without control characters, but for tabs and newlines.
[[nodiscard]] constexpr TextKind text(std::size_t longest = 65536) { return {{0, longest, kText}}; }

/// `words` are those of the enumeration's values, from 0 on. => They live for ever.
template <std::size_t N>
[[nodiscard]] constexpr WordKind word(const std::array<std::string_view, N>& words) {
    return {words};
}

/// At least `least`, at most `most` of them.
template <typename ItemKind>
[[nodiscard]] constexpr ListKind<ItemKind> list(ItemKind item, std::size_t most, std::size_t least = 0) {
    return {std::move(item), {least, most}};
}
template <typename NameKind, typename ItemKind>
[[nodiscard]] constexpr TableKind<NameKind, ItemKind> table(NameKind name, ItemKind item, std::size_t most = 4096) {
    return {std::move(name), std::move(item), most};
}

/// `to` makes an Other of what is held, `from` the opposite, or it says why that is not possible:
/// tl::expected<T, std::string> from(const Other&).
template <typename Other, typename OtherKind, typename From, typename To>
[[nodiscard]] constexpr ViaKind<Other, OtherKind, From, To> via(OtherKind other, From from, To to) {
    return {std::move(other), from, to};
}

} // namespace pfild::describe
