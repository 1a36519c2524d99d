// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/as_it_is.h"

#include <algorithm>

#include "cbpf/analysis/values.h"
#include "cbpf/interpret.h"
#include "pfild/packet.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kFirstType = PFILD_ETHERNET_HEADER - 2;
constexpr std::uint32_t kNextHeader = 6;
constexpr std::uint32_t kMostTags = 32; ///< that are told apart

bool is_tag_type(std::uint32_t value) { return value == PFILD_ETH_VLAN || value == PFILD_ETH_SERVICE_VLAN; }

bool is_walked(std::uint32_t value) {
    return value <= 0xff && pfild_is_extension(static_cast<std::uint8_t>(value)) != 0;
}

/// Offsets at which the IPv6 header may begin, up to two tags.
bool may_be_next_header(std::uint32_t offset, PacketForm form) {
    if (form == PacketForm::kInet6) {
        return offset == kNextHeader;
    }
    const std::uint32_t first = PFILD_ETHERNET_HEADER + kNextHeader;
    return form == PacketForm::kEthernet && offset >= first && (offset - first) % PFILD_TAG_LENGTH == 0;
}

bool may_be_type(std::uint32_t offset, PacketForm form) {
    return form == PacketForm::kEthernet && offset >= kFirstType && (offset - kFirstType) % PFILD_TAG_LENGTH == 0;
}

/// Is there a way from that step to a match on which nothing at or behind byte `end` is loaded?
bool reaches_match(const Program& program, std::size_t from, std::uint32_t end) {
    const std::span<const Step> steps = program.steps();
    std::vector<bool> reached(steps.size());
    reached[from] = true;
    for (std::size_t at = from; at < steps.size(); ++at) {
        const Step& step = steps[at];
        if (!reached[at]) {
            continue;
        }
        switch (info(step.opcode).operand) {
        case Operand::kAbsolute:
        case Operand::kHeader:
            reached[at + 1] = reached[at + 1] || step.k + load_size_of(step.opcode) <= end;
            break;
        case Operand::kIndexed:
            break; // perhaps behind
        case Operand::kJump:
            reached[at + 1 + step.k] = true;
            break;
        case Operand::kBranch:
        case Operand::kBranchX:
            reached[at + 1 + step.jt] = true;
            reached[at + 1 + step.jf] = true;
            break;
        case Operand::kA:
            return true;
        default:
            if (step.opcode == Opcode::kRetK) {
                if (step.k != 0) {
                    return true;
                }
            } else {
                reached[at + 1] = true;
            }
        }
    }
    return false;
}

} // namespace

AsItIsQuestions::AsItIsQuestions(const Program& program, PacketForm form) : by_step_(program.steps().size()) {
    const std::vector<ValuesBefore> values = values_of(program);
    for (std::size_t at = 0; at < by_step_.size(); ++at) {
        const Step& step = program.steps()[at];
        if (step.opcode != Opcode::kJeqK || !values[at].taken || !values[at].values->a.field) {
            continue;
        }
        const Field& field = *values[at].values->a.field;
        const std::size_t next = at + 1 + step.jt;
        if (field.size == 1 && field.mask == 0xff && is_walked(step.k) && may_be_next_header(field.offset, form)) {
            by_step_[at] = Question{.tag = false, .offset = field.offset};
            const std::uint32_t end = field.offset - kNextHeader + PFILD_INET6_HEADER;
            asked_.next_header = asked_.next_header || reaches_match(program, next, end);
        } else if (field.size == 2 && field.mask == 0xffff && is_tag_type(step.k) && may_be_type(field.offset, form)) {
            by_step_[at] = Question{.tag = true, .offset = field.offset};
            asked_.tags = asked_.tags || reaches_match(program, next, Packet::kOffsetLimit);
        }
    }
}

/// Watches one run.
class AsItIsQuestions::Witness final : public RunWatch {
  public:
    Witness(const AsItIsQuestions& questions, const HeaderPlaces& places) : questions_(questions), places_(places) {}

    void loads(std::uint64_t offset, std::uint32_t size) noexcept override {
        last_byte_ = std::max(last_byte_, offset + size);
        if (offset + size > places_.network + PFILD_INET6_HEADER) {
            next_header_ = false;
        }
    }

    bool compares(std::size_t step, bool equal) noexcept override {
        const std::optional<Question>& question = questions_.by_step_[step];
        if (!equal || !question) {
            return equal;
        }
        if (!question->tag) {
            next_header_ = next_header_ || question->offset == places_.network + kNextHeader;
            return equal;
        }
        const std::uint32_t tag = (question->offset - kFirstType) / PFILD_TAG_LENGTH;
        if (tag < std::min(places_.tags, kMostTags)) {
            tags_met_ |= 1U << tag;
        }
        return equal;
    }

    [[nodiscard]] AsItIs seen() const noexcept {
        const std::uint32_t all = places_.tags >= kMostTags ? ~0U : (1U << places_.tags) - 1;
        std::uint32_t in_a_row = 0;
        while (in_a_row < kMostTags && (tags_met_ >> in_a_row & 1U) != 0) {
            ++in_a_row;
        }
        const bool nothing_behind = in_a_row != 0 && last_byte_ <= kFirstType + in_a_row * PFILD_TAG_LENGTH;
        const bool all_met = places_.tags != 0 && places_.tags < kMostTags && tags_met_ == all;
        return {.next_header = next_header_, .tags = nothing_behind || all_met};
    }

  private:
    const AsItIsQuestions& questions_;
    const HeaderPlaces& places_;
    std::uint64_t last_byte_ = 0; ///< and one more
    std::uint32_t tags_met_ = 0;  ///< a bit for each, the outermost first
    bool next_header_ = false;
};

/// Takes the packet for one that has not what is asked for: questions of one kind about it are answered with no.
class AsItIsQuestions::Denial final : public RunWatch {
  public:
    Denial(const AsItIsQuestions& questions, const HeaderPlaces& places, bool tags)
        : questions_(questions), places_(places), tags_(tags) {}
    void loads(std::uint64_t /*offset*/, std::uint32_t /*size*/) noexcept override {}
    bool compares(std::size_t step, bool equal) noexcept override {
        const std::optional<Question>& question = questions_.by_step_[step];
        if (!equal || !question || question->tag != tags_) {
            return equal;
        }
        return tags_ ? question->offset >= kFirstType + places_.tags * PFILD_TAG_LENGTH
                     : question->offset != places_.network + kNextHeader;
    }

  private:
    const AsItIsQuestions& questions_;
    const HeaderPlaces& places_;
    bool tags_;
};

// Another alternative may have made the match: then it is not about the header, however the program came by it.
AsItIs AsItIsQuestions::of_match(const Program& program, const Packet& packet, const HeaderPlaces& places) const {
    Witness witness(*this, places);
    if (interpret_watched(program, packet, witness) == 0) {
        return {};
    }
    AsItIs about = witness.seen();
    Denial no_next_header(*this, places, false);
    Denial no_tags(*this, places, true);
    about.next_header = about.next_header && interpret_watched(program, packet, no_next_header) == 0;
    about.tags = about.tags && interpret_watched(program, packet, no_tags) == 0;
    return about;
}

} // namespace pfild::cbpf
