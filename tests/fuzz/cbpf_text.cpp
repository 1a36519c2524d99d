// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the parser of the decimal form: what it accepts survives printing and parsing, what it refuses has a place
// that exists in the text and a reason of one printable line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cbpf/text.h"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool is_one_printable_line(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parsed = pfild::cbpf::parse_decimal(text);
    if (!parsed) {
        const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
        require(parsed.error().line >= 1 && parsed.error().line <= lines);
        require(parsed.error().column >= 1 && parsed.error().column <= size + 1);
        require(is_one_printable_line(parsed.error().message()));
        return 0;
    }
    require(pfild::cbpf::parse_decimal(pfild::cbpf::print_decimal(*parsed)) == *parsed);
    for (const pfild::cbpf::Instruction& instruction : *parsed) {
        require(is_one_printable_line(pfild::cbpf::mnemonic(instruction)));
    }
    return 0;
}
