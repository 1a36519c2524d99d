// SPDX-License-Identifier: BSD-2-Clause
// The program is run on a packet of which nothing is known. Registers hold terms; at each jump both ways are gone, and
// a load, or a division by X, is a question whose "no" ends the run.
//
//    program --registers hold terms--> steps, each with those that follow --from the ends back--> Questions
//
// Where ways meet with the same terms in their registers they go on as one. Registers that nothing behind asks for are
// forgotten first, else ways would hardly ever meet. What asks is read from the program alone: a jump that no packet
// takes is still gone here, and must not find its register forgotten.
#include "cbpf/analysis/questions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>
#include <utility>

#include "cbpf/analysis/demand.h"
#include "cbpf/analysis/values.h"
#include "cbpf/packet.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kAllValues = std::numeric_limits<std::uint32_t>::max();

struct Registers {
    TermId a = 0;
    TermId x = 0;
    std::array<TermId, kMemoryWords> memory{};

    auto operator<=>(const Registers&) const = default; // NOLINT(modernize-use-nullptr): of the compiler's making
};

/// Where a run goes on, by number of the step.
using StepId = std::uint32_t;

/// A question whose followers are steps, or a step that only leads to `yes`.
struct RawStep {
    enum class Kind : std::uint8_t { kAnswer, kQuestion, kLeadsOn };

    Kind kind = Kind::kAnswer;
    TermId term = 0;
    Interval inside;
    StepId yes = 0;
    StepId no = 0;
};

class SymbolicRun {
  public:
    SymbolicRun(const Program& program, Terms& terms, std::size_t most)
        : steps_(program.steps()), demands_(demand_of(program, unknown_values_of(program))), is_target_(targets()),
          terms_(terms), most_(most) {}

    [[nodiscard]] std::optional<Asked> run() {
        const TermId zero = terms_.constant(0);
        raw_.push_back({.term = zero}); // step 0: nothing
        Registers start{zero, zero, {}};
        start.memory.fill(zero);
        const StepId first = arrive(0, start);
        while (!pending_.empty()) { // jumps lead ahead only: the least one is led to by nothing that is still to come
            if (raw_.size() > most_) {
                return std::nullopt;
            }
            const auto next = pending_.extract(pending_.begin());
            now_ = next.mapped();
            go_on(next.key().first, next.key().second);
        }
        return asked(first);
    }

  private:
    [[nodiscard]] std::vector<bool> targets() const {
        std::vector<bool> found(steps_.size() + 1);
        for (std::size_t at = 0; at < steps_.size(); ++at) {
            const Step& step = steps_[at];
            const Operand operand = info(step.opcode).operand;
            if (operand == Operand::kJump) {
                found[at + 1 + step.k] = true;
            } else if (operand == Operand::kBranch || operand == Operand::kBranchX) {
                found[at + 1 + step.jt] = found[at + 1 + step.jf] = true;
            }
        }
        return found;
    }

    /// The step that stands for the run from an instruction on, with these registers.
    StepId arrive(std::size_t at, Registers registers) {
        if (demands_[at].fruitless) {
            return 0;
        }
        forget(demands_[at], registers);
        const auto [entry, is_new] = pending_.try_emplace({at, registers}, static_cast<StepId>(raw_.size()));
        if (is_new) {
            raw_.emplace_back();
        }
        return entry->second;
    }

    void forget(const Demand& demand, Registers& registers) {
        const TermId zero = terms_.constant(0);
        registers.a = demand.a == 0 ? zero : registers.a;
        registers.x = demand.x == 0 ? zero : registers.x;
        for (std::size_t word = 0; word < kMemoryWords; ++word) {
            registers.memory[word] = demand.memory[word] == 0 ? zero : registers.memory[word];
        }
    }

    /// From an instruction to the next jump, end, or place at which ways can meet.
    void go_on(std::size_t at, Registers registers) {
        while (execute(at, registers)) {
            ++at;
            if (demands_[at].fruitless || is_target_[at]) {
                lead_on(arrive(at, registers));
                return;
            }
        }
    }

    void lead_on(StepId to) { raw_[now_] = {.kind = RawStep::Kind::kLeadsOn, .yes = to}; }
    void end_with(TermId answer) { raw_[now_] = {.term = answer}; }

