// SPDX-License-Identifier: BSD-2-Clause
// See calculation.h. A is where terms come to be; X is for offsets and for the right side of what has two sides that
// are no constants. Where both sides take instructions, the right one waits in a word of memory.
#include "cbpf/reduce/calculation.h"

#include <algorithm>

namespace pfild::cbpf::reduce {
namespace {

bool reads_a(const Operation& operation) {
    switch (info(operation.opcode).operand) {
    case Operand::kConstant:
        return operation.opcode != Opcode::kLdImm && operation.opcode != Opcode::kLdxImm;
    case Operand::kX:
        return true;
    default:
        return operation.opcode == Opcode::kNeg || operation.opcode == Opcode::kTax || operation.opcode == Opcode::kSt;
    }
}

bool reads_x(const Operation& operation) {
    const Operand operand = info(operation.opcode).operand;
    return operand == Operand::kX || operand == Operand::kIndexed;
}

bool writes_x(const Operation& operation) {
    switch (operation.opcode) {
    case Opcode::kLdxImm:
    case Opcode::kLdxMem:
    case Opcode::kLdxLen:
    case Opcode::kLdxMsh:
    case Opcode::kTax:
        return true;
    default:
        return false;
    }
}

bool writes_a(const Operation& operation) { return !writes_x(operation) && operation.opcode != Opcode::kSt; }

/// The operation of the constant, of the one with X. => there is one: of all 49 they stand side by side.
Opcode with_constant(Opcode with_x) { return static_cast<Opcode>(static_cast<unsigned>(with_x) - 1); }

bool is_commutative(Opcode opcode) {
    return opcode == Opcode::kAddX || opcode == Opcode::kMulX || opcode == Opcode::kOrX || opcode == Opcode::kAndX ||
           opcode == Opcode::kXorX;
}

class Writer {
  public:
    explicit Writer(Terms& terms) : terms_(terms) {}

    [[nodiscard]] std::optional<Calculation> ask(const Question& question) {
        const Term term = terms_.at(question.term);
        switch (term.kind) {
        case Term::Kind::kCaptured:
        case Term::Kind::kReach:
            made_.ending = Ending::kGoOn;
            require(question);
            break;
        case Term::Kind::kHolds:
            made_.jump = term.opcode;
            made_.exchanged = question.inside.low == 0;
            into_both(term.left, term.right);
            break;
        default:
            if (term.kind == Term::Kind::kResult && term.opcode == Opcode::kAndX && question.inside.low == 1 &&
                question.inside.high >= term.largest) {
                ask_bits(term);
            } else {
                ask_value(question);
            }
        }
        return finish();
    }

    [[nodiscard]] std::optional<Calculation> answer(TermId term) {
        if (terms_.is_constant(term)) {
            made_.ending = Ending::kReturnK;
            made_.k = terms_.at(term).k;
        } else {
            made_.ending = Ending::kReturnA;
            into_a(term);
        }
        return finish();
    }

  private:
    static constexpr std::size_t kMostOperations = kMaxInstructions;

    [[nodiscard]] std::optional<Calculation> finish() {
        return failed_ ? std::nullopt : std::optional(std::move(made_));
    }

    void put(Opcode opcode, std::uint32_t k, TermId a, TermId x) {
        failed_ = failed_ || made_.operations.size() >= kMostOperations;
        if (!failed_) {
            held_ = {a, x};
            made_.operations.push_back({opcode, k, held_});
        }
    }

    /// The byte that must be there last.
    void require(const Question& question) {
        const Term term = terms_.at(question.term);
        const std::uint32_t last = question.inside.low - 1;
        const TermId base = term.kind == Term::Kind::kReach ? term.left : terms_.constant(0);
        into_a(terms_.load(base, last, 1));
    }

    void ask_bits(const Term& term) {
        if (terms_.is_constant(term.right)) {
            made_.jump = Opcode::kJsetK;
            made_.k = terms_.at(term.right).k;
            into_a(term.left);
        } else {
            made_.jump = Opcode::kJsetX;
            into_both(term.left, term.right);
        }
    }

