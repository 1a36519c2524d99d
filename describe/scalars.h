// SPDX-License-Identifier: BSD-2-Clause
// The types of fields that hold one thing: a flag, a number, a text, a word. kinds.h makes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "describe/type.h"

namespace pfild::describe {

/// What a text may consist of.
struct Characters {
    std::string_view says;    ///< "visible ASCII characters"
    std::string_view pattern; ///< of ECMA 262: what one of them is
    bool (*has)(unsigned char);
    char example; ///< 'a' is one of them in any case
};
inline constexpr Characters kVisible{"visible ASCII characters", "[!-~]",
                                     [](unsigned char c) { return c > 0x20 && c < 0x7f; }, '~'};
inline constexpr Characters kText{"characters, of the control characters only tab and newline",
                                  R"([^\u0000-\u0008\u000b-\u001f\u007f])",
                                  [](unsigned char c) { return c >= 0x20 ? c != 0x7f : c == '\t' || c == '\n'; }, ' '};
inline constexpr Characters kPlain{"letters, digits, '-', '_' and '.'", "[A-Za-z0-9._-]",
                                   [](unsigned char c) {
                                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
                                   },
                                   '-'};

class FlagType final : public TypeOf<bool> {
  public:
    [[nodiscard]] std::string says() const override { return "`true` or `false`"; }
    [[nodiscard]] Value schema(Definitions& definitions) const override;
    [[nodiscard]] Value any(Dice& dice) const override { return dice.once_in(2); }
    [[nodiscard]] Value broken(Dice& dice) const override;
    [[nodiscard]] Value of_word(std::string_view word) const override;
    void read(bool& object, const Value& value, Reading& reading) const override;
    [[nodiscard]] Value write(const bool& object, Defaults defaults) const override;
};

/// Both ends included.
struct WholeRange {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    std::string_view unit;

    [[nodiscard]] std::string says() const;
    [[nodiscard]] Value schema() const;
    [[nodiscard]] Value broken(Dice& dice) const;
    [[nodiscard]] static Value of_word(std::string_view word);
    [[nodiscard]] std::optional<std::uint64_t> read(const Value& value, Reading& reading) const;
};

template <typename T>
class WholeType final : public TypeOf<T> {
  public:
    explicit WholeType(WholeRange range) : range_(range) {}

    [[nodiscard]] std::string says() const override { return range_.says(); }
    [[nodiscard]] Value schema(Definitions& /*definitions*/) const override { return range_.schema(); }
    [[nodiscard]] Value any(Dice& dice) const override { return dice.between(range_.least, range_.most); }
    [[nodiscard]] Value broken(Dice& dice) const override { return range_.broken(dice); }
    [[nodiscard]] Value of_word(std::string_view word) const override { return WholeRange::of_word(word); }
    void read(T& object, const Value& value, Reading& reading) const override {
        object = static_cast<T>(range_.read(value, reading).value_or(object));
    }
    [[nodiscard]] Value write(const T& object, Defaults /*defaults*/) const override { return object; }

  private:
    WholeRange range_;
};

/// 0 to 2^53: beyond it not every whole number is one.
class DecimalType final : public TypeOf<double> {
  public:
    explicit DecimalType(std::string_view unit) : unit_(unit) {}

    [[nodiscard]] std::string says() const override;
    [[nodiscard]] Value schema(Definitions& definitions) const override;
    [[nodiscard]] Value any(Dice& dice) const override;
    [[nodiscard]] Value broken(Dice& dice) const override;
    void read(double& object, const Value& value, Reading& reading) const override;
    [[nodiscard]] Value write(const double& object, Defaults defaults) const override;

  private:
    std::string_view unit_;
};

/// Lengths are in bytes.
struct TextRules {
    std::size_t shortest = 0;
    std::size_t longest = 0;
    Characters characters;
};

class TextType final : public TypeOf<std::string> {
  public:
    explicit TextType(TextRules rules) : rules_(rules) {}

    [[nodiscard]] std::string says() const override;
    [[nodiscard]] Value schema(Definitions& definitions) const override;
    [[nodiscard]] Value any(Dice& dice) const override;
    [[nodiscard]] Value broken(Dice& dice) const override;
    void read(std::string& object, const Value& value, Reading& reading) const override;
    [[nodiscard]] Value write(const std::string& object, Defaults defaults) const override;

  private:
    [[nodiscard]] bool good(const std::string& text) const;
    [[nodiscard]] std::string limits() const;

    TextRules rules_;
};

/// A name, or a whole number, which is kept as its digits: `user = "alice"`, `user = 1000`.
class NameOrNumberType final : public TypeOf<std::string> {
  public:
    NameOrNumberType(TextRules rules, WholeRange range) : name_(rules), range_(range) {}

    [[nodiscard]] std::string says() const override { return name_.says() + ", or " + range_.says(); }
    [[nodiscard]] Value schema(Definitions& definitions) const override;
    [[nodiscard]] Value any(Dice& dice) const override;
    [[nodiscard]] Value broken(Dice& dice) const override;
    void read(std::string& object, const Value& value, Reading& reading) const override;
    [[nodiscard]] Value write(const std::string& object, Defaults defaults) const override;

  private:
    TextType name_;
    WholeRange range_;
};

/// One of some words, as the number of its place among them.
struct Words {
    std::span<const std::string_view> all;

    [[nodiscard]] std::string says() const;
    [[nodiscard]] Value schema() const;
    [[nodiscard]] Value any(Dice& dice) const;
    [[nodiscard]] Value broken(Dice& dice) const;
    [[nodiscard]] std::optional<std::size_t> read(const Value& value, Reading& reading) const;
    [[nodiscard]] std::string_view at(std::size_t index) const { return index < all.size() ? all[index] : "?"; }
};

template <typename Enum>
class WordType final : public TypeOf<Enum> {
  public:
    explicit WordType(std::span<const std::string_view> words) : words_{words} {}

    [[nodiscard]] std::string says() const override { return words_.says(); }
    [[nodiscard]] Value schema(Definitions& /*definitions*/) const override { return words_.schema(); }
    [[nodiscard]] Value any(Dice& dice) const override { return words_.any(dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return words_.broken(dice); }
    [[nodiscard]] std::span<const std::string_view> words() const override { return words_.all; }
    void read(Enum& object, const Value& value, Reading& reading) const override {
        if (const auto index = words_.read(value, reading)) {
            object = static_cast<Enum>(*index);
        }
    }
    [[nodiscard]] Value write(const Enum& object, Defaults /*defaults*/) const override {
        return words_.at(static_cast<std::size_t>(object));
    }

  private:
    Words words_;
};

} // namespace pfild::describe
