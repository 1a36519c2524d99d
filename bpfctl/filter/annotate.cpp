// SPDX-License-Identifier: BSD-2-Clause
// See annotate.h.
#include "bpfctl/filter/annotate.h"

#include <array>
#include <cstdio>
#include <optional>
#include <span>
#include <utility>

#include "bpfctl/filter/layout.h"
#include "cbpf/analysis/values.h"

namespace pfild::bpfctl {
namespace {

using cbpf::Opcode;
using cbpf::Operand;
using cbpf::Step;

constexpr std::uint32_t kAllBits = ~std::uint32_t{0};
constexpr std::uint32_t kFragmentOffset = 0x1fff;
constexpr std::uint32_t kVersionBits = 0xf0;

/// A number of which something is known.
struct Subject {
    NamedField field; ///< what it is, of the packet
    std::uint32_t mask = kAllBits;
    std::uint32_t offset = 0;
    bool fixed = false; ///< the offset is known

    bool operator==(const Subject&) const = default;
};

struct State {
    KnownPacket packet;
    std::optional<Subject> a;
    bool x_is_header = false; ///< X is the length of the IPv4 header
};

void join(State& state, const State& other) {
    state.packet.shapes |= other.packet.shapes;
    state.packet.protocols |= other.packet.protocols;
    state.a = state.a == other.a ? state.a : std::nullopt;
    state.x_is_header = state.x_is_header && other.x_is_header;
}

std::string hex_text(std::uint32_t value) {
    std::array<char, 16> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "0x%x", value);
    return buffer.data();
}

std::string_view sign_of(Opcode opcode) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kSigns{{{"add", "+"},
                                                                                    {"sub", "-"},
                                                                                    {"mul", "*"},
                                                                                    {"div", "/"},
                                                                                    {"mod", "%"},
                                                                                    {"and", "&"},
                                                                                    {"or", "|"},
                                                                                    {"xor", "^"},
                                                                                    {"lsh", "<<"},
                                                                                    {"rsh", ">>"}}};
    for (const auto& [name, sign] : kSigns) {
        if (name == cbpf::info(opcode).name) {
            return sign;
        }
    }
    return "?";
}

std::string bytes_text(std::uint32_t offset, std::uint32_t size, std::string_view base) {
    const std::string first = std::string(base) + std::to_string(offset);
    return size == 1 ? "byte " + first
                     : "bytes " + first + " to " + std::string(base) + std::to_string(offset + size - 1);
}

class Annotator {
  public:
    Annotator(const cbpf::Program& program, std::optional<cbpf::LinkForm> form)
        : steps_(program.steps()), layout_(form), before_(steps_.size()), notes_(steps_.size()) {}

    std::vector<Note> run() {
        before_[0] = State{layout_.anything(), std::nullopt, false};
        for (at_ = 0; at_ < steps_.size(); ++at_) {
            if (before_[at_]) {
                State state = *before_[at_];
                notes_[at_].text = describe(steps_[at_], state);
            }
        }
        return std::move(notes_);
    }

  private:
    std::string describe(const Step& step, State& state) {
        switch (cbpf::info(step.opcode).operand) {
        case Operand::kAbsolute:
            return load(step, state);
        case Operand::kIndexed:
            return load_indexed(step, state);
        case Operand::kHeader:
            return load_header(step, state);
        case Operand::kBranch:
        case Operand::kBranchX:
            return branch(step, state);
        case Operand::kJump:
            arrive(step.k, state);
            return "go on at " + std::to_string(at_ + 1 + step.k);
        case Operand::kA:
            return "match if A is not 0: keep up to A bytes";
        default:
            break;
        }
        if (step.opcode == Opcode::kRetK) {
            return step.k == 0          ? "no match"
                   : step.k == kAllBits ? "match: keep the whole packet"
                                        : "match: keep up to " + std::to_string(step.k) + " bytes";
        }
        std::string text = calculate(step, state);
        arrive(0, state);
        return text;
    }

    std::string load(const Step& step, State& state) {
        const std::uint32_t size = cbpf::load_size_of(step.opcode);
        const auto field = layout_.field_at(state.packet, step.k, size);
        state.a = field ? std::optional(Subject{*field, kAllBits, step.k, true}) : std::nullopt;
        return loaded(field, bytes_text(step.k, size, ""), state);
    }

