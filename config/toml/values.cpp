// SPDX-License-Identifier: BSD-2-Clause
// See config/toml/values.h.
#include "config/toml/values.h"

#include <ostream>
#include <sstream>
#include <string>
#include <utility>

#include <toml++/toml.h>

namespace pfild::config {
namespace {

using describe::Mistake;
using describe::Place;
using describe::Value;

constexpr std::size_t kDeepest = 32;

Place place_of(const toml::source_region& region) {
    return {static_cast<std::uint32_t>(region.begin.line), static_cast<std::uint32_t>(region.begin.column)};
}

/// Makes a Value of each node; remembers the first that cannot be one.
class Maker {
  public:
    std::optional<Mistake> mistake;

    // NOLINTNEXTLINE(misc-no-recursion): kDeepest
    Value make(const toml::node& node, std::size_t depth) {
        Value value;
        if (depth > kDeepest) {
            refuse(node, "is nested deeper than " + std::to_string(kDeepest));
        } else if (const auto* const table = node.as_table()) {
            value = make_table(*table, depth);
        } else if (const auto* const array = node.as_array()) {
            value = Value::list();
            for (const toml::node& item : *array) {
                value.append(make(item, depth + 1));
            }
        } else if (const auto* const text = node.as_string()) {
            value = Value(text->get());
        } else if (const auto* const number = node.as_integer()) {
            value = Value(number->get());
        } else if (const auto* const flag = node.as_boolean()) {
            value = Value(flag->get());
        } else if (const auto* const decimal = node.as_floating_point()) {
            value = Value(decimal->get());
        } else {
            refuse(node, "must not be a date or a time");
        }
        value.place = place_of(node.source());
        return value;
    }

  private:
    // NOLINTNEXTLINE(misc-no-recursion): kDeepest
    Value make_table(const toml::table& table, std::size_t depth) {
        Value::Table members;
        members.reserve(table.size());
        for (const auto& [key, node] : table) {
            members.push_back({std::string(key.str()), make(node, depth + 1), place_of(key.source())});
        }
        return members;
    }

    void refuse(const toml::node& node, std::string why) {
        if (!mistake) {
            mistake = {place_of(node.source()), "", std::move(why), ""};
        }
    }
};

/// In lines of its own if it has several. toml++ would lose an end of line at the beginning, so that is escaped.
void print_text(std::ostream& out, const std::string& text) {
    const toml::value<std::string> node(text);
    auto flags = toml::toml_formatter::default_flags;
    if (text.starts_with('\n')) {
        flags &= ~(toml::format_flags::allow_multi_line_strings | toml::format_flags::allow_literal_strings);
    }
    out << toml::toml_formatter(node, flags);
}

// NOLINTNEXTLINE(misc-no-recursion): a list in a list is as deep as it gets
void print_value(std::ostream& out, const Value& value) {
    if (const auto* const text = value.text()) {
        print_text(out, *text);
    } else if (const auto* const flag = value.flag()) {
        out << toml::value<bool>(*flag);
    } else if (const auto* const whole = value.whole()) {
        out << *whole;
    } else if (const auto* const negative = value.negative()) {
        out << *negative;
    } else if (const auto* const items = value.items()) {
        const char* between = "";
        out << '[';
        for (const Value& item : *items) {
            out << std::exchange(between, ", ");
            print_value(out, item);
        }
        out << ']';
    }
}

bool is_list_of_tables(const Value& value) {
    const auto* const items = value.items();
    return items != nullptr && !items->empty() && items->front().members() != nullptr;
}

void print_lines(std::ostream& out, const Value::Table& members) {
    for (const Value::Member& member : members) {
        if (!member.value.is_nothing() && !is_list_of_tables(member.value)) {
            out << member.name << " = ";
            print_value(out, member.value);
            out << '\n';
        }
    }
}

} // namespace

std::string toml_of_values(const Value& table) {
    std::ostringstream out;
    print_lines(out, *table.members());
    for (const Value::Member& member : *table.members()) {
        if (is_list_of_tables(member.value)) {
            for (const Value& item : *member.value.items()) {
                out << (out.tellp() > 0 ? "\n" : "") << "[[" << member.name << "]]\n";
                print_lines(out, *item.members());
            }
        }
    }
    return out.str();
}

tl::expected<Value, Mistake> values_of_toml(std::string_view text) {
    try {
        const toml::table table = toml::parse(text);
        Maker maker;
        Value value = maker.make(table, 0);
        if (maker.mistake) {
            return tl::make_unexpected(std::move(*maker.mistake));
        }
        return value;
    } catch (const toml::parse_error& error) {
        return tl::make_unexpected(Mistake{place_of(error.source()), "", std::string(error.description()), ""});
    }
}

} // namespace pfild::config
