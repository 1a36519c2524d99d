// SPDX-License-Identifier: BSD-2-Clause
// Both programs are run on a packet of which nothing is known. Registers hold terms; at each jump both ways are gone,
// and a load, or a division by X, is a jump to the end. What comes out is a diagram for each program, over the same
// terms: the programs are equal if it is the same one.
//
//    program --registers hold terms--> questions in the program's order --diagram--> questions in the order of the
//    terms
//
// What has been found for an instruction and what its registers hold is kept, so that ways that meet are gone once.
// Registers that nothing behind asks for are forgotten first, else ways would hardly ever meet. What asks is read from
// the program alone: a jump that no packet takes is still gone here, and must not find its register forgotten.
#include "cbpf/analysis/equivalence.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "cbpf/analysis/demand.h"
#include "cbpf/analysis/diagram.h"
#include "cbpf/analysis/terms.h"
#include "cbpf/analysis/values.h"
#include "cbpf/packet.h"

namespace pfild::cbpf {
namespace {

constexpr std::size_t kBudget = 20'000; ///< steps for both programs; a filter of 100 terms takes some 2,000
constexpr std::uint32_t kAllValues = ~std::uint32_t{0};

struct Registers {
    TermId a = 0;
    TermId x = 0;
    std::array<TermId, kMemoryWords> memory{};

    auto operator<=>(const Registers&) const = default; // NOLINT(modernize-use-nullptr): of the compiler's making
};

class SymbolicRun {
  public:
    SymbolicRun(const Program& program, Terms& terms, Diagrams& diagrams)
        : steps_(program.steps()), demands_(demand_of(program, unknown_values_of(program))), terms_(terms),
          diagrams_(diagrams), nothing_(diagrams.leaf(terms.constant(0))) {}

    [[nodiscard]] std::optional<NodeId> run() {
        const TermId zero = terms_.constant(0);
        Registers start{zero, zero, {}};
        start.memory.fill(zero);
        return from(0, start);
    }

  private:
    using Answer = std::optional<NodeId>;

    /// What the program answers from this instruction on.
    Answer from(std::size_t at, Registers registers) {
        if (demands_[at].fruitless) {
            return nothing_;
        }
        forget(demands_[at], registers);
        const auto key = std::tuple(at, registers);
        if (const auto known = known_.find(key); known != known_.end()) {
            return known->second;
        }
        if (!diagrams_.spend()) {
            return std::nullopt;
        }
        const Answer answer = execute(at, registers);
        if (answer) {
            known_.emplace(key, *answer);
        }
        return answer;
    }

    void forget(const Demand& demand, Registers& registers) {
        const TermId zero = terms_.constant(0);
        registers.a = demand.a == 0 ? zero : registers.a;
        registers.x = demand.x == 0 ? zero : registers.x;
        for (std::size_t word = 0; word < kMemoryWords; ++word) {
            registers.memory[word] = demand.memory[word] == 0 ? zero : registers.memory[word];
        }
    }

    Answer execute(std::size_t at, Registers registers) {
        const Step& step = steps_[at];
        switch (info(step.opcode).operand) {
        case Operand::kAbsolute:
        case Operand::kHeader:
            return load(at, registers, terms_.constant(0));
        case Operand::kIndexed:
            return load(at, registers, registers.x);
        case Operand::kLength:
            (step.opcode == Opcode::kLdLen ? registers.a : registers.x) = terms_.wire();
            break;
        case Operand::kMemory:
            move(step, registers);
            break;
        case Operand::kA:
            return diagrams_.leaf(registers.a);
        case Operand::kJump:
            return from(at + 1 + step.k, registers);
        case Operand::kBranch:
            return branch(at, registers, terms_.constant(step.k));
        case Operand::kBranchX:
            return branch(at, registers, registers.x);
        case Operand::kConstant:
            if (step.opcode == Opcode::kRetK) {
                return diagrams_.leaf(terms_.constant(step.k));
            }
            calculate(step, registers);
            break;
        case Operand::kNone:
            calculate(step, registers);
            break;
        case Operand::kX:
            return calculate_with_x(at, registers);
        }
        return from(at + 1, registers);
    }

    static void move(const Step& step, Registers& registers) {
        TermId& word = registers.memory[step.k];
        switch (step.opcode) {
        case Opcode::kSt:
            word = registers.a;
            break;
        case Opcode::kStx:
            word = registers.x;
            break;
        case Opcode::kLdMem:
            registers.a = word;
            break;
        default:
            registers.x = word;
        }
    }

    void calculate(const Step& step, Registers& registers) {
        switch (step.opcode) {
        case Opcode::kLdImm:
            registers.a = terms_.constant(step.k);
            break;
        case Opcode::kLdxImm:
            registers.x = terms_.constant(step.k);
            break;
        case Opcode::kTax:
            registers.x = registers.a;
            break;
        case Opcode::kTxa:
            registers.a = registers.x;
            break;
        default:
            registers.a = terms_.result(step.opcode, registers.a, terms_.constant(step.k));
        }
    }

