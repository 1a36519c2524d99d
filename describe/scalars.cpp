// SPDX-License-Identifier: BSD-2-Clause
// See describe/scalars.h.
#include "describe/scalars.h"

#include <algorithm>
#include <charconv>

namespace pfild::describe {
namespace {

/// Values of types that no flag, number or text is; a table or a list is none of a scalar's.
Value of_another_type(Dice& dice) { return dice.once_in(2) ? Value::table() : Value(Value::List{Value(true)}); }

Value schema_of(std::string_view type) {
    Value schema = Value::table();
    schema.set("type", type);
    return schema;
}

std::string with_unit(const std::string& text, std::string_view unit) {
    return unit.empty() ? text : text + " (" + std::string(unit) + ')';
}

} // namespace

Value FlagType::schema(Definitions& /*definitions*/) const { return schema_of("boolean"); }

Value FlagType::broken(Dice& dice) const { return dice.once_in(2) ? Value("true") : of_another_type(dice); }

Value FlagType::of_word(std::string_view word) const {
    return word == "true" ? Value(true) : word == "false" ? Value(false) : Value(word);
}

void FlagType::read(bool& object, const Value& value, Reading& reading) const {
    if (const bool* const flag = value.flag()) {
        object = *flag;
    } else {
        reading.refuse(value.place, "must be true or false");
    }
}

Value FlagType::write(const bool& object, Defaults /*defaults*/) const { return object; }

std::string WholeRange::says() const {
    return with_unit("a whole number from " + std::to_string(least) + " to " + std::to_string(most), unit);
}

Value WholeRange::schema() const {
    Value schema = schema_of("integer");
    schema.set("minimum", least);
    schema.set("maximum", most);
    return schema;
}

Value WholeRange::broken(Dice& dice) const {
    const std::size_t choice = dice.below(4);
    if (choice == 0 && most + 1 != 0) {
        return most + 1;
    }
    if (choice == 1 && least != 0) {
        return least - 1;
    }
    return choice == 2 ? Value(-1) : choice == 3 ? Value(0.5) : Value("1");
}

Value WholeRange::of_word(std::string_view word) {
    std::uint64_t number = 0;
    const char* const end = word.data() + word.size();
    const auto parsed = std::from_chars(word.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end ? Value(number) : Value(word);
}

std::optional<std::uint64_t> WholeRange::read(const Value& value, Reading& reading) const {
    const std::uint64_t* const whole = value.whole();
    if (whole == nullptr || *whole < least || *whole > most) {
        reading.refuse(value.place,
                       "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
        return std::nullopt;
    }
    return *whole;
}

namespace {

constexpr double kMostDecimal = 9007199254740992;

} // namespace

std::string DecimalType::says() const { return with_unit("a number, not negative", unit_); }

Value DecimalType::schema(Definitions& /*definitions*/) const {
    Value schema = schema_of("number");
    schema.set("minimum", 0);
    return schema;
}

Value DecimalType::any(Dice& dice) const { return static_cast<double>(dice.below(1U << 20U)) / 8; }

Value DecimalType::broken(Dice& dice) const { return dice.once_in(2) ? Value(-0.5) : of_another_type(dice); }

void DecimalType::read(double& object, const Value& value, Reading& reading) const {
    const std::uint64_t* const whole = value.whole();
    const double* const decimal = value.decimal();
    const double found = whole != nullptr ? static_cast<double>(*whole) : decimal != nullptr ? *decimal : -1;
    if (found >= 0 && found <= kMostDecimal) {
        object = found;
    } else {
        reading.refuse(value.place, "must be a number from 0 to 2^53");
    }
}

Value DecimalType::write(const double& object, Defaults /*defaults*/) const { return object; }

std::string TextType::limits() const {
    return std::to_string(rules_.shortest) + " to " + std::to_string(rules_.longest) + ' ' +
           std::string(rules_.characters.says);
}

std::string TextType::says() const { return "text: " + limits(); }

Value TextType::schema(Definitions& /*definitions*/) const {
    Value schema = schema_of("string");
    schema.set("minLength", rules_.shortest);
    schema.set("maxLength", rules_.longest);
    schema.set("pattern", '^' + std::string(rules_.characters.pattern) + "*$");
    return schema;
}

Value TextType::any(Dice& dice) const {
    const std::size_t longest = std::min<std::size_t>(rules_.longest, dice.once_in(8) ? rules_.longest : 12);
    std::string text(dice.between(rules_.shortest, longest), 'a');
    for (char& c : text) {
        c = static_cast<char>('a' + dice.below(26));
    }
    if (!text.empty() && dice.once_in(2)) {
        text[dice.below(text.size())] = rules_.characters.example;
    }
    return text;
}

Value TextType::broken(Dice& dice) const {
    const std::size_t choice = dice.below(3);
    if (choice == 0) {
        return std::string(rules_.longest + 1, 'a');
    }
    if (choice == 1) {
        return std::string("a\x01");
    }
    return rules_.shortest > 0 ? Value("") : of_another_type(dice);
}

bool TextType::good(const std::string& text) const {
    return text.size() >= rules_.shortest && text.size() <= rules_.longest &&
           std::all_of(text.begin(), text.end(),
                       [this](char c) { return rules_.characters.has(static_cast<unsigned char>(c)); });
}

void TextType::read(std::string& object, const Value& value, Reading& reading) const {
    const std::string* const text = value.text();
    if (text == nullptr) {
        reading.refuse(value.place, "must be a string");
    } else if (!good(*text)) {
        reading.refuse(value.place, "must be " + limits());
    } else {
        object = *text;
    }
}

Value TextType::write(const std::string& object, Defaults /*defaults*/) const { return object; }

Value NameOrNumberType::schema(Definitions& definitions) const {
    Value schema = Value::table();
    schema.set("anyOf", Value::List{name_.schema(definitions), range_.schema()});
    return schema;
}

Value NameOrNumberType::any(Dice& dice) const {
    return dice.once_in(2) ? name_.any(dice) : Value(dice.between(range_.least, range_.most));
}

Value NameOrNumberType::broken(Dice& dice) const {
    return dice.once_in(2) ? name_.broken(dice) : Value(dice.once_in(2) ? Value(-1) : Value(0.5));
}

void NameOrNumberType::read(std::string& object, const Value& value, Reading& reading) const {
    if (value.text() != nullptr) {
        name_.read(object, value, reading);
    } else if (const auto number = range_.read(value, reading)) {
        object = std::to_string(*number);
    }
}

Value NameOrNumberType::write(const std::string& object, Defaults defaults) const {
    return name_.write(object, defaults);
}

std::string Words::says() const {
    std::string text;
    for (std::size_t i = 0; i < all.size(); ++i) {
        text += i == 0 ? "" : i + 1 == all.size() ? " or " : ", ";
        text += '`' + std::string(all[i]) + '`';
    }
    return text;
}

Value Words::schema() const {
    Value words = Value::list();
    for (const std::string_view word : all) {
        words.append(word);
    }
    Value schema = Value::table();
    schema.set("enum", std::move(words));
    return schema;
}

Value Words::any(Dice& dice) const { return all[dice.below(all.size())]; }

Value Words::broken(Dice& dice) const {
    const std::string word(all[dice.below(all.size())]);
    return dice.once_in(3) ? Value("") : dice.once_in(2) ? of_another_type(dice) : Value(word + word);
}

std::optional<std::size_t> Words::read(const Value& value, Reading& reading) const {
    const std::string* const text = value.text();
    const auto found = text == nullptr ? all.end() : std::find(all.begin(), all.end(), *text);
    if (found == all.end()) {
        reading.refuse(value.place, "must be " + one_of(all));
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - all.begin());
}

} // namespace pfild::describe
