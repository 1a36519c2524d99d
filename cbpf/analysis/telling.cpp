// SPDX-License-Identifier: BSD-2-Clause
// The program is run on packets of which nothing but some bytes is known: two sorts are told apart if what comes out
// are two diagrams.
#include "cbpf/analysis/telling.h"

#include <algorithm>
#include <vector>

#include "cbpf/analysis/answers.h"
#include "cbpf/analysis/questions.h"

namespace pfild::cbpf {
namespace {

constexpr std::size_t kMostOfOneSort = 65'536; ///< as of equivalence.cpp

/// Whether a term has bytes from a place that is calculated, and that can be `offset` or before it.
class MayRead {
  public:
    MayRead(const Terms& terms, std::uint32_t offset) : terms_(terms), offset_(offset) {}

    [[nodiscard]] bool operator()(TermId id) {
        if (seen_.size() <= id) {
            seen_.resize(id + std::size_t{1});
        }
        if (seen_[id]) {
            return false; // it was asked about it before, and the answer is gone with that
        }
        seen_[id] = true;
        const Term& term = terms_.at(id);
        switch (term.kind) {
        case Term::Kind::kLoad:
            return !terms_.is_constant(term.left) && (term.k <= offset_ || (*this)(term.left));
        case Term::Kind::kReach:
            return (*this)(term.left);
        case Term::Kind::kResult:
        case Term::Kind::kHolds:
            return (*this)(term.left) || (*this)(term.right);
        case Term::Kind::kCaptured:
        case Term::Kind::kWire:
        case Term::Kind::kConstant:
            break;
        }
        return false;
    }

  private:
    const Terms& terms_;
    std::uint32_t offset_;
    std::vector<bool> seen_;
};

bool may_read(const Asked& asked, const Terms& terms, std::uint32_t offset) {
    const std::vector<bool> is_reached = reached(asked);
    MayRead term_may(terms, offset);
    for (QuestionId id = 0; id <= asked.first; ++id) {
        if (is_reached[id] && term_may(asked.questions.at(id).term)) {
            return true;
        }
    }
    return false;
}

} // namespace

std::optional<Telling::Matches> Telling::matches(std::span<const KnownByte> known) {
    terms_.forget();
    std::uint32_t last = 0;
    for (const KnownByte& byte : known) {
        terms_.know(byte.offset, byte.value);
        last = std::max(last, byte.offset);
    }
    const std::optional<Asked> asked = questions_of(program_, terms_, kMostOfOneSort);
    if (!asked || (!known.empty() && may_read(*asked, terms_, last))) {
        return std::nullopt;
    }
    const auto matches = answers_of(*asked, terms_, diagrams_, Counted::kMatch);
    return matches ? std::optional(diagrams_.of_whole_packets(*matches)) : std::nullopt;
}

} // namespace pfild::cbpf
