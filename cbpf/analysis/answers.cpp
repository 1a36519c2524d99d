// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/analysis/answers.h"

#include <vector>

namespace pfild::cbpf {
namespace {

TermId as_match(Terms& terms, TermId answer) {
    return terms.is_constant(answer) && terms.at(answer).k != 0 ? terms.constant(1) : answer;
}

} // namespace

std::optional<NodeId> answers_of(const Asked& asked, Terms& terms, Diagrams& diagrams, Counted counted) {
    const std::vector<bool> is_reached = reached(asked);
    std::vector<NodeId> nodes(asked.first + std::size_t{1});
    for (QuestionId id = 0; id <= asked.first; ++id) {
        if (!is_reached[id]) {
            continue;
        }
        const Question& question = asked.questions.at(id);
        const TermId answer = counted == Counted::kMatch ? as_match(terms, question.term) : question.term;
        const auto node = question.is_answer ? std::optional(diagrams.leaf(answer))
                                             : diagrams.select(question.term, question.inside, nodes[question.yes],
                                                               nodes[question.no]);
        if (!node) {
            return std::nullopt;
        }
        nodes[id] = *node;
    }
    return nodes[asked.first];
}

} // namespace pfild::cbpf
