// SPDX-License-Identifier: BSD-2-Clause
// Reads a text from left to right and knows where it is, so that errors can say it. The text must outlive it.
//
// Blanks, and from the comment's character to the end of its line, are skipped before every token; newlines only by
// next_line(). Foreign bytes reach an error's words printable and shortened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "cbpf/text/parsed.h"

namespace pfild::cbpf {

/// A number's name in messages, the largest value it may have, and the rule that says so, if one does.
struct NumberField {
    std::string_view name;
    std::uint32_t largest;
    std::string_view rule = {};
};

class Scanner {
  public:
    Scanner(std::string_view text, char comment) : text_(text), comment_(comment) {}

    /// What the errors from here on are about: "instruction 3 (jeq, 0x15)".
    void within(std::string subject) { subject_ = std::move(subject); }

    [[nodiscard]] tl::unexpected<TextError> fail(const std::string& why) const;
    /// "'%' in place of <wanted>", or that the line ends there.
    [[nodiscard]] tl::unexpected<TextError> fail_instead_of(std::string_view wanted) const;

    /// Moves to the next line that says something; false at the end of the text.
    bool next_line();
    [[nodiscard]] std::size_t line() const { return line_; }
    [[nodiscard]] bool at_line_end();
    /// Nothing may be left on the current line.
    [[nodiscard]] tl::expected<void, TextError> end_of(std::string_view wanted);

    /// The character that comes next; a newline at the end of the text, too.
    [[nodiscard]] char next();
    [[nodiscard]] bool next_is_letter();

    /// Passes over these characters if they come next.
    bool take(std::string_view token);
    [[nodiscard]] tl::expected<void, TextError> demand(std::string_view token);
    /// Letters, digits and underscores, as many as come next; perhaps none.
    std::string_view word();

    /// A decimal number, with a blank, a comment or the end of the line behind it.
    [[nodiscard]] tl::expected<std::uint32_t, TextError> number(const NumberField& field);
    /// 12, -12 or 0xc; negative ones are what 2^32 would have to be added to.
    [[nodiscard]] tl::expected<std::uint32_t, TextError> constant(const NumberField& field);

  private:
    [[nodiscard]] bool ends_here() const { return at_ == text_.size() || text_[at_] == '\n'; }
    [[nodiscard]] std::string_view digits(bool hexadecimal) const;
    void skip_blanks();

    std::string_view text_;
    char comment_;
    std::string subject_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t line_start_ = 0;
};

} // namespace pfild::cbpf
