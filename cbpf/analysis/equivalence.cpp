// SPDX-License-Identifier: BSD-2-Clause
// What comes out of both programs is a diagram, over the same terms: the programs are equal if it is the same one.
//
//    program --questions.h--> questions in the program's order --diagram--> questions in the order of the terms
#include "cbpf/analysis/equivalence.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "cbpf/analysis/diagram.h"
#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf {
namespace {

constexpr std::size_t kMostQuestions = 65'536; ///< of a program; a filter of 100 terms asks some 2,000
constexpr std::size_t kBudget = 1'000'000;     ///< branches for both programs; 250 hosts for Ethernet take some 700'000

std::optional<NodeId> diagram_of(const Asked& asked, Diagrams& diagrams) {
    const std::vector<bool> is_reached = reached(asked);
    std::vector<NodeId> nodes(asked.first + std::size_t{1});
    for (QuestionId id = 0; id <= asked.first; ++id) {
        if (!is_reached[id]) {
            continue;
        }
        const Question& question = asked.questions.at(id);
        const auto node = question.is_answer ? std::optional(diagrams.leaf(question.term))
                                             : diagrams.select(question.term, question.inside, nodes[question.yes],
                                                               nodes[question.no]);
        if (!node) {
            return std::nullopt;
        }
        nodes[id] = *node;
    }
    return nodes[asked.first];
}

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
    const std::optional<NodeId> node = diagram_of(*first, diagrams);
    return node && diagram_of(*second, diagrams) == node;
}

} // namespace pfild::cbpf