    void ask_value(const Question& question) {
        const std::uint32_t largest = terms_.at(question.term).largest;
        const Interval inside = question.inside;
        if (inside.is_constant()) {
            made_.jump = Opcode::kJeqK;
            made_.k = inside.low;
        } else if (inside.low == 0) {
            made_.exchanged = true;
            made_.jump = Opcode::kJgtK;
            made_.k = inside.high;
        } else if (inside.high < largest) {
            made_.jump = Opcode::kJeqK;
            made_.k = inside.low;
            ask_prefix(question.term, inside);
            return;
        } else if (inside.low == 1) {
            made_.exchanged = true;
            made_.jump = Opcode::kJeqK;
        } else {
            made_.jump = Opcode::kJgeK;
            made_.k = inside.low;
        }
        into_a(question.term);
    }

    /// Both ends are asked for at once only where a prefix was.
    void ask_prefix(TermId term, Interval inside) {
        const std::uint32_t rest = inside.low ^ inside.high;
        failed_ = failed_ || (rest & (rest + 1)) != 0 || (inside.low & rest) != 0;
        into_a(terms_.result(Opcode::kAndK, term, terms_.constant(~rest)));
    }

    /// What one instruction puts into X, whatever A holds.
    [[nodiscard]] bool is_direct(TermId id) const {
        return terms_.is_constant(id) || terms_.at(id).kind == Term::Kind::kWire || header_of(id) != nullptr;
    }

    /// The load whose low four bits, times 4, are the term: the length of an IPv4 header.
    [[nodiscard]] const Term* header_of(TermId id) const {
        const Term& shifted = terms_.at(id);
        if (shifted.kind != Term::Kind::kResult || shifted.opcode != Opcode::kLshX || terms_.at(shifted.right).k != 2 ||
            !terms_.is_constant(shifted.right)) {
            return nullptr;
        }
        const Term& masked = terms_.at(shifted.left);
        if (masked.kind != Term::Kind::kResult || masked.opcode != Opcode::kAndX || !terms_.is_constant(masked.right) ||
            terms_.at(masked.right).k != 0xf) {
            return nullptr;
        }
        const Term& load = terms_.at(masked.left);
        return load.kind == Term::Kind::kLoad && load.size == 1 && terms_.is_constant(load.left) ? &load : nullptr;
    }

    /// A is kept if the term is direct.
    void into_x(TermId id) {
        if (held_.x == id) {
            return;
        }
        if (terms_.is_constant(id)) {
            put(Opcode::kLdxImm, terms_.at(id).k, held_.a, id);
        } else if (terms_.at(id).kind == Term::Kind::kWire) {
            put(Opcode::kLdxLen, 0, held_.a, id);
        } else if (const Term* header = header_of(id)) {
            put(Opcode::kLdxMsh, header->k, held_.a, id);
        } else {
            into_a(id);
            put(Opcode::kTax, 0, id, id);
        }
    }

    void into_a(TermId id) {
        if (held_.a == id || failed_) {
            return;
        }
        const Term term = terms_.at(id);
        switch (term.kind) {
        case Term::Kind::kConstant:
            put(Opcode::kLdImm, term.k, id, held_.x);
            break;
        case Term::Kind::kWire:
            put(Opcode::kLdLen, 0, id, held_.x);
            break;
        case Term::Kind::kLoad:
            load(id, term);
            break;
        case Term::Kind::kResult:
            calculate(id, term);
            break;
        default: // a length that was captured, or whether something holds: no register ever has that
            failed_ = true;
        }
    }

    void load(TermId id, const Term& term) {
        const bool fixed = terms_.is_constant(term.left);
        if (!fixed) {
            into_x(term.left);
        }
        const Opcode opcode = term.size == 4   ? (fixed ? Opcode::kLd : Opcode::kLdInd)
                              : term.size == 2 ? (fixed ? Opcode::kLdh : Opcode::kLdhInd)
                                               : (fixed ? Opcode::kLdb : Opcode::kLdbInd);
        put(opcode, term.k, id, held_.x);
    }