    std::string load_indexed(const Step& step, State& state) {
        const std::uint32_t size = cbpf::load_size_of(step.opcode);
        const std::uint32_t network = network_of(state.packet);
        const auto field = state.x_is_header && step.k >= network
                               ? Layout::behind_header(state.packet, step.k - network, size)
                               : std::nullopt;
        state.a = field ? std::optional(Subject{*field, kAllBits, 0, false}) : std::nullopt;
        return loaded(field, bytes_text(step.k, size, "X + "), state);
    }

    std::string loaded(const std::optional<NamedField>& field, const std::string& bytes, const State& state) {
        notes_[at_].field = field ? field->name : "";
        arrive(0, state);
        return "A = " + (field ? field->name : bytes);
    }

    std::string load_header(const Step& step, State& state) {
        const auto field = layout_.field_at(state.packet, step.k, 1);
        const bool is_length = field && step.k == network_of(state.packet) && is_only(state.packet, Family::kIpv4);
        state.x_is_header = is_length;
        notes_[at_].field = is_length ? "IPv4 header length" : "";
        arrive(0, state);
        return is_length ? "X = length of the IPv4 header"
                         : "X = 4 times the lower half of byte " + std::to_string(step.k);
    }

    static std::string calculate(const Step& step, State& state) {
        const cbpf::OpcodeInfo& row = cbpf::info(step.opcode);
        switch (step.opcode) {
        case Opcode::kLdImm:
        case Opcode::kLdMem:
        case Opcode::kLdLen:
        case Opcode::kTxa:
        case Opcode::kNeg:
            state.a.reset();
            if (step.opcode == Opcode::kLdLen) {
                state.a = Subject{{"length of the packet", FieldKind::kNumber}};
            }
            break;
        case Opcode::kLdxImm:
        case Opcode::kLdxMem:
        case Opcode::kLdxLen:
        case Opcode::kTax:
            state.x_is_header = false;
            break;
        case Opcode::kSt:
        case Opcode::kStx:
            break;
        default:
            return operate(step, state);
        }
        return moved(step, row);
    }

    static std::string moved(const Step& step, const cbpf::OpcodeInfo& row) {
        const std::string word = "M[" + std::to_string(step.k) + ']';
        switch (step.opcode) {
        case Opcode::kSt:
            return word + " = A";
        case Opcode::kStx:
            return word + " = X";
        case Opcode::kTax:
            return "X = A";
        case Opcode::kTxa:
            return "A = X";
        case Opcode::kNeg:
            return "A = -A";
        default:
            break;
        }
        const std::string target = row.name == "ldx" ? "X = " : "A = ";
        switch (row.operand) {
        case Operand::kMemory:
            return target + word;
        case Operand::kLength:
            return target + "length of the packet";
        default:
            return target + std::to_string(step.k);
        }
    }

    static std::string operate(const Step& step, State& state) {
        const bool masks = step.opcode == Opcode::kAndK;
        const bool with_x = cbpf::info(step.opcode).operand == Operand::kX;
        std::string text = "A = A " + std::string(sign_of(step.opcode)) + ' ';
        text += with_x                                                                 ? "X"
                : masks || step.opcode == Opcode::kOrK || step.opcode == Opcode::kXorK ? hex_text(step.k)
                                                                                       : std::to_string(step.k);
        if (!masks || !state.a) {
            state.a.reset();
            return text;
        }
        state.a->mask &= step.k;
        if (state.a->field.kind == FieldKind::kIpVersion && state.a->mask == kVersionBits) {
            return "without the header length";
        }
        if (state.a->field.name == "VLAN and priority" && state.a->mask == 0xfff) {
            state.a->field.name = "VLAN";
            return "without the priority";
        }
        if (state.a->field.kind == FieldKind::kIpv4Address) {
            return "its network, mask " + value_text(FieldKind::kIpv4Address, step.k);
        }
        return text;
    }

    std::string branch(const Step& step, const State& state) {
        State yes = state;
        State no = state;
        if (step.opcode == Opcode::kJeqK && state.a) {
            narrow(*state.a, step.k, yes.packet, no.packet);
        }
        arrive(step.jt, yes);
        arrive(step.jf, no);
        return question(step, state.a);
    }

