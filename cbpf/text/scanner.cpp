// SPDX-License-Identifier: BSD-2-Clause
// See scanner.h.
#include "cbpf/text/scanner.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace pfild::cbpf {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hex_digit(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_printable(char c) noexcept { return c > ' ' && c <= '~'; }

/// A foreign byte, fit for a terminal.
std::string shown(char c) {
    if (is_printable(c)) {
        return {'\'', c, '\''};
    }
    return "byte " + std::to_string(static_cast<unsigned char>(c));
}

/// The digits of a number that is too large, without flooding the terminal.
std::string shortened(std::string_view digits) {
    constexpr std::size_t kEnough = 20;
    return digits.size() <= kEnough ? std::string(digits) : std::string(digits.substr(0, kEnough)) + "...";
}

std::string too_large(const NumberField& field, std::string_view digits) {
    std::string why =
        std::string(field.name) + " is " + shortened(digits) + ", the largest is " + std::to_string(field.largest);
    return field.rule.empty() ? why : why.append(" (").append(field.rule).append(")");
}

} // namespace

tl::unexpected<TextError> Scanner::fail(const std::string& why) const {
    return tl::make_unexpected(TextError{line_, at_ - line_start_ + 1, subject_.empty() ? why : subject_ + ": " + why});
}

tl::unexpected<TextError> Scanner::fail_instead_of(std::string_view wanted) const {
    return ends_here() ? fail("the line ends before " + std::string(wanted))
                       : fail(shown(text_[at_]) + " in place of " + std::string(wanted));
}

void Scanner::skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) {
        ++at_;
    }
    if (at_ < text_.size() && text_[at_] == comment_) {
        at_ = std::min(text_.find('\n', at_), text_.size());
    }
}

bool Scanner::next_line() {
    for (skip_blanks(); at_ < text_.size() && text_[at_] == '\n'; skip_blanks()) {
        line_start_ = ++at_;
        ++line_;
    }
    return at_ < text_.size();
}

bool Scanner::at_line_end() {
    skip_blanks();
    return ends_here();
}

tl::expected<void, TextError> Scanner::end_of(std::string_view wanted) {
    if (at_line_end()) {
        return {};
    }
    return fail(shown(text_[at_]) + " after " + std::string(wanted));
}

char Scanner::next() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\n';
}

bool Scanner::next_is_letter() { return is_letter(next()); }

bool Scanner::take(std::string_view token) {
    skip_blanks();
    if (text_.substr(at_, token.size()) != token) {
        return false;
    }
    at_ += token.size();
    return true;
}

tl::expected<void, TextError> Scanner::demand(std::string_view token) {
    if (take(token)) {
        return {};
    }
    return fail_instead_of('\'' + std::string(token) + '\'');
}

std::string_view Scanner::word() {
    skip_blanks();
    std::size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) {
        ++end;
    }
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    return found;
}

std::string_view Scanner::digits(bool hexadecimal) const {
    std::size_t end = at_;
    while (end < text_.size() && (hexadecimal ? is_hex_digit(text_[end]) : is_digit(text_[end]))) {
        ++end;
    }
    return text_.substr(at_, end - at_);
}

tl::expected<std::uint32_t, TextError> Scanner::number(const NumberField& field) {
    skip_blanks();
    const std::string_view found = digits(false);
    if (found.empty()) {
        return fail_instead_of(field.name);
    }
    std::uint32_t value = 0;
    const auto [last, problem] = std::from_chars(found.data(), found.data() + found.size(), value);
    if (problem != std::errc{} || value > field.largest) {
        return fail(too_large(field, found));
    }
    const std::size_t end = at_ + found.size();
    const bool ended = end == text_.size() || is_blank(text_[end]) || text_[end] == '\n' || text_[end] == comment_;
    at_ = end;
    return ended ? tl::expected<std::uint32_t, TextError>(value)
                 : fail(shown(text_[at_]) + " in " + std::string(field.name));
}

tl::expected<std::uint32_t, TextError> Scanner::constant(const NumberField& field) {
    skip_blanks();
    const std::size_t start = at_;
    const bool negative = take("-");
    const bool hexadecimal = !negative && text_.substr(at_, 2) == "0x";
    at_ += hexadecimal ? 2 : 0;
    const std::string_view found = digits(hexadecimal);
    if (found.empty()) {
        return fail_instead_of(field.name);
    }
    std::uint32_t value = 0;
    const auto [last, problem] =
        std::from_chars(found.data(), found.data() + found.size(), value, hexadecimal ? 16 : 10);
    constexpr std::uint32_t kLeastNegative = std::uint32_t{1} << 31U;
    const bool fits = problem == std::errc{} && (negative ? value <= kLeastNegative : value <= field.largest);
    if (!fits) {
        const std::string_view whole = text_.substr(start, at_ + found.size() - start);
        at_ = start;
        return fail(too_large(field, whole));
    }
    at_ += found.size();
    return negative ? 0U - value : value;
}

} // namespace pfild::cbpf
