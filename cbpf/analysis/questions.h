// SPDX-License-Identifier: BSD-2-Clause
// A program as the questions that it asks of a packet: registers, scratch memory and arithmetic are gone into terms.
//
//    tcp dst port 443, of IPv4:     captured >= 14? -- [12:2] = 0x800? -- captured >= 24? -- [23:1] = 6? -- .. --
//    262144
//                                        no: 0             no: 0                no: 0            no: 0
//
// Invariants:
//  - Questions that follow one have lower ids; so one walk down the ids sees all that leads to a question before it.
//  - A question is made once: the same term, interval and followers have the same id.
//  - What ends a run (a load beyond the packet, X as a divisor of 0 or a shift of 32 and more) is a question before the
//    term that needs it, and its "no" is the answer 0.
//
// Values; owned by one comparison or reduction, on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "cbpf/analysis/interval.h"
#include "cbpf/analysis/terms.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

using QuestionId = std::uint32_t;

/// Does the term's value lie in the interval? Or, if nothing follows: the term's value is the answer.
struct Question {
    TermId term = 0;
    Interval inside;
    bool is_answer = true;
    QuestionId yes = 0;
    QuestionId no = 0;

    [[nodiscard]] auto key() const { return std::tuple(term, inside.low, inside.high, is_answer, yes, no); }
};

class Questions {
  public:
    [[nodiscard]] QuestionId answer(TermId term);
    /// yes, if that is the same as no. => the interval is not about the least values: those are asked the other way.
    [[nodiscard]] QuestionId ask(TermId term, Interval inside, QuestionId yes, QuestionId no);

    [[nodiscard]] const Question& at(QuestionId id) const { return questions_[id]; }
    [[nodiscard]] std::size_t size() const { return questions_.size(); }

  private:
    [[nodiscard]] QuestionId intern(const Question& question);

    std::vector<Question> questions_;
    std::map<decltype(Question().key()), QuestionId> ids_;
};

struct Asked {
    Questions questions;
    QuestionId first = 0;
};

/// What the program asks, step by step; nothing if that would be more than `most` questions.
[[nodiscard]] std::optional<Asked> questions_of(const Program& program, Terms& terms, std::size_t most);

/// Which of the questions can be reached from the first one, by id.
[[nodiscard]] std::vector<bool> reached(const Asked& asked);

} // namespace pfild::cbpf
