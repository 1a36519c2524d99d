// SPDX-License-Identifier: BSD-2-Clause
// See link_types.h.
#include "cbpf/analysis/link_types.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "cbpf/analysis/values.h"

namespace pfild::cbpf {
namespace {

/// A field that is compared with a constant.
struct TypeQuestion {
    Field field;
    Opcode jump;
    std::uint32_t constant;
};

std::vector<TypeQuestion> questions_of(const Program& program) {
    const std::vector<ValuesBefore> values = values_of(program);
    std::vector<TypeQuestion> questions;
    for (std::size_t at = 0; at < values.size(); ++at) {
        const Step& step = program.steps()[at];
        if (values[at].values && info(step.opcode).operand == Operand::kBranch && values[at].values->a.field) {
            questions.push_back({*values[at].values->a.field, step.opcode, step.k});
        }
    }
    return questions;
}

bool is_ether_type(std::uint32_t value) {
    constexpr std::array<std::uint32_t, 21> kEtherTypes{0x0600, 0x0800, 0x0806, 0x6000, 0x6001, 0x6002, 0x6003,
                                                        0x6004, 0x6007, 0x8035, 0x8098, 0x809b, 0x80f3, 0x8100,
                                                        0x8137, 0x86dd, 0x8847, 0x8848, 0x8863, 0x8864, 0x88a8};
    return value == 0x9100 || std::find(kEtherTypes.begin(), kEtherTypes.end(), value) != kEtherTypes.end();
}

/// An address family of a BSD or of Linux, in either byte order.
bool is_family(std::uint32_t value) {
    constexpr std::array<std::uint32_t, 5> kFamilies{2, 10, 24, 28, 30};
    return std::any_of(kFamilies.begin(), kFamilies.end(),
                       [value](std::uint32_t family) { return value == family || value == family << 24U; });
}

bool looks_at(const TypeQuestion& question, Field field) {
    return question.jump == Opcode::kJeqK && question.field == field;
}

/// Is the half-word at `offset` compared with the number of an Ethernet type?
bool asks_type_at(const TypeQuestion& question, std::uint32_t offset) {
    return looks_at(question, {offset, 2, 0xffff}) && is_ether_type(question.constant);
}

/// Or with the largest length, which tells 802.3 from Ethernet?
bool asks_length(const TypeQuestion& question) {
    constexpr std::uint32_t kLargestLength = 1500;
    return question.jump == Opcode::kJgtK && question.field == Field{12, 2, 0xffff} &&
           question.constant == kLargestLength;
}

class Evidence {
  public:
    explicit Evidence(const Program& program) : questions_(questions_of(program)) {}

    [[nodiscard]] bool speaks_for(LinkForm form) const {
        switch (form) {
        case LinkForm::kEthernet:
            return any([](const TypeQuestion& q) { return asks_type_at(q, 12) || asks_length(q); }) ||
                   asks_address(0) || asks_address(6);
        case LinkForm::kRaw:
            return any([](const TypeQuestion& q) {
                return looks_at(q, {0, 1, 0xf0}) && (q.constant == 0x40 || q.constant == 0x60);
            });
        case LinkForm::kCooked:
            return any([](const TypeQuestion& q) { return asks_type_at(q, 14); });
        case LinkForm::kCooked2: // a MAC address is compared in two pieces, of which one may look like a type
            return !asks_address(0) && any([](const TypeQuestion& q) { return asks_type_at(q, 0); });
        case LinkForm::kLoopback:
            return any([](const TypeQuestion& q) { return looks_at(q, {0, 4, kWord}) && is_family(q.constant); });
        }
        return false;
    }

  private:
    static constexpr std::uint32_t kWord = ~std::uint32_t{0};

    template <typename Predicate>
    [[nodiscard]] bool any(Predicate predicate) const {
        return std::any_of(questions_.begin(), questions_.end(), predicate);
    }

    /// Are the six bytes from `offset` on compared, as libpcap compares them: the last four, then the first two?
    [[nodiscard]] bool asks_address(std::uint32_t offset) const {
        return any([offset](const TypeQuestion& q) {
                   return looks_at(q, {offset + 2, 4, kWord});
               }) &&
               any([offset](const TypeQuestion& q) {
                   return looks_at(q, {offset, 2, 0xffff});
               });
    }

    std::vector<TypeQuestion> questions_;
};

} // namespace

LinkFits link_fits_of(const Program& program) {
    const Evidence evidence(program);
    LinkFits fits{};
    bool any = false;
    for (std::size_t form = 0; form < kLinkForms; ++form) {
        const bool meant = evidence.speaks_for(static_cast<LinkForm>(form));
        fits.at(form) = meant ? Fit::kMeant : Fit::kForeign;
        any = any || meant;
    }
    if (!any) {
        fits.fill(Fit::kOpen);
    }
    return fits;
}

} // namespace pfild::cbpf
