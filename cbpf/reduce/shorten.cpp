// SPDX-License-Identifier: BSD-2-Clause
// A round goes down and up again.
//
// Down, from the first question: what is known where a question is asked is what is known on all ways that lead to the
// question. A way on which the answer to the next question is known leads past that question, to the one behind.
//
//    [12:2] = 6? --yes--> [12:2] = 4? --no--> B        becomes        [12:2] = 6? --yes--> B
//
// A packet goes the way that it went before, past some of the questions, so what is known of it is true still.
//
// Up, from the answers: questions are made anew and become one where they are alike. A question with "no" to the answer
// 0 is left out if what follows answers 0 for such a packet in any case; that is read from the questions as they are
// made anew, never from what was known on the way down: two questions cannot each be left out for the other's sake.
#include "cbpf/reduce/shorten.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "cbpf/reduce/facts.h"
#include "cbpf/reduce/needs.h"
#include "cbpf/reduce/together.h"

namespace pfild::cbpf::reduce {
namespace {

constexpr unsigned kMostRounds = 8;
constexpr std::size_t kMostWork = 20'000'000;
constexpr QuestionId kNowhere = std::numeric_limits<QuestionId>::max();

/// By question: where its ways lead now.
using Ways = std::vector<std::array<QuestionId, 2>>;

/// What a way down is for.
enum class Purpose : std::uint8_t { kLeavePast, kBringTogether };

/// Questions one behind the other that can be asked in any order.
struct Series {
    bool by_yes = false; ///< "yes" leads to the next one, else "no"
    std::vector<Asking> members;
    QuestionId next = kNowhere;  ///< behind the last one
    QuestionId other = kNowhere; ///< where the other answer of each leads
};

class WayDown {
  public:
    WayDown(const Asked& asked, Terms& terms, NeedsOfTerms& needs, Purpose purpose, std::size_t& work)
        : asked_(asked), terms_(terms), needs_(needs), purpose_(purpose), work_(work),
          facts_(asked.first + std::size_t{1}), ways_(asked.first + std::size_t{1}, {kNowhere, kNowhere}),
          led_to_(asked.first + std::size_t{1}), taken_(asked.first + std::size_t{1}) {}

    /// False: too much work.
    [[nodiscard]] bool run() {
        note_last_wanted();
        facts_[asked_.first].emplace();
        for (QuestionId id = asked_.first + 1; id-- > 0;) {
            if (!facts_[id] || asked_.questions.at(id).is_answer) {
                continue;
            }
            if (!leave(id)) {
                return false;
            }
            facts_[id].reset();
        }
        return true;
    }

    [[nodiscard]] const Ways& ways() const { return ways_; }
    /// By the first question of a series: all of them, in a better order.
    [[nodiscard]] const std::map<QuestionId, Series>& series() const { return series_; }

  private:
    /// By term: the last question, which has the lowest id, for which the term matters.
    void note_last_wanted() {
        const std::vector<bool> is_reached = reached(asked_);
        for (QuestionId id = asked_.first + 1; id-- > 0;) {
            const Question& question = asked_.questions.at(id);
            if (!is_reached[id] || question.is_answer) {
                continue;
            }
            ++led_to_[question.yes];
            ++led_to_[question.no];
            want(question.term, id);
            if (terms_.at(question.term).kind == Term::Kind::kResult) {
                want(terms_.at(question.term).left, id);
            }
            for (const Need& need : needs_.of(question.term)) {
                want(need.first, id);
            }
        }
    }

    void want(TermId term, QuestionId id) {
        if (last_wanted_.size() <= term) {
            last_wanted_.resize(term + std::size_t{1}, kNowhere);
        }
        last_wanted_[term] = id;
    }

    /// Both ways from a question, as far as they lead past others.
    [[nodiscard]] bool leave(QuestionId id) {
        const Question& question = asked_.questions.at(id);
        Facts common = std::move(*facts_[id]);
        for (const auto& [term, interval] : needs_.of(question.term)) {
            (void)common.learn(terms_, term, interval, true); // a packet that has not ended here
        }
        common.keep([&](TermId term) { return term < last_wanted_.size() && last_wanted_[term] <= id; });
        if (purpose_ == Purpose::kBringTogether && !taken_[id]) {
            bring_together(id, common);
        }
        for (const bool yes : {true, false}) {
            Facts facts = common;
            work_ -= std::min(work_, facts.weight() + 1);
            if (work_ == 0) {
                return false;
            }
            if (facts.learn(terms_, question.term, question.inside, yes)) {
                const QuestionId given = yes ? question.yes : question.no;
                const QuestionId next = purpose_ == Purpose::kLeavePast ? followed(facts, given) : given;
                ways_[id][yes ? 0 : 1] = next;
                arrive(next, std::move(facts));
            }
        }
        return true;
    }