    void calculate(TermId id, const Term& term) {
        if (terms_.is_constant(term.right)) {
            into_a(term.left);
            put(with_constant(term.opcode), terms_.at(term.right).k, id, held_.x);
        } else if (term.opcode == Opcode::kSubX && term.left == terms_.constant(0)) {
            into_a(term.right);
            put(Opcode::kNeg, 0, id, held_.x);
        } else {
            const bool turned = is_commutative(term.opcode) && is_direct(term.left);
            into_both(turned ? term.right : term.left, turned ? term.left : term.right);
            put(term.opcode, 0, id, held_.x);
        }
    }

    /// Left into A, right into X.
    void into_both(TermId left, TermId right) {
        if (is_direct(right)) {
            into_a(left);
            into_x(right);
        } else if (leaves_x_alone(left)) {
            into_x(right);
            into_a(left);
        } else if (words_ == kMemoryWords) {
            failed_ = true;
        } else {
            const std::uint32_t word = words_++;
            into_a(right);
            put(Opcode::kSt, word, held_.a, held_.x);
            into_a(left);
            put(Opcode::kLdxMem, word, held_.a, right);
            --words_;
        }
    }

    /// Is A all that it takes to calculate the term?
    [[nodiscard]] bool leaves_x_alone(TermId id) const {
        const Term& term = terms_.at(id);
        switch (term.kind) {
        case Term::Kind::kLoad:
            return terms_.is_constant(term.left);
        case Term::Kind::kResult:
            return terms_.is_constant(term.right) ? leaves_x_alone(term.left)
                                                  : term.opcode == Opcode::kSubX && terms_.is_constant(term.left) &&
                                                        terms_.at(term.left).k == 0 && leaves_x_alone(term.right);
        default:
            return true;
        }
    }

    Terms& terms_;
    Calculation made_;
    Held held_;
    std::uint32_t words_ = 0;
    bool failed_ = false;
};

} // namespace

bool Calculation::admits(std::size_t before, const Held& held) const {
    if (before == 0) {
        return true;
    }
    bool needs_a = ending == Ending::kJump || ending == Ending::kReturnA;
    bool needs_x = ending == Ending::kJump && info(jump).operand == Operand::kBranchX;
    std::uint32_t needed_words = 0;
    for (std::size_t at = operations.size(); at-- > before;) {
        const Operation& operation = operations[at];
        needs_a = (needs_a && !writes_a(operation)) || reads_a(operation);
        needs_x = (needs_x && !writes_x(operation)) || reads_x(operation);
        if (operation.opcode == Opcode::kSt) {
            needed_words &= ~(1U << operation.k);
        } else if (operation.opcode == Opcode::kLdxMem) {
            needed_words |= 1U << operation.k;
        }
    }
    const Held& wanted = operations[before - 1].after;
    return needed_words == 0 && (!needs_a || held.a == wanted.a) && (!needs_x || held.x == wanted.x);
}

std::size_t Calculation::entrance(const Held& held) const {
    std::size_t last = operations.size();
    if (ending == Ending::kGoOn && last != 0 && held.a != operations.back().after.a) {
        last = operations.size() - 1; // the load itself is the question
    }
    while (!admits(last, held)) {
        --last;
    }
    return last;
}

Held Calculation::behind(std::size_t entrance, const Held& held) const {
    Held after = held;
    for (std::size_t at = entrance; at < operations.size(); ++at) {
        after.a = writes_a(operations[at]) ? operations[at].after.a : after.a;
        after.x = writes_x(operations[at]) ? operations[at].after.x : after.x;
    }
    return after;
}

std::optional<Calculation> calculation_of(const Question& question, Terms& terms) {
    Writer writer(terms);
    return question.is_answer ? writer.answer(question.term) : writer.ask(question);
}

} // namespace pfild::cbpf::reduce