    /// An operation that X can end (CF-24, CF-25).
    Answer calculate_with_x(std::size_t at, Registers registers) {
        const Opcode opcode = steps_[at].opcode;
        const TermId x = registers.x;
        const bool divides = opcode == Opcode::kDivX || opcode == Opcode::kModX;
        const bool shifts = opcode == Opcode::kLshX || opcode == Opcode::kRshX;
        const Interval going_on = divides  ? Interval{1, kAllValues}
                                  : shifts ? Interval{0, kShiftLimit - 1}
                                           : Interval{0, kAllValues};
        if (terms_.is_constant(x) && (terms_.at(x).k < going_on.low || terms_.at(x).k > going_on.high)) {
            return nothing_;
        }
        registers.a = terms_.result(opcode, registers.a, x);
        const Answer next = from(at + 1, registers);
        return next && !terms_.is_constant(x) ? diagrams_.select(x, going_on, *next, nothing_) : next;
    }

    Answer load(std::size_t at, Registers registers, TermId base) {
        const Step& step = steps_[at];
        const auto size = static_cast<std::uint8_t>(load_size_of(step.opcode));
        const bool fixed = terms_.is_constant(base);
        const std::uint64_t end = (fixed ? std::uint64_t{terms_.at(base).k} : 0) + step.k + size;
        if (end > Packet::kOffsetLimit) {
            return nothing_;
        }
        const TermId loaded = terms_.load(base, step.k, size);
        if (step.opcode == Opcode::kLdxMsh) {
            const TermId length = terms_.result(Opcode::kAndK, loaded, terms_.constant(0xf));
            registers.x = terms_.result(Opcode::kLshK, length, terms_.constant(2));
        } else {
            registers.a = loaded;
        }
        const Answer next = from(at + 1, registers);
        if (!next) {
            return next;
        }
        return fixed
                   ? diagrams_.select(terms_.captured(), {static_cast<std::uint32_t>(end), kAllValues}, *next, nothing_)
                   : diagrams_.select(terms_.fits(base, step.k, size), Interval::only(1), *next, nothing_);
    }

    Answer branch(std::size_t at, const Registers& registers, TermId with) {
        const Step& step = steps_[at];
        const bool fixed = terms_.is_constant(with);
        const bool masks = step.opcode == Opcode::kJsetK || step.opcode == Opcode::kJsetX;
        const TermId asked = masks   ? terms_.result(Opcode::kAndX, registers.a, with)
                             : fixed ? registers.a
                                     : terms_.holds(step.opcode, registers.a, with);
        Interval taken{1, kAllValues};
        if (fixed && !masks) {
            const std::optional<Interval> found =
                where({0, kAllValues}, step.opcode, Interval::only(terms_.at(with).k), true);
            if (!found) {
                return from(at + 1 + step.jf, registers);
            }
            taken = *found;
        }
        if (terms_.is_constant(asked)) {
            const std::uint32_t value = terms_.at(asked).k;
            return from(at + 1 + (taken.low <= value && value <= taken.high ? step.jt : step.jf), registers);
        }
        const Answer yes = from(at + 1 + step.jt, registers);
        const Answer no = yes ? from(at + 1 + step.jf, registers) : yes;
        return no ? choose(asked, taken, *yes, *no) : no;
    }

    /// diagrams_.select(), with questions about a sum made questions about what is added: a - b = 0 is a = b.
    Answer choose(TermId asked, Interval taken, NodeId yes, NodeId no) {
        const Term term = terms_.at(asked);
        if (term.kind == Term::Kind::kResult && taken.is_constant()) {
            if (term.opcode == Opcode::kAddX && terms_.is_constant(term.right)) {
                return choose(term.left, Interval::only(taken.low - terms_.at(term.right).k), yes, no);
            }
            if (term.opcode == Opcode::kSubX && taken.low == 0) {
                return diagrams_.select(terms_.holds(Opcode::kJeqX, term.left, term.right), Interval::only(1), yes, no);
            }
        }
        return diagrams_.select(asked, taken, yes, no);
    }

    std::span<const Step> steps_;
    std::vector<Demand> demands_;
    Terms& terms_;
    Diagrams& diagrams_;
    NodeId nothing_;
    std::map<std::tuple<std::size_t, Registers>, NodeId> known_;
};

} // namespace

bool certainly_equal(const Program& one, const Program& other) {
    if (std::equal(one.instructions().begin(), one.instructions().end(), other.instructions().begin(),
                   other.instructions().end())) {
        return true;
    }
    Terms terms;
    Diagrams diagrams(terms, kBudget);
    const std::optional<NodeId> first = SymbolicRun(one, terms, diagrams).run();
    return first && SymbolicRun(other, terms, diagrams).run() == first;
}

} // namespace pfild::cbpf