    /// Looks for a series that begins here: questions of which one answer leads to the next and the other to one place.
    void bring_together(QuestionId first, const Facts& facts) {
        for (const bool by_yes : {false, true}) {
            const auto next_of = [&](QuestionId id) { return ways_of(id)[by_yes ? 0 : 1]; };
            const auto other_of = [&](QuestionId id) { return ways_of(id)[by_yes ? 1 : 0]; };
            const QuestionId other = other_of(first);
            const bool is_nothing =
                asked_.questions.at(other).is_answer && asked_.questions.at(other).term == terms_.constant(0);
            std::vector<QuestionId> members{first};
            QuestionId next = next_of(first);
            while (!asked_.questions.at(next).is_answer && other_of(next) == other && led_to_[next] == 1 &&
                   !taken_[next] && (is_nothing || ends_nothing(facts, asked_.questions.at(next).term))) {
                members.push_back(next);
                next = next_of(next);
            }
            if (members.size() < 3) {
                continue;
            }
            const std::vector<Asking> given = askings_of(members);
            std::vector<Asking> sorted = sorted_by_term(given, terms_, by_yes);
            if (sorted != given) {
                for (const QuestionId id : members) {
                    taken_[id] = true;
                }
                series_.emplace(first,
                                Series{.by_yes = by_yes, .members = std::move(sorted), .next = next, .other = other});
                return;
            }
        }
    }

    [[nodiscard]] std::array<QuestionId, 2> ways_of(QuestionId id) const {
        return {asked_.questions.at(id).yes, asked_.questions.at(id).no};
    }

    [[nodiscard]] std::vector<Asking> askings_of(const std::vector<QuestionId>& ids) const {
        std::vector<Asking> all;
        all.reserve(ids.size());
        for (const QuestionId id : ids) {
            all.push_back({asked_.questions.at(id).term, asked_.questions.at(id).inside});
        }
        return all;
    }

    [[nodiscard]] QuestionId followed(const Facts& facts, QuestionId id) {
        while (!asked_.questions.at(id).is_answer) {
            const Question& question = asked_.questions.at(id);
            const std::optional<bool> known = decided(facts, terms_, question.term, question.inside);
            if (!known || !ends_nothing(facts, question.term)) {
                return id;
            }
            id = *known ? question.yes : question.no;
        }
        return id;
    }

    /// Would the instructions that calculate the term never end the run?
    [[nodiscard]] bool ends_nothing(const Facts& facts, TermId term) {
        const std::vector<Need>& needs = needs_.of(term);
        return std::all_of(needs.begin(), needs.end(),
                           [&](const Need& need) { return decided(facts, terms_, need.first, need.second) == true; });
    }

    void arrive(QuestionId id, Facts facts) {
        if (asked_.questions.at(id).is_answer) {
            return;
        }
        if (facts_[id]) {
            facts_[id]->join(facts, terms_);
        } else {
            facts_[id] = std::move(facts);
        }
    }

    const Asked& asked_;
    Terms& terms_;
    NeedsOfTerms& needs_;
    Purpose purpose_;
    std::size_t& work_;
    std::vector<std::optional<Facts>> facts_;
    std::vector<QuestionId> last_wanted_;
    Ways ways_;
    std::vector<unsigned> led_to_; ///< by question: how many ways lead to it
    std::vector<bool> taken_;      ///< by question: it is part of a series
    std::map<QuestionId, Series> series_;
};

class WayUp {
  public:
    WayUp(Terms& terms, NeedsOfTerms& needs_of_terms)
        : terms_(terms), needs_of_terms_(needs_of_terms), nothing_(made_.questions.answer(terms.constant(0))) {}

    [[nodiscard]] Asked run(const Asked& asked, const WayDown& down) {
        const Ways& ways = down.ways();
        std::vector<bool> wanted(asked.first + std::size_t{1});
        wanted[asked.first] = true;
        for (QuestionId id = asked.first + 1; id-- > 0;) {
            for (const QuestionId next : ways[id]) {
                if (wanted[id] && next != kNowhere) {
                    wanted[next] = true;
                }
            }
        }
        std::vector<QuestionId> made(asked.first + std::size_t{1});
        for (QuestionId id = 0; id <= asked.first; ++id) {
            if (!wanted[id]) {
                continue;
            }
            const Question& question = asked.questions.at(id);
            if (question.is_answer) {
                made[id] = made_.questions.answer(question.term);
                continue;
            }
            const auto [yes, no] = ways[id];
            if (const auto series = down.series().find(id); series != down.series().end()) {
                made[id] = made_of(series->second, made);
            } else if (yes == kNowhere && no == kNowhere) {
                made[id] = nothing_; // no packet comes here
            } else if (yes == kNowhere || no == kNowhere) {
                made[id] = asked_for_needs(question.term, made[yes == kNowhere ? no : yes]);
            } else {
                made[id] = made_of(question, made[yes], made[no]);
            }
        }
        made_.first = made[asked.first];
        return std::move(made_);
    }

  private:
    QuestionId made_of(const Series& series, const std::vector<QuestionId>& made) {
        QuestionId next = made[series.next];
        for (auto member = series.members.rbegin(); member != series.members.rend(); ++member) {
            next =
                series.by_yes ? made_of(*member, next, made[series.other]) : made_of(*member, made[series.other], next);
        }
        return next;
    }

