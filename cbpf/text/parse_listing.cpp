// SPDX-License-Identifier: BSD-2-Clause
// Reads listings: for each line a name and an operand, which together say which of the opcodes it is.
//
//    [ (number) ]  name  operand  [ jt number jf number | ,skipped,skipped ]        or    { code, jt, jf, k }
//
// A name stands for several opcodes: `ld` for five. What the operand begins with decides.
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

#include "cbpf/text/forms.h"
#include "cbpf/text/scanner.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kLongestJump = 255;

bool is_name(std::string_view word) {
    return word == "ldxb" ||
           std::any_of(kOpcodes.begin(), kOpcodes.end(), [word](const OpcodeInfo& row) { return row.name == word; });
}

class ListingReader {
  public:
    explicit ListingReader(std::string_view text) : scanner_(text, ';') {}

    tl::expected<ParsedText, TextError> read() {
        ParsedText parsed;
        while (scanner_.next_line()) {
            number_ = parsed.instructions.size();
            const tl::expected<Instruction, TextError> instruction = line();
            if (!instruction) {
                return tl::make_unexpected(instruction.error());
            }
            parsed.instructions.push_back(*instruction);
            parsed.lines.push_back(scanner_.line());
        }
        return parsed;
    }

  private:
    using Parsed = tl::expected<Instruction, TextError>;
    using Number = tl::expected<std::uint32_t, TextError>;
    using Done = tl::expected<void, TextError>;

    Parsed line() {
        scanner_.within("instruction " + std::to_string(number_));
        if (auto numbered = check_number(); !numbered) {
            return tl::make_unexpected(std::move(numbered.error()));
        }
        if (scanner_.next() == '{') {
            return fields();
        }
        name_ = scanner_.word();
        if (name_.empty()) {
            return scanner_.fail_instead_of("an opcode");
        }
        if (!is_name(name_)) {
            return scanner_.fail("no such opcode: '" + std::string(name_.substr(0, 20)) + "' (CF-02)");
        }
        scanner_.within("instruction " + std::to_string(number_) + " (" + std::string(name_) + ')');
        if (auto read = operand(); !read) {
            return tl::make_unexpected(std::move(read.error()));
        }
        return found_;
    }

    /// `(003)`, which may be left out.
    Done check_number() {
        if (!scanner_.take("(")) {
            return {};
        }
        const Number given = scanner_.constant({"the number of the instruction", kLargest});
        if (!given) {
            return tl::make_unexpected(given.error());
        }
        if (*given != number_) {
            return scanner_.fail("it says that it is number " + std::to_string(*given));
        }
        return scanner_.demand(")");
    }

    Parsed fields() {
        Parsed instruction = parse_fields_in_c(scanner_, number_);
        if (instruction) {
            if (auto end = scanner_.end_of("the four numbers of an instruction"); !end) {
                return tl::make_unexpected(std::move(end.error()));
            }
        }
        return instruction;
    }

    [[nodiscard]] bool is_branch() const {
        return name_ == "jeq" || name_ == "jgt" || name_ == "jge" || name_ == "jset";
    }

    Done operand() {
        if (scanner_.at_line_end()) {
            return finish(name_ == "ret" ? Operand::kA : Operand::kNone, 0);
        }
        if (name_ == "ja") {
            return jump_target();
        }
        switch (scanner_.next()) {
        case '#':
            return constant_operand();
        case '[':
            return offset_operand();
        case 'M':
            return memory_operand();
        case '4':
            return header_operand();
        default:
            break;
        }
        const std::string_view word = scanner_.word();
        if (word == "x") {
            return finish(is_branch() ? Operand::kBranchX : Operand::kX, 0);
        }
        if (word == "a" || word == "len") {
            return finish(word == "a" ? Operand::kA : Operand::kLength, 0);
        }
        return scanner_.fail_instead_of(word.empty() ? "an operand" : "what would make that an operand");
    }

    Done constant_operand() {
        (void)scanner_.take("#");
        if (scanner_.take("pktlen")) {
            return finish(Operand::kLength, 0);
        }
        const Number k = scanner_.constant({"the constant", kLargest});
        return k ? finish(is_branch() ? Operand::kBranch : Operand::kConstant, *k) : failed(k);
    }

    /// `[12]`, `[x + 12]`, and `[ifidx]`, which on Linux is no offset of the packet.
    Done offset_operand() {
        (void)scanner_.take("[");
        constexpr NumberField kOffset{"the offset", kLargest};
        const std::string_view word = scanner_.next_is_letter() ? scanner_.word() : "";
        if (word == "x") {
            if (auto plus = scanner_.demand("+"); !plus) {
                return plus;
            }
        } else if (!word.empty()) {
            const std::optional<std::uint32_t> offset = ancillary_offset(word);
            return offset ? finish(Operand::kAbsolute, *offset, "]")
                          : scanner_.fail("no such offset: '" + std::string(word.substr(0, 20)) + '\'');
        }
        const Number k = scanner_.constant(kOffset);
        return k ? finish(word == "x" ? Operand::kIndexed : Operand::kAbsolute, *k, "]") : failed(k);
    }