    /// The run goes on only if the term lies inside.
    void require(TermId term, Interval inside) {
        const auto next = static_cast<StepId>(raw_.size());
        raw_[now_] = {.kind = RawStep::Kind::kQuestion, .term = term, .inside = inside, .yes = next, .no = 0};
        raw_.emplace_back();
        now_ = next;
    }

    /// True if the next instruction follows.
    bool execute(std::size_t at, Registers& registers) {
        const Step& step = steps_[at];
        switch (info(step.opcode).operand) {
        case Operand::kAbsolute:
        case Operand::kHeader:
            return load(step, registers, terms_.constant(0));
        case Operand::kIndexed:
            return load(step, registers, registers.x);
        case Operand::kLength:
            (step.opcode == Opcode::kLdLen ? registers.a : registers.x) = terms_.wire();
            return true;
        case Operand::kMemory:
            move(step, registers);
            return true;
        case Operand::kA:
            end_with(registers.a);
            return false;
        case Operand::kJump:
            lead_on(arrive(at + 1 + step.k, registers));
            return false;
        case Operand::kBranch:
            branch(at, registers, terms_.constant(step.k));
            return false;
        case Operand::kBranchX:
            branch(at, registers, registers.x);
            return false;
        case Operand::kConstant:
            if (step.opcode == Opcode::kRetK) {
                end_with(terms_.constant(step.k));
                return false;
            }
            calculate(step, registers);
            return true;
        case Operand::kNone:
            calculate(step, registers);
            return true;
        case Operand::kX:
            return calculate_with_x(step, registers);
        }
        return false;
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
    bool calculate_with_x(const Step& step, Registers& registers) {
        const TermId x = registers.x;
        const Interval going_on = operands_of(step.opcode);
        if (terms_.is_constant(x)) {
            if (!going_on.holds(terms_.at(x).k)) {
                lead_on(0);
                return false;
            }
        } else if (going_on != Interval{}) {
            require(x, going_on);
        }
        registers.a = terms_.result(step.opcode, registers.a, x);
        return true;
    }

    bool load(const Step& step, Registers& registers, TermId base) {
        const auto size = static_cast<std::uint8_t>(load_size_of(step.opcode));
        const Terms::Place place = terms_.place(base, step.k);
        const std::uint64_t end = std::uint64_t{place.k} + size;
        const bool wraps = terms_.is_constant(base) && std::uint64_t{terms_.at(base).k} + step.k > kAllValues;
        if (wraps || end > Packet::kOffsetLimit) {
            lead_on(0);
            return false;
        }
        require(terms_.reach(place.base), {static_cast<std::uint32_t>(end), kAllValues});
        const TermId loaded = terms_.load(base, step.k, size);
        if (step.opcode == Opcode::kLdxMsh) {
            const TermId length = terms_.result(Opcode::kAndK, loaded, terms_.constant(0xf));
            registers.x = terms_.result(Opcode::kLshK, length, terms_.constant(2));
        } else {
            registers.a = loaded;
        }
        return true;
    }

    void branch(std::size_t at, const Registers& registers, TermId with) {
        const Step& step = steps_[at];
        const bool fixed = terms_.is_constant(with);
        const bool masks = step.opcode == Opcode::kJsetK || step.opcode == Opcode::kJsetX;
        const TermId about = masks   ? terms_.result(Opcode::kAndX, registers.a, with)
                             : fixed ? registers.a
                                     : terms_.holds(step.opcode, registers.a, with);
        Interval taken{1, kAllValues};
        if (fixed && !masks) {
            const auto found = where({0, kAllValues}, step.opcode, Interval::only(terms_.at(with).k), true);
            if (!found) {
                lead_on(arrive(at + 1 + step.jf, registers));
                return;
            }
            taken = *found;
        }
        if (terms_.is_constant(about)) {
            lead_on(arrive(at + 1 + (taken.holds(terms_.at(about).k) ? step.jt : step.jf), registers));
            return;
        }
        const StepId yes = arrive(at + 1 + step.jt, registers);
        const StepId no = arrive(at + 1 + step.jf, registers);
        choose(about, taken, yes, no);
    }

    /// The low bits that the operation takes away from what is left of it, and nothing else; nothing if it does more.
    [[nodiscard]] std::optional<std::uint32_t> bits_below(const Term& term) const {
        if (term.kind != Term::Kind::kResult || !terms_.is_constant(term.right)) {
            return std::nullopt;
        }
        const std::uint32_t with = terms_.at(term.right).k;
        const std::uint32_t largest = terms_.at(term.left).largest;
        std::uint32_t rest = 0;
        if (term.opcode == Opcode::kRshX) {
            rest = (1U << with) - 1;
        } else if (term.opcode == Opcode::kAndX && largest != 0) {
            rest = kAllValues >> static_cast<unsigned>(std::countl_zero(largest)) & ~with;
        }
        return rest != 0 && (rest & (rest + 1)) == 0 ? std::optional(rest) : std::nullopt;
    }

    /// About nothing that can be: the answer is "no".
    void ask_for_nothing(TermId& about, Interval& taken) {
        about = terms_.constant(0);
        taken = Interval::only(1);
    }

    /// What is asked of values whose low bits are gone, of those that have them.
    void look_behind_high_bits(const Term& term, std::uint32_t rest, TermId& about, Interval& taken) {
        const std::uint64_t scale = term.opcode == Opcode::kRshX ? std::uint64_t{rest} + 1 : 1; // else it is a mask
        const std::uint64_t low = (taken.low * scale + rest) & ~std::uint64_t{rest};
        const std::uint64_t high = std::min<std::uint64_t>((taken.high * scale) | rest, kAllValues);
        if (low > high) {
            ask_for_nothing(about, taken);
            return;
        }
        about = term.left;
        taken = {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)};
    }