    static std::string question(const Step& step, const std::optional<Subject>& a) {
        const bool with_x = cbpf::info(step.opcode).operand == Operand::kBranchX;
        const FieldKind unnamed = step.k > 0xffff ? FieldKind::kHexadecimal : FieldKind::kNumber;
        const FieldKind kind = a ? a->field.kind : unnamed;
        const std::string subject = a ? a->field.name : "A";
        const std::string value = with_x ? "X" : value_text(kind, step.k);
        switch (step.opcode) {
        case Opcode::kJeqK:
        case Opcode::kJeqX:
            return subject + " = " + value + '?';
        case Opcode::kJgtK:
        case Opcode::kJgtX:
            return subject + " > " + value + '?';
        case Opcode::kJgeK:
        case Opcode::kJgeX:
            return subject + " >= " + value + '?';
        default:
            break;
        }
        if (kind == FieldKind::kFragment && !with_x && step.k == kFragmentOffset) {
            return "a fragment, but not the first?";
        }
        return kind == FieldKind::kTcpFlags && !with_x
                   ? subject + ": " + value + " set?"
                   : subject + ": any bit of " + (with_x ? value : hex_text(step.k)) + " set?";
    }

    /// What an answer to "is it this value?" says about the packet. What would leave nothing is not believed.
    void narrow(const Subject& a, std::uint32_t value, KnownPacket& yes, KnownPacket& no) const {
        const bool whole = a.mask == kAllBits || (a.field.kind == FieldKind::kIpVersion && a.mask == kVersionBits);
        if (!whole) {
            return;
        }
        if (a.field.kind == FieldKind::kProtocol) {
            no.protocols.reset(value & 0xffU);
            yes.protocols.reset();
            yes.protocols.set(value & 0xffU);
            return;
        }
        const auto family = family_of(a.field.kind, value);
        if (!family || !a.fixed) {
            return;
        }
        const Shapes meant = shapes_meant(a, value, *family);
        if ((yes.shapes & meant).any()) {
            yes.shapes &= meant;
        }
        const bool sole = *family != Family::kOther; // other values say the rest
        if (sole && (no.shapes & ~meant).any()) {
            no.shapes &= ~meant;
        }
    }

    /// The shapes that have this value in the field.
    [[nodiscard]] Shapes shapes_meant(const Subject& a, std::uint32_t value, Family family) const {
        Shapes meant;
        for (std::uint32_t tags = 0; tags <= kMostTags; ++tags) {
            for (const Family each : {Family::kIpv4, Family::kIpv6, Family::kArp, Family::kOther}) {
                const bool is_type = a.offset == layout_.type_at(tags) || a.field.kind != FieldKind::kEtherType;
                const bool is_tag = layout_.has_tags() && a.offset < layout_.type_at(tags) && is_tag_type(value);
                if ((is_type && each == family && !is_tag_type(value)) || is_tag) {
                    meant |= shapes_with(tags, each);
                }
            }
        }
        return meant;
    }

    static bool is_only(const KnownPacket& packet, Family family) {
        Shapes of_family;
        for (std::uint32_t tags = 0; tags <= kMostTags; ++tags) {
            of_family |= shapes_with(tags, family);
        }
        return (packet.shapes & ~of_family).none();
    }

    /// Offset of the network header, if all shapes agree on it; else where no header is.
    [[nodiscard]] std::uint32_t network_of(const KnownPacket& packet) const {
        std::optional<std::uint32_t> agreed;
        for (std::uint32_t bit = 0; bit < packet.shapes.size(); ++bit) {
            if (packet.shapes.test(bit)) {
                const std::uint32_t found = layout_.network(bit / kFamilies);
                if (agreed && agreed != found) {
                    return kAllBits;
                }
                agreed = found;
            }
        }
        return agreed.value_or(kAllBits);
    }

    void arrive(std::uint32_t skipped, const State& state) {
        std::optional<State>& target = before_[at_ + 1 + skipped];
        if (target) {
            join(*target, state);
        } else {
            target = state;
        }
    }

    std::span<const Step> steps_;
    Layout layout_;
    std::vector<std::optional<State>> before_;
    std::vector<Note> notes_;
    std::size_t at_ = 0;
};

} // namespace

std::vector<Note> annotate(const cbpf::Program& program, std::optional<cbpf::LinkForm> form) {
    return Annotator(program, form).run();
}

} // namespace pfild::bpfctl
