// SPDX-License-Identifier: BSD-2-Clause
// The verifier: one pass from the first instruction to the last.
//
// Jumps go forward only, so that when the pass comes to an instruction it has already seen everything that can lead to
// it. Two facts travel along the edges:
//
//    reachable_[i]  some path leads to instruction i
//    written_[i]    the words of M that have been written on every path that leads to i, one bit a word
//
// Where paths meet, written_ is the intersection. That is exact, not an approximation: a word is missing from it if and
// only if there is a path on which it was not written, every conditional jump being taken as one that can go both ways
// (CF-10). An instruction that no path has reached when the pass comes to it never will be, and is not looked at
// (CF-07).
#include "cbpf/program.h"

#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "cbpf/mnemonic.h"

namespace pfild::cbpf {
namespace {

using WordSet = std::uint16_t; ///< words of M, bit i for M[i]
static_assert(sizeof(WordSet) * 8 == kMemoryWords);

/// What an unreachable instruction is decoded to.
constexpr Step kUnreachable{Opcode::kRetK, 0, 0, 0};

class Verifier {
  public:
    explicit Verifier(std::span<const Instruction> program)
        : program_(program), reachable_(program.size()),
          written_(program.size(), static_cast<WordSet>(~0U)) { // the neutral element of the intersection
        reachable_[0] = true;
        written_[0] = 0;
    }

    /// => instruction `index` is the next one of the pass.
    [[nodiscard]] tl::expected<Step, Rule> visit(std::size_t index) {
        if (!reachable_[index]) {
            return kUnreachable;
        }
        const Instruction& instruction = program_[index];
        const std::optional<Opcode> opcode = opcode_of(instruction.code);
        if (!opcode) {
            return tl::make_unexpected(Rule::kOpcode);
        }
        WordSet written = written_[index];
        std::optional<Rule> broken = check_operand(*opcode, instruction.k, written);
        if (!broken) {
            broken = follow(*opcode, index, written);
        }
        if (broken) {
            return tl::make_unexpected(*broken);
        }
        return Step{*opcode, instruction.jt, instruction.jf, instruction.k};
    }

  private:
    /// Checks k where its value matters and notes a store in `written`.
    static std::optional<Rule> check_operand(Opcode opcode, std::uint32_t k, WordSet& written) {
        switch (opcode) {
        case Opcode::kSt:
        case Opcode::kStx:
            if (k >= kMemoryWords) {
                return Rule::kMemoryIndex;
            }
            written = static_cast<WordSet>(written | (1U << k));
            return std::nullopt;
        case Opcode::kLdMem:
        case Opcode::kLdxMem:
            if (k >= kMemoryWords) {
                return Rule::kMemoryIndex;
            }
            return (written & (1U << k)) == 0 ? std::optional(Rule::kMemoryUnset) : std::nullopt;
        case Opcode::kDivK:
        case Opcode::kModK:
            return k == 0 ? std::optional(Rule::kDivisor) : std::nullopt;
        case Opcode::kLshK:
        case Opcode::kRshK:
            return k >= kShiftLimit ? std::optional(Rule::kShift) : std::nullopt;
        default:
            return std::nullopt;
        }
    }

    /// Carries the facts that hold after instruction `index` to every instruction that can run next.
    std::optional<Rule> follow(Opcode opcode, std::size_t index, WordSet written) {
        const Instruction& instruction = program_[index];
        switch (info(opcode).operand) {
        case Operand::kJump:
            return arrive(index, instruction.k, written) ? std::nullopt : std::optional(Rule::kJump);
        case Operand::kBranch:
        case Operand::kBranchX: {
            const bool inside = arrive(index, instruction.jt, written) && arrive(index, instruction.jf, written);
            return inside ? std::nullopt : std::optional(Rule::kJump);
        }
        default:
            break;
        }
        if (opcode == Opcode::kRetK || opcode == Opcode::kRetA) {
            return std::nullopt;
        }
        return arrive(index, 0, written) ? std::nullopt : std::optional(Rule::kEnd);
    }

    /// Notes an edge from `index` over `skipped` instructions; false if it leads outside the program.
    bool arrive(std::size_t index, std::uint32_t skipped, WordSet written) {
        const std::size_t behind = program_.size() - index - 1; // never negative, so nothing here wraps
        if (skipped >= behind) {
            return false;
        }
        const std::size_t target = index + 1 + skipped;
        reachable_[target] = true;
        written_[target] = static_cast<WordSet>(written_[target] & written);
        return true;
    }

    std::span<const Instruction> program_;
    std::vector<bool> reachable_;
    std::vector<WordSet> written_;
};

struct RuleInfo {
    Rule rule;
    std::string_view id;
    std::string_view text;
};

constexpr std::array<RuleInfo, kRuleCount> kRules{{
    {Rule::kLength, "CF-01", "a program has 1 to 512 instructions"},
    {Rule::kOpcode, "CF-02", "no such opcode"},
    {Rule::kEnd, "CF-05", "the program runs past its last instruction"},
    {Rule::kJump, "CF-06", "jump to outside the program"},
    {Rule::kMemoryIndex, "CF-08", "memory has the words M[0] to M[15]"},
    {Rule::kMemoryUnset, "CF-09", "reads a word of memory that may not have been written"},
    {Rule::kDivisor, "CF-11", "division by the constant 0"},
    {Rule::kShift, "CF-12", "shift by a constant of 32 or more"},
}};

constexpr bool rules_are_in_order() {
    for (std::size_t row = 0; row < kRules.size(); ++row) {
        if (static_cast<std::size_t>(kRules[row].rule) != row || kRules[row].text.empty()) {
            return false;
        }
    }
    return static_cast<std::size_t>(Rule::kShift) + 1 == kRules.size();
}
static_assert(rules_are_in_order());

const RuleInfo& info(Rule rule) noexcept { return kRules[static_cast<std::size_t>(rule)]; }

std::string hex(std::uint16_t code) {
    std::array<char, 8> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "0x%02x", static_cast<unsigned>(code));
    return buffer.data();
}

} // namespace

std::string_view contract_id(Rule rule) noexcept { return info(rule).id; }

std::string Rejection::message() const {
    std::string text;
    if (rule == Rule::kLength) {
        text = "program of " + std::to_string(index) + " instructions";
    } else {
        text = "instruction " + std::to_string(index) + " (";
        if (opcode_of(instruction.code)) {
            text += mnemonic(instruction) + ", ";
        }
        text += hex(instruction.code) + ')';
    }
    text.append(": ").append(info(rule).text);
    return text.append(" (").append(info(rule).id).append(")");
}

Program::Program(std::vector<Instruction> instructions, std::vector<Step> steps) noexcept
    : instructions_(std::move(instructions)), steps_(std::move(steps)) {}

tl::expected<Program, Rejection> Program::verify(std::span<const Instruction> instructions, std::size_t longest) {
    if (instructions.empty() || instructions.size() > longest) {
        return tl::make_unexpected(Rejection{instructions.size(), Instruction{}, Rule::kLength});
    }
    Verifier verifier(instructions);
    std::vector<Step> steps;
    steps.reserve(instructions.size());
    for (std::size_t index = 0; index < instructions.size(); ++index) {
        const tl::expected<Step, Rule> step = verifier.visit(index);
        if (!step) {
            return tl::make_unexpected(Rejection{index, instructions[index], step.error()});
        }
        steps.push_back(*step);
    }
    return Program({instructions.begin(), instructions.end()}, std::move(steps));
}

} // namespace pfild::cbpf
