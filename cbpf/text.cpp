// SPDX-License-Identifier: BSD-2-Clause
// The three forms together.
#include "cbpf/text.h"

#include <utility>

#include "cbpf/text/forms.h"
#include "cbpf/text/scanner.h"

namespace pfild::cbpf {

tl::expected<ParsedText, TextError> parse(std::string_view text) {
    Scanner scanner(text, '#');
    if (!scanner.next_line()) {
        return scanner.fail("there is no instruction in it");
    }
    const char first = scanner.next();
    if (first >= '0' && first <= '9') {
        return parse_decimal_text(text);
    }
    return first == '{' ? parse_c_text(text) : parse_listing(text);
}

tl::expected<std::vector<Instruction>, TextError> parse_decimal(std::string_view text) {
    return parse_decimal_text(text).map([](ParsedText&& parsed) { return std::move(parsed.instructions); });
}

tl::expected<Program, TextError> assemble(std::string_view text) {
    const tl::expected<ParsedText, TextError> parsed = parse(text);
    if (!parsed) {
        return tl::make_unexpected(parsed.error());
    }
    tl::expected<Program, Rejection> program = Program::verify(parsed->instructions);
    if (program) {
        return std::move(*program);
    }
    const Rejection& rejection = program.error();
    const std::vector<std::size_t>& lines = parsed->lines;
    const std::size_t line =
        rejection.rule == Rule::kLength ? (lines.empty() ? 1 : lines.back()) : lines[rejection.index];
    return tl::make_unexpected(TextError{line, 1, rejection.message()});
}

std::string print(std::span<const Instruction> instructions, TextForm form) {
    switch (form) {
    case TextForm::kListing:
        return print_listing(instructions);
    case TextForm::kC:
        return print_c(instructions);
    case TextForm::kDecimal:
        break;
    }
    return print_decimal(instructions);
}

} // namespace pfild::cbpf
