// SPDX-License-Identifier: BSD-2-Clause
// A class is told apart if its packets are answered otherwise than each of the sorts that stand for other packets:
// those have the same bytes but for a type that nobody uses.
#include "cbpf/upkeep.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <vector>

#include "cbpf/analysis/telling.h"
#include "pfild/upkeep.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kFrameType = 12; ///< of an Ethernet frame
constexpr std::uint16_t kReverseArp = 0x8035;
constexpr std::array<std::uint16_t, 2> kOtherTypes{0x88b5, 0x0101}; ///< for experiments: a type, and as a length
constexpr std::array<std::uint8_t, 2> kOtherIcmpTypes{90, 190};     ///< nobody's: of errors, and of the rest
constexpr std::array<std::uint16_t, 2> kTagTypes{PFILD_ETH_VLAN, PFILD_ETH_SERVICE_VLAN};
constexpr std::array<std::uint8_t, 5> kDiscoveryTypes{133, 134, 135, 136, 137};
constexpr std::array<std::uint8_t, 4> kListenerTypes{130, 131, 132, 143};

/// What is known of packets, as it is written down.
class Sort {
  public:
    [[nodiscard]] Sort with(std::uint32_t offset, std::initializer_list<std::uint8_t> bytes) const {
        Sort more = *this;
        for (const std::uint8_t byte : bytes) {
            more.known_.push_back({offset++, byte});
        }
        return more;
    }
    [[nodiscard]] Sort with_type(std::uint32_t offset, std::uint16_t type) const {
        return with(offset, {static_cast<std::uint8_t>(type >> 8U), static_cast<std::uint8_t>(type)});
    }
    [[nodiscard]] const KnownBytes& known() const { return known_; }

  private:
    KnownBytes known_;
};

class UpkeepFinder {
  public:
    explicit UpkeepFinder(const Program& program) : telling_(program) {}

    [[nodiscard]] std::uint64_t found() const { return found_; }

    /// Frames, whose type is behind so many tags.
    void look_at_frames(const Sort& link, std::uint32_t type_offset, unsigned tags) {
        if (tags != 0 && is_answered_alike(link)) {
            return;
        }
        const Sort arp = link.with_type(type_offset, PFILD_ETH_ARP);
        if (is_told(arp, other_types(link, type_offset)) &&
            !is_asked_as(arp, link.with_type(type_offset, kReverseArp))) {
            add(PFILD_UPKEEP_ARP, tags);
        }
        look_at_inet6(link.with_type(type_offset, PFILD_ETH_INET6), type_offset + 2, {tags});
        if (tags == PFILD_MAX_TAGS) {
            return;
        }
        for (const std::uint16_t tag : kTagTypes) {
            look_at_frames(link.with_type(type_offset, tag), type_offset + PFILD_TAG_LENGTH, tags + 1);
        }
    }

    /// IPv6 packets from that offset on. tags: as many as there may be in front of what the program is shown.
    void look_at_inet6(const Sort& link, std::uint32_t at, std::initializer_list<unsigned> tags) {
        const Sort inet6 = link.with(at, {0x60});
        if (is_answered_alike(inet6)) {
            return;
        }
        const Sort near = inet6.with(at + 6, {PFILD_ICMPV6, 255});
        look_at_types(near, at + PFILD_INET6_HEADER, kDiscoveryTypes, PFILD_UPKEEP_DISCOVERY, tags);
        const Sort folded = inet6.with(at + 6, {PFILD_ICMPV6, 1});
        look_at_types(folded, at + PFILD_INET6_HEADER, kListenerTypes, PFILD_UPKEEP_LISTENERS, tags);
        const Sort behind = inet6.with(at + 6, {PFILD_HOP_BY_HOP, 1})
                                .with(at + PFILD_INET6_HEADER, {PFILD_ICMPV6, 0, 5, 2, 0, 0, 1, 0});
        look_at_types(behind, at + PFILD_INET6_HEADER + 8, kListenerTypes, PFILD_UPKEEP_LISTENERS, tags);
    }

