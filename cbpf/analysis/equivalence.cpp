// SPDX-License-Identifier: BSD-2-Clause
// What comes out of both programs is a diagram, over the same terms: the programs are equal if it is the same one.
//
//    program --questions.h--> questions in the program's order --diagram--> questions in the order of the terms
#include "cbpf/analysis/equivalence.h"

#include <algorithm>
#include <optional>

#include "cbpf/analysis/answers.h"
#include "cbpf/analysis/diagram.h"
#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf {
namespace {

constexpr std::size_t kMostQuestions = 65'536; ///< of a program; a filter of 100 terms asks some 2,000
constexpr std::size_t kBudget = 1'000'000;     ///< branches for both programs; 250 hosts for Ethernet take some 700'000

} // namespace

bool certainly_equal(const Program& one, const Program& other) {
    if (std::equal(one.instructions().begin(), one.instructions().end(), other.instructions().begin(),
                   other.instructions().end())) {
        return true;
    }
    Terms terms;
    const std::optional<Asked> first = questions_of(one, terms, kMostQuestions);
    const std::optional<Asked> second = first ? questions_of(other, terms, kMostQuestions) : std::nullopt;
    if (!second) {
        return false;
    }
    Diagrams diagrams(terms, kBudget);
    const std::optional<NodeId> node = answers_of(*first, terms, diagrams, Counted::kValue);
    return node && answers_of(*second, terms, diagrams, Counted::kValue) == node;
}

} // namespace pfild::cbpf