    /// Values whose high bits are those of a prefix, of bits in the midst: a question about fewer bits.
    bool look_behind_mask(const Term& term, TermId& about, Interval& taken) {
        const std::uint32_t rest = taken.low ^ taken.high;
        const bool is_prefix = rest != 0 && (rest & (rest + 1)) == 0 && (taken.low & rest) == 0;
        if (term.opcode != Opcode::kAndX || !terms_.is_constant(term.right) || !is_prefix || taken.low == 0 ||
            taken.high >= term.largest) {
            return false;
        }
        about = terms_.result(Opcode::kAndX, term.left, terms_.constant(terms_.at(term.right).k & ~rest));
        taken = Interval::only(taken.low);
        return true;
    }

    /// What is asked of a sum, of what the constant was added to. False: that is more than one interval, or an interval
    /// with two ends, for which there is no jump.
    bool look_behind_addition(const Term& sum, TermId& about, Interval& taken) {
        const std::uint32_t constant = terms_.at(sum.right).k;
        if (taken.is_constant()) {
            taken = Interval::only(taken.low - constant);
        } else if (constant > kAllValues - terms_.at(sum.left).largest ||
                   (taken.low != 0 && taken.high < sum.largest)) {
            return false;
        } else if (taken.high < constant) {
            ask_for_nothing(about, taken);
            return true;
        } else {
            taken = {std::max(taken.low, constant) - constant, taken.high - constant};
        }
        about = sum.left;
        return true;
    }

    /// That something is a constant is a question about it, whichever of the two was in A.
    bool look_behind_equality(const Term& term, TermId& about, Interval& taken, StepId& yes, StepId& no) const {
        const TermId constant = terms_.is_constant(term.left) ? term.left : term.right;
        if (!terms_.is_constant(constant)) {
            return false;
        }
        if (!taken.holds(1)) {
            std::swap(yes, no);
        }
        about = constant == term.left ? term.right : term.left;
        taken = Interval::only(terms_.at(constant).k);
        return true;
    }

