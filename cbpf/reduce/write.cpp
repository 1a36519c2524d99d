// SPDX-License-Identifier: BSD-2-Clause
// Each question becomes instructions that calculate its term, and a jump. A way that comes to a question with the term,
// or a part of it, in its registers comes in behind what would calculate that:
//
//        ld [26]              <-- from a question about something else
//        jeq #0xc0000201      <-- from a question about [26:4]
//
// The order is that in which questions are met, the way of "yes" first; answers come last. The program is written from
// its end, so that all places to which jumps lead are known. A jump that is too far for 8 bits leads to an instruction
// on the way: a copy of the answer, or a `ja`, put behind some jump, where no run comes by itself. All earlier jumps
// use it.
#include "cbpf/reduce/write.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "cbpf/reduce/calculation.h"

namespace pfild::cbpf::reduce {
namespace {

constexpr std::size_t kFarthest = std::numeric_limits<std::uint8_t>::max();

/// A question, and before which of its operations a run comes in.
using Entry = std::pair<QuestionId, std::size_t>;

class ProgramWriter {
  public:
    ProgramWriter(const Asked& asked, Terms& terms) : asked_(asked), terms_(terms) {}

    [[nodiscard]] std::optional<std::vector<Instruction>> run() {
        order();
        for (const QuestionId id : order_) {
            auto calculation = calculation_of(asked_.questions.at(id), terms_);
            if (!calculation) {
                return std::nullopt;
            }
            places_[id].calculation = std::move(*calculation);
        }
        plan();
        for (const QuestionId id : std::vector<QuestionId>(order_.rbegin(), order_.rend())) {
            write(id);
        }
        std::reverse(reversed_.begin(), reversed_.end());
        return std::move(reversed_);
    }

  private:
    struct Place {
        Calculation calculation;
        std::optional<Held> coming;                                  ///< what all that come in hold
        std::size_t first = std::numeric_limits<std::size_t>::max(); ///< operation before which one comes in
        std::array<std::size_t, 2> entrances{};                      ///< into those that follow: yes, no
    };

    /// Before a question come all that lead to it; what follows a "yes" comes soon.
    void order() {
        places_.resize(asked_.first + std::size_t{1});
        enum class State : std::uint8_t { kNew, kOpen, kDone };
        std::vector<State> state(places_.size(), State::kNew);
        std::vector<QuestionId> open{asked_.first};
        while (!open.empty()) {
            const QuestionId id = open.back();
            const Question& question = asked_.questions.at(id);
            if (state[id] == State::kNew && !question.is_answer) {
                state[id] = State::kOpen;
                for (const QuestionId next : {question.yes, question.no}) { // "no" is gone first, and so stands last
                    if (state[next] == State::kNew) {
                        open.push_back(next);
                    }
                }
                continue;
            }
            open.pop_back();
            if (state[id] != State::kDone) {
                state[id] = State::kDone;
                order_.push_back(id);
            }
        }
        std::reverse(order_.begin(), order_.end());
        const auto answers = std::stable_partition(order_.begin(), order_.end(),
                                                   [&](QuestionId id) { return !asked_.questions.at(id).is_answer; });
        put_before_its_answer(answers);
    }

    /// A load that was a question itself, with an answer behind it: the last one of those needs no copy of the answer.
    void put_before_its_answer(std::vector<QuestionId>::iterator answers) {
        const auto is_such = [&](QuestionId id) {
            const Question& question = asked_.questions.at(id);
            const Term::Kind kind = terms_.at(question.term).kind;
            return (kind == Term::Kind::kCaptured || kind == Term::Kind::kReach) &&
                   asked_.questions.at(question.yes).is_answer;
        };
        const auto last = std::find_if(std::make_reverse_iterator(answers), order_.rend(), is_such);
        if (last == order_.rend()) {
            return;
        }
        const QuestionId answer = asked_.questions.at(*last).yes;
        std::rotate(last.base() - 1, last.base(), answers);
        const auto its = std::find(answers, order_.end(), answer);
        std::rotate(answers, its, its + 1);
    }

    /// Where each way comes in, and with what in the registers.
    void plan() {
        come_in(asked_.first, {});
        for (const QuestionId id : order_) {
            const Question& question = asked_.questions.at(id);
            if (question.is_answer) {
                continue;
            }
            const Held held = *places_[id].coming; // behind its ending
            places_[id].entrances = {come_in(question.yes, held),
                                     places_[id].calculation.ending == Ending::kGoOn ? 0 : come_in(question.no, held)};
        }
    }

    std::size_t come_in(QuestionId id, const Held& held) {
        Place& place = places_[id];
        const std::size_t entrance = place.calculation.entrance(held);
        const Held behind = place.calculation.behind(entrance, held);
        place.first = std::min(place.first, entrance);
        if (!place.coming) {
            place.coming = behind;
        } else {
            place.coming->a = place.coming->a == behind.a ? behind.a : kUnknown;
            place.coming->x = place.coming->x == behind.x ? behind.x : kUnknown;
        }
        return entrance;
    }