    void look_at_control() {
        struct Control {
            pfild_upkeep kind;
            Sort sort;
        };
        const Sort any;
        const std::array<Control, 6> all{{
            {PFILD_UPKEEP_EAPOL, any.with_type(kFrameType, 0x888e)},
            {PFILD_UPKEEP_SLOW, any.with_type(kFrameType, 0x8809)},
            {PFILD_UPKEEP_LLDP, any.with_type(kFrameType, 0x88cc)},
            {PFILD_UPKEEP_PTP, any.with_type(kFrameType, 0x88f7)},
            {PFILD_UPKEEP_MACSEC, any.with_type(kFrameType, 0x88e5)},
            {PFILD_UPKEEP_STP, any.with(kFrameType, {0, 38, 0x42, 0x42, 0x03})},
        }};
        for (const Control& control : all) {
            const Sort there = control.sort.with(0, {0x01, 0x80, 0xc2, 0, 0});
            const Sort elsewhere = control.sort.with(0, {0x33, 0x33, 0, 0, 0});
            const Sort another = any.with(0, {0x01, 0x80, 0xc2, 0, 0});
            if (is_told(there, other_types(another, kFrameType)) || is_told(there, {elsewhere})) {
                add(control.kind, 0);
            }
        }
    }

  private:
    static std::vector<Sort> other_types(const Sort& link, std::uint32_t type_offset) {
        std::vector<Sort> others;
        others.reserve(kOtherTypes.size());
        for (const std::uint16_t type : kOtherTypes) {
            others.push_back(link.with_type(type_offset, type));
        }
        return others;
    }

    template <std::size_t kTypes>
    void look_at_types(const Sort& packets, std::uint32_t at, const std::array<std::uint8_t, kTypes>& types,
                       pfild_upkeep first, std::initializer_list<unsigned> tags) {
        if (is_answered_alike(packets)) {
            return;
        }
        std::vector<Sort> others;
        others.reserve(kOtherIcmpTypes.size());
        for (const std::uint8_t other : kOtherIcmpTypes) {
            others.push_back(packets.with(at, {other}));
        }
        for (std::size_t type = 0; type < kTypes; ++type) {
            if (!is_told(packets.with(at, {types[type]}), others)) {
                continue;
            }
            for (const unsigned in_tags : tags) {
                add(static_cast<unsigned>(first) + static_cast<unsigned>(type), in_tags);
            }
        }
    }

    /// Whatever else is in them.
    bool is_answered_alike(const Sort& sort) {
        const auto matches = telling_.matches(sort.known());
        return matches && !telling_.asks_for_more(*matches);
    }

    bool is_told(const Sort& sort, const std::vector<Sort>& others) {
        const auto matches = telling_.matches(sort.known());
        return matches && std::all_of(others.begin(), others.end(), [&](const Sort& other) {
                   const auto others_matches = telling_.matches(other.known());
                   return others_matches && *others_matches != *matches;
               });
    }

    /// It asks for more than the type, and asks the same of both.
    bool is_asked_as(const Sort& one, const Sort& other) {
        const auto matches = telling_.matches(one.known());
        return matches && telling_.asks_for_more(*matches) && telling_.matches(other.known()) == matches;
    }

    void add(unsigned kind, unsigned tags) { found_ |= PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kind, tags)); }

    Telling telling_;
    std::uint64_t found_ = 0;
};

/// What the first byte of a packet of that form can be; nothing: anything.
std::vector<Sort> beginnings(PacketForm form) {
    std::vector<Sort> sorts;
    if (form == PacketForm::kEthernet) {
        return {Sort()};
    }
    for (unsigned low = 0; low < 16; ++low) {
        sorts.push_back(Sort().with(0, {static_cast<std::uint8_t>((form == PacketForm::kInet ? 0x40U : 0x60U) + low)}));
    }
    return sorts;
}

} // namespace

std::uint64_t upkeep_told_apart(const Program& program, PacketForm form) {
    UpkeepFinder finder(program);
    if (form == PacketForm::kEthernet) {
        finder.look_at_frames({}, kFrameType, 0);
        finder.look_at_control();
    } else if (form == PacketForm::kInet6) {
        finder.look_at_inet6({}, 0, {0, 1, 2});
    }
    return finder.found();
}

std::uint64_t upkeep_shown(PacketForm form) {
    if (form != PacketForm::kInet6) {
        return form == PacketForm::kEthernet ? ~std::uint64_t{0} : 0;
    }
    std::uint64_t shown = 0;
    for (unsigned tags = 0; tags <= PFILD_MAX_TAGS; ++tags) {
        for (unsigned kind = PFILD_UPKEEP_DISCOVERY; kind <= PFILD_UPKEEP_LISTENERS_V2; ++kind) {
            shown |= PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kind, tags));
        }
    }
    return shown;
}

bool matches_nothing(const Program& program, PacketForm form) {
    Telling telling(program);
    const std::vector<Sort> sorts = beginnings(form);
    return std::all_of(sorts.begin(), sorts.end(), [&](const Sort& sort) {
        return telling.matches(sort.known()) == std::optional(telling.none());
    });
}

} // namespace pfild::cbpf
