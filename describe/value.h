// SPDX-License-Identifier: BSD-2-Clause
// What a text says before anybody asks what it means: nothing, a flag, a number, words, a list, or a table of members
// in their order. JSON and TOML both become Values, so a description is read from either by the same code.
//
// Whole numbers that are not negative are always held as std::uint64_t. A Value knows where it stood, if its text has
// lines. Two Values are equal if they say the same; where they stood does not count.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pfild::describe {

/// Both from 1, in characters; 0: nowhere.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

template <typename Number>
concept WholeNumber = std::integral<Number> && !std::same_as<Number, bool> && !std::same_as<Number, char>;

class Value {
  public:
    struct Member;
    using List = std::vector<Value>;
    using Table = std::vector<Member>; ///< each name once

    // NOLINTBEGIN(google-explicit-constructor): a flag, a number or a text is a Value
    Value();
    template <std::same_as<bool> Flag>
    Value(Flag flag);
    template <WholeNumber Number>
    Value(Number number);
    Value(double number);
    Value(std::string text);
    Value(std::string_view text);
    Value(const char* text);
    Value(List list);
    Value(Table table);
    // NOLINTEND(google-explicit-constructor)

    [[nodiscard]] static Value list();
    [[nodiscard]] static Value table();

    [[nodiscard]] bool is_nothing() const noexcept { return std::holds_alternative<std::monostate>(held_); }
    [[nodiscard]] const bool* flag() const noexcept { return std::get_if<bool>(&held_); }
    /// Not negative.
    [[nodiscard]] const std::uint64_t* whole() const noexcept { return std::get_if<std::uint64_t>(&held_); }
    [[nodiscard]] const std::int64_t* negative() const noexcept { return std::get_if<std::int64_t>(&held_); }
    [[nodiscard]] const double* decimal() const noexcept { return std::get_if<double>(&held_); }
    [[nodiscard]] const std::string* text() const noexcept { return std::get_if<std::string>(&held_); }
    [[nodiscard]] const List* items() const noexcept { return std::get_if<List>(&held_); }
    [[nodiscard]] List* items() noexcept { return std::get_if<List>(&held_); }
    [[nodiscard]] const Table* members() const noexcept { return std::get_if<Table>(&held_); }
    [[nodiscard]] Table* members() noexcept { return std::get_if<Table>(&held_); }

    /// The member of that name; nullptr if there is none, or if this is no table.
    [[nodiscard]] const Value* find(std::string_view name) const noexcept;
    /// => this is a table. Replaces a member of that name, or appends one.
    void set(std::string_view name, Value value);
    /// => this is a list.
    void append(Value value);

    friend bool operator==(const Value& one, const Value& other);

    Place place;

  private:
    std::variant<std::monostate, bool, std::uint64_t, std::int64_t, double, std::string, List, Table> held_;
};

struct Value::Member {
    std::string name;
    Value value;
    Place place; ///< of the name

    friend bool operator==(const Member& one, const Member& other) {
        return one.name == other.name && one.value == other.value;
    }
};

// What needs to know a Member.
inline Value::Value() = default;
template <std::same_as<bool> Flag>
Value::Value(Flag flag) : held_(flag) {}
template <WholeNumber Number>
Value::Value(Number number) : held_(static_cast<std::uint64_t>(number)) {
    if constexpr (std::signed_integral<Number>) {
        if (number < 0) {
            held_ = static_cast<std::int64_t>(number);
        }
    }
}
inline Value::Value(double number) : held_(number) {}
inline Value::Value(std::string text) : held_(std::move(text)) {}
inline Value::Value(std::string_view text) : held_(std::string(text)) {}
inline Value::Value(const char* text) : held_(std::string(text)) {}
inline Value::Value(List list) : held_(std::move(list)) {}
inline Value::Value(Table table) : held_(std::move(table)) {}
inline Value Value::list() { return List{}; }
inline Value Value::table() { return Table{}; }
inline void Value::append(Value value) { std::get<List>(held_).push_back(std::move(value)); }
inline bool operator==(const Value& one, const Value& other) { return one.held_ == other.held_; }

} // namespace pfild::describe
