// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the assembler and the disassembler, two ways with each input:
//
//    as text             what is accepted comes back from each of the three forms as the same instructions (of a
//    listing:
//                        as they are written) and, printed again, as the same text; what is refused has a place in the
//                        text and a reason of one line
//    as instructions     8 bytes each, whatever they are: printed in each form, they parse to themselves
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "cbpf/mnemonic.h"
#include "cbpf/text.h"

namespace {

using pfild::cbpf::Instruction;
using pfild::cbpf::TextError;
using pfild::cbpf::TextForm;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool is_one_printable_line(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void require_sensible(const TextError& error, std::string_view text) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    require(error.line >= 1 && error.line <= lines);
    require(error.column >= 1 && error.column <= text.size() + 1);
    require(is_one_printable_line(error.message()));
}

/// But for fields that opcodes do not use, and which their notation does not show.
bool mean_the_same(const std::vector<Instruction>& one, const std::vector<Instruction>& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](const Instruction& a, const Instruction& b) {
                          return pfild::cbpf::mnemonic(a) == pfild::cbpf::mnemonic(b);
                      });
}

void require_round_trips(const std::vector<Instruction>& instructions) {
    for (const TextForm form : {TextForm::kListing, TextForm::kC, TextForm::kDecimal}) {
        const std::string text = pfild::cbpf::print(instructions, form);
        const auto parsed = pfild::cbpf::parse(text);
        require(parsed && parsed->lines.size() == instructions.size());
        require(form == TextForm::kListing ? mean_the_same(parsed->instructions, instructions)
                                           : parsed->instructions == instructions);
        require(pfild::cbpf::print(parsed->instructions, form) == text);
    }
    for (const Instruction& instruction : instructions) {
        require(is_one_printable_line(pfild::cbpf::mnemonic(instruction)));
    }
}

void judge_text(std::string_view text) {
    const auto parsed = pfild::cbpf::parse(text);
    const auto assembled = pfild::cbpf::assemble(text);
    if (!parsed) {
        require_sensible(parsed.error(), text);
        require(!assembled && assembled.error().message() == parsed.error().message());
        return;
    }
    if (!parsed->instructions.empty()) {
        require_round_trips(parsed->instructions);
    }
    require(assembled.has_value() == pfild::cbpf::Program::verify(parsed->instructions).has_value());
    if (!assembled) {
        require_sensible(assembled.error(), text);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    judge_text({reinterpret_cast<const char*>(data), size});
    if (const auto decimal = pfild::cbpf::parse_decimal({reinterpret_cast<const char*>(data), size}); !decimal) {
        require_sensible(decimal.error(), {reinterpret_cast<const char*>(data), size});
    }
    std::vector<Instruction> instructions(size / sizeof(Instruction));
    if (!instructions.empty()) {
        std::memcpy(instructions.data(), data, instructions.size() * sizeof(Instruction));
        require_round_trips(instructions);
    }
    return 0;
}