    Done memory_operand() {
        if (auto opened = scanner_.demand("M["); !opened) {
            return opened;
        }
        const Number k = scanner_.constant({"the word of memory", kLargest});
        return k ? finish(Operand::kMemory, *k, "]") : failed(k);
    }

    Done header_operand() {
        if (auto opened = demand_all({"4", "*", "(", "["}); !opened) {
            return opened;
        }
        const Number k = scanner_.constant({"the offset", kLargest});
        if (!k) {
            return failed(k);
        }
        if (auto closed = demand_all({"]", "&", "0xf", ")"}); !closed) {
            return closed;
        }
        return finish(Operand::kHeader, *k);
    }

    Done demand_all(std::initializer_list<std::string_view> tokens) {
        for (const std::string_view token : tokens) {
            if (auto taken = scanner_.demand(token); !taken) {
                return taken;
            }
        }
        return {};
    }

    /// `ja 7`, the instruction it leads to, or `ja +3`, what it skips. Any 32-bit distance can be written.
    Done jump_target() {
        const bool relative = scanner_.take("+");
        const Number to = scanner_.constant({"the instruction to jump to", kLargest});
        if (!to) {
            return failed(to);
        }
        return finish(Operand::kJump, relative ? *to : *to - static_cast<std::uint32_t>(number_) - 1);
    }

    /// `jt 2 jf 6`, instructions, or `,0,3`, what is skipped.
    Done branch_targets() {
        const bool relative = scanner_.next() == ',';
        for (const std::string_view field : {"jt", "jf"}) {
            if (auto taken = scanner_.demand(relative ? "," : field); !taken) {
                return taken;
            }
            const Number distance = relative ? scanner_.constant({field, kLongestJump, "CF-06"}) : skipped(field);
            if (!distance) {
                return failed(distance);
            }
            if (*distance > kLongestJump) { // it was negative
                return scanner_.fail(std::string(field) + " is negative (CF-06)");
            }
            (field == "jt" ? found_.jt : found_.jf) = static_cast<std::uint8_t>(*distance);
        }
        return {};
    }

    Number skipped(std::string_view field) {
        Number to = scanner_.constant({field, kLargest, "CF-06"});
        if (!to) {
            return to;
        }
        if (*to <= number_) {
            return scanner_.fail(std::string(field) + " leads back to " + std::to_string(*to) + " (CF-06)");
        }
        const auto distance = static_cast<std::uint32_t>(*to - number_ - 1);
        if (distance > kLongestJump) {
            return scanner_.fail(std::string(field) + " skips " + std::to_string(distance) +
                                 " instructions, the most is " + std::to_string(kLongestJump) + " (CF-06)");
        }
        return distance;
    }

    static Done failed(const Number& number) { return tl::make_unexpected(number.error()); }

    /// The opcode of the line's name with this operand.
    Done choose(Operand operand) {
        const std::string_view name = name_ == "ldxb" ? "ldx" : name_;
        const auto* const row = std::find_if(kOpcodes.begin(), kOpcodes.end(), [&](const OpcodeInfo& info) {
            return info.name == name && info.operand == operand;
        });
        if (row == kOpcodes.end() || (name_ == "ldxb" && operand != Operand::kHeader)) {
            return scanner_.fail("there is no " + std::string(name_) + " with such an operand (CF-02)");
        }
        found_ = {row->code, 0, 0, 0};
        return {};
    }

    /// choose(), then k, then what closes the operand, then nothing.
    Done finish(Operand operand, std::uint32_t k, std::string_view closing = "") {
        if (auto chosen = choose(operand); !chosen) {
            return chosen;
        }
        found_.k = k;
        if (auto closed = closing.empty() ? Done() : scanner_.demand(closing); !closed) {
            return closed;
        }
        if (operand == Operand::kBranch || operand == Operand::kBranchX) {
            if (auto targets = branch_targets(); !targets) {
                return targets;
            }
        }
        return scanner_.end_of("the instruction");
    }

    Scanner scanner_;
    std::size_t number_ = 0; ///< of the line's instruction
    std::string_view name_;
    Instruction found_{};
};

} // namespace

tl::expected<ParsedText, TextError> parse_listing(std::string_view text) { return ListingReader(text).read(); }

} // namespace pfild::cbpf