    /// An interval that no instruction asks for at once: first its lower end, then what is above it.
    QuestionId made_of(const Asking& asking, QuestionId yes, QuestionId no) {
        const std::uint32_t largest = terms_.at(asking.term).largest;
        const auto [low, high] = asking.inside;
        if (is_asked_at_once(asking.inside, largest)) {
            return made_of({.term = asking.term, .inside = asking.inside, .is_answer = false}, yes, no);
        }
        if (low == 0 && high >= largest) {
            return asked_for_needs(asking.term, yes);
        }
        const QuestionId below_end =
            made_of({.term = asking.term, .inside = {high + 1, largest}, .is_answer = false}, no, yes);
        return low == 0 ? below_end
                        : made_of({.term = asking.term, .inside = {low, largest}, .is_answer = false}, below_end, no);
    }

    /// A question whose answer does not matter: what its term needs is asked for still.
    QuestionId asked_for_needs(TermId term, QuestionId next) {
        const std::vector<Need>& needs = needs_of_terms_.of(term);
        for (const auto& [about, inside] : std::vector<Need>(needs.rbegin(), needs.rend())) {
            next = made_of({.term = about, .inside = inside, .is_answer = false}, next, nothing_);
        }
        return next;
    }

    QuestionId made_of(const Question& question, QuestionId yes, QuestionId no) {
        if (yes == no) {
            return asked_for_needs(question.term, yes);
        }
        if (no == nothing_ && comes_anyway(yes, question.term, question.inside)) {
            return yes;
        }
        if (yes == nothing_ && is_tail(question) && comes_anyway(no, question.term, {0, question.inside.low - 1})) {
            return no;
        }
        for (const bool by_yes : {true, false}) {
            if (const std::optional<Question> check = check_for_both(by_yes ? yes : no, by_yes ? no : yes)) {
                return made_of(*check, by_yes ? made_of(question, check->yes, no) : made_of(question, yes, check->yes),
                               nothing_);
            }
        }
        return made_.questions.ask(question.term, question.inside, yes, no);
    }

    /// A question about a length that one way begins with, and that the other one comes to as well: it is asked before
    /// the ways part, and what follows it can be what others lead to.
    std::optional<Question> check_for_both(QuestionId one, QuestionId other) {
        const Question& question = made_.questions.at(one);
        const Term::Kind kind = terms_.at(question.term).kind;
        const bool is_check = !question.is_answer && (kind == Term::Kind::kCaptured || kind == Term::Kind::kReach);
        return is_check && other != nothing_ && comes_anyway(other, question.term, question.inside)
                   ? std::optional(question)
                   : std::nullopt;
    }

    /// Are the values outside an interval, too?
    [[nodiscard]] bool is_tail(const Question& question) const {
        return question.inside.high >= terms_.at(question.term).largest && question.inside.low != 0;
    }

    /// Does what follows answer 0 for packets whose term lies elsewhere, and for those that end with the term?
    bool comes_anyway(QuestionId next, TermId term, Interval inside) {
        const Needs& needs = needs_of(next);
        const std::vector<Need>& own = needs_of_terms_.of(term);
        return needs.contain({term, inside}) &&
               std::all_of(own.begin(), own.end(), [&](const Need& need) { return needs.contain(need); });
    }

    /// => questions are made from the answers up: those that follow are known.
    const Needs& needs_of(QuestionId wanted) {
        while (needs_.size() <= wanted) {
            const Question& question = made_.questions.at(static_cast<QuestionId>(needs_.size()));
            Needs needs;
            if (question.is_answer) {
                if (needs_.size() == nothing_) {
                    needs = Needs::everything();
                }
            } else {
                Needs if_yes = needs_[question.yes];
                Needs if_no = needs_[question.no];
                if_yes.add({question.term, question.inside});
                if (is_tail(question)) {
                    if_no.add({question.term, {0, question.inside.low - 1}});
                }
                needs = if_yes.common(if_no);
            }
            needs.add(needs_of_terms_.of(question.term));
            needs_.push_back(std::move(needs));
        }
        return needs_[wanted];
    }

    Terms& terms_;
    NeedsOfTerms& needs_of_terms_;
    Asked made_;
    QuestionId nothing_;
    std::vector<Needs> needs_; ///< by question
};

std::size_t count_of(const Asked& asked) {
    const std::vector<bool> is_reached = reached(asked);
    return static_cast<std::size_t>(std::count(is_reached.begin(), is_reached.end(), true));
}

} // namespace

void shorten(Asked& asked, Terms& terms) {
    NeedsOfTerms needs(terms);
    std::size_t work = kMostWork;
    std::size_t before = std::numeric_limits<std::size_t>::max();
    bool is_together = false;
    for (unsigned round = 0; round < kMostRounds; ++round) {
        const std::size_t left = count_of(asked);
        const bool brings = left >= before;
        if (brings && std::exchange(is_together, true)) {
            return;
        }
        before = left;
        WayDown down(asked, terms, needs, brings ? Purpose::kBringTogether : Purpose::kLeavePast, work);
        if (!down.run()) {
            return;
        }
        asked = WayUp(terms, needs).run(asked, down);
        before = brings ? std::numeric_limits<std::size_t>::max() : before;
    }
}

} // namespace pfild::cbpf::reduce