    void write(QuestionId id) {
        const Place& place = places_[id];
        const Question& question = asked_.questions.at(id);
        if (!place.coming) {
            return; // led to by nothing but the "no" of a load
        }
        const std::vector<Operation>& operations = place.calculation.operations;
        if (const auto [same, is_new] = written_.try_emplace(text_of(id), id); !is_new) {
            share(id, same->second);
            return;
        }
        switch (place.calculation.ending) {
        case Ending::kReturnK:
            put(Opcode::kRetK, place.calculation.k);
            break;
        case Ending::kReturnA:
            put(Opcode::kRetA, 0);
            break;
        case Ending::kGoOn:
            go_on({id, operations.size()}, {question.yes, place.entrances[0]});
            break;
        case Ending::kJump:
            jump(place.calculation, {question.yes, place.entrances[0]}, {question.no, place.entrances[1]});
            break;
        }
        if (place.calculation.ending != Ending::kGoOn) {
            note({id, operations.size()});
        }
        for (std::size_t at = operations.size(); at-- > place.first;) {
            put(operations[at].opcode, operations[at].k);
            note({id, at});
        }
    }

    /// What the question's instructions are, and where they lead.
    using Text = std::vector<std::uint32_t>;

    [[nodiscard]] Text text_of(QuestionId id) const {
        const Place& place = places_[id];
        const Calculation& calculation = place.calculation;
        Text text{static_cast<std::uint32_t>(calculation.ending), static_cast<std::uint32_t>(calculation.jump),
                  calculation.k, calculation.exchanged ? 1U : 0U};
        if (calculation.ending == Ending::kJump || calculation.ending == Ending::kGoOn) {
            const Question& question = asked_.questions.at(id);
            text.push_back(home_.at({question.yes, place.entrances[0]}));
            text.push_back(calculation.ending == Ending::kJump ? home_.at({question.no, place.entrances[1]}) : 0);
        }
        for (std::size_t at = place.first; at < calculation.operations.size(); ++at) {
            text.push_back(static_cast<std::uint32_t>(calculation.operations[at].opcode));
            text.push_back(calculation.operations[at].k);
        }
        return text;
    }

    /// The instructions of another question are the same and lead to the same places, whatever A holds there.
    void share(QuestionId id, QuestionId with) {
        const std::size_t behind = places_[id].calculation.operations.size();
        const std::size_t behind_other = places_[with].calculation.operations.size();
        for (std::size_t count = 0; count <= behind - places_[id].first; ++count) {
            const Entry entry{id, behind - count};
            const Entry other{with, behind_other - count};
            nearest_[entry] = nearest_.at(other);
            home_[entry] = home_.at(other);
        }
    }

    void put(Opcode opcode, std::uint32_t k, std::size_t jt = 0, std::size_t jf = 0) {
        reversed_.push_back({info(opcode).code, static_cast<std::uint8_t>(jt), static_cast<std::uint8_t>(jf), k});
    }

    /// The instruction that was written last is where this entry is.
    void note(Entry entry) {
        nearest_[entry] = reversed_.size() - 1;
        home_.try_emplace(entry, static_cast<std::uint32_t>(reversed_.size() - 1));
    }

    /// How many instructions lie between the next one that is written and the entry.
    [[nodiscard]] std::size_t distance(Entry entry) const { return reversed_.size() - nearest_.at(entry) - 1; }

    /// Behind a load that was a question itself; who has passed the same load before comes in at what follows.
    void go_on(Entry behind, Entry to) {
        if (places_[behind.first].first < behind.second && distance(to) != 0) {
            leap(to);
        }
        nearest_[behind] = nearest_.at(to);
        home_[behind] = home_.at(to);
    }

    void leap(Entry to) {
        const Calculation& calculation = places_[to.first].calculation;
        if (calculation.ending == Ending::kReturnK) {
            put(Opcode::kRetK, calculation.k);
        } else {
            put(Opcode::kJa, static_cast<std::uint32_t>(distance(to)));
        }
    }

    void jump(const Calculation& calculation, Entry yes, Entry no) {
        for (const Entry& entry : {yes, no}) {
            if (distance(entry) + 1 > kFarthest) { // the other one may be put in between
                leap(entry);
                note(entry);
            }
        }
        const Entry taken = calculation.exchanged ? no : yes;
        const Entry other = calculation.exchanged ? yes : no;
        put(calculation.jump, calculation.k, distance(taken), distance(other));
    }

    const Asked& asked_;
    Terms& terms_;
    std::vector<QuestionId> order_;
    std::vector<Place> places_;            ///< by question
    std::map<Entry, std::size_t> nearest_; ///< the last instruction that was written for it, or leads to it
    std::map<Entry, std::uint32_t> home_;  ///< the first one
    std::map<Text, QuestionId> written_;
    std::vector<Instruction> reversed_;
};

} // namespace

std::optional<std::vector<Instruction>> written(const Asked& asked, Terms& terms) {
    return ProgramWriter(asked, terms).run();
}

} // namespace pfild::cbpf::reduce