    /// One step from a question about a result to what the result is made of. False: there is none.
    bool look_behind(TermId& about, Interval& taken, StepId& yes, StepId& no) {
        const Term term = terms_.at(about);
        if (term.kind == Term::Kind::kHolds && term.opcode == Opcode::kJeqX) {
            return look_behind_equality(term, about, taken, yes, no);
        }
        if (term.kind != Term::Kind::kResult) {
            return false;
        }
        const bool is_addition = term.opcode == Opcode::kAddX && terms_.is_constant(term.right);
        if ((is_addition || term.opcode == Opcode::kSubX) && taken.low == 1 && taken.high >= term.largest) {
            std::swap(yes, no); // other than 0
            taken = Interval::only(0);
        }
        if (is_addition) {
            return look_behind_addition(term, about, taken);
        }
        if (term.opcode == Opcode::kSubX && taken == Interval::only(0)) {
            about = terms_.holds(Opcode::kJeqX, term.left, term.right);
            taken = Interval::only(1);
            return true;
        }
        const auto rest = bits_below(term);
        if (rest) {
            look_behind_high_bits(term, *rest, about, taken);
        }
        return rest || look_behind_mask(term, about, taken);
    }

    /// Questions about a sum are made questions about what is added: a - b = 0 is a = b. Questions about high bits are
    /// made questions about a range.
    void choose(TermId about, Interval taken, StepId yes, StepId no) {
        while (taken.low <= terms_.at(about).largest && look_behind(about, taken, yes, no)) {
        }
        const std::uint32_t largest = terms_.at(about).largest;
        taken.high = std::min(taken.high, largest);
        if (taken.low > largest || taken == Interval{0, largest}) {
            lead_on(taken.low > largest ? no : yes);
            return;
        }
        if (taken.low == 0) { // the same question has one form: never about the least values
            taken = {taken.high + 1, largest};
            std::swap(yes, no);
        }
        raw_[now_] = {.kind = RawStep::Kind::kQuestion, .term = about, .inside = taken, .yes = yes, .no = no};
    }

    /// From the ends back, without recursion: the steps that lead to the first one.
    [[nodiscard]] Asked asked(StepId first) const {
        Asked asked;
        std::vector<std::optional<QuestionId>> made(raw_.size());
        std::vector<StepId> open{first};
        while (!open.empty()) {
            const StepId id = open.back();
            const RawStep& step = raw_[id];
            if (!made[id] && step.kind != RawStep::Kind::kAnswer && !made[step.yes]) {
                open.push_back(step.yes);
            } else if (!made[id] && step.kind == RawStep::Kind::kQuestion && !made[step.no]) {
                open.push_back(step.no);
            } else {
                open.pop_back();
                made[id] = made[id] ? made[id] : made_of(step, made, asked.questions);
            }
        }
        asked.first = *made[first];
        return asked;
    }

    static QuestionId made_of(const RawStep& step, const std::vector<std::optional<QuestionId>>& made,
                              Questions& questions) {
        switch (step.kind) {
        case RawStep::Kind::kAnswer:
            return questions.answer(step.term);
        case RawStep::Kind::kLeadsOn:
            return *made[step.yes];
        default:
            return questions.ask(step.term, step.inside, *made[step.yes], *made[step.no]);
        }
    }

    std::span<const Step> steps_;
    std::vector<Demand> demands_;
    std::vector<bool> is_target_;
    Terms& terms_;
    std::size_t most_;
    std::vector<RawStep> raw_;
    std::map<std::pair<std::size_t, Registers>, StepId> pending_;
    StepId now_ = 0;
};

} // namespace

QuestionId Questions::intern(const Question& question) {
    const auto [entry, is_new] = ids_.try_emplace(question.key(), static_cast<QuestionId>(questions_.size()));
    if (is_new) {
        questions_.push_back(question);
    }
    return entry->second;
}

QuestionId Questions::answer(TermId term) { return intern({.term = term}); }

QuestionId Questions::ask(TermId term, Interval inside, QuestionId yes, QuestionId no) {
    return yes == no ? yes : intern({.term = term, .inside = inside, .is_answer = false, .yes = yes, .no = no});
}

std::optional<Asked> questions_of(const Program& program, Terms& terms, std::size_t most) {
    return SymbolicRun(program, terms, most).run();
}

std::vector<bool> reached(const Asked& asked) {
    std::vector<bool> found(asked.questions.size());
    found[asked.first] = true;
    for (QuestionId id = asked.first + 1; id-- > 0;) {
        const Question& question = asked.questions.at(id);
        if (found[id] && !question.is_answer) {
            found[question.yes] = found[question.no] = true;
        }
    }
    return found;
}

} // namespace pfild::cbpf
