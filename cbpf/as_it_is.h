// SPDX-License-Identifier: BSD-2-Clause
// Whether a program asks about headers that are otherwise looked through, as such: `ip6 proto 44`, `ip6[6] = 0`,
// `vlan`.
//
// A packet has two looks: as it is, and folded, without transparent tags and without its IPv6 extension headers. What
// is allowed by a match is allowed of the folded packet, since that is what the host's stack sees; but a program that
// wants the very thing that is folded away could then never match. Its match on the packet as it is counts if the way
// to it shows that it knows what it has before it:
//
//     next header   it was compared with a walked number, and is it, and nothing behind the IPv6 header was read after
//     tags          a type was compared with a tag's, and is it; and all tags were met like that, or nothing was read
//                   behind the last that was
//
// And if these questions are answered with no, the packet does not match: no other alternative has made the match.
// So `ip6 and not tcp`, which takes the number of an extension header for a protocol, does not count, and `tcp`, which
// libpcap makes look behind a fragment's header, does neither.
//
// Pure; any thread. A match is found out by interpreting the program once more.
#pragma once

#include <cstdint>
#include <vector>

#include "cbpf/flow_dependence.h"
#include "cbpf/packet.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

struct AsItIs {
    bool next_header = false;
    bool tags = false;

    [[nodiscard]] bool any() const { return next_header || tags; }
    friend bool operator==(const AsItIs&, const AsItIs&) = default;
};

/// What stands where in one packet of an AsItIsQuestions' form.
struct HeaderPlaces {
    std::uint32_t tags = 0;    ///< all there are, from byte 12 on; 0 where the packet begins with the IP header
    std::uint32_t network = 0; ///< offset of the IPv6 header
};

/// The questions of one program.
class AsItIsQuestions {
  public:
    AsItIsQuestions(const Program& program, PacketForm form);

    /// What some match of the program may be about. Conservative: it may be said of a program that has no such match.
    [[nodiscard]] AsItIs asked() const { return asked_; }
    /// What the program's match on that packet is about; nothing if it does not match. Allocates nothing. => it is the
    /// program that this was made of.
    [[nodiscard]] AsItIs of_match(const Program& program, const Packet& packet, const HeaderPlaces& places) const;

  private:
    /// A comparison of a byte with a walked number, or of two with a tag's type.
    struct Question {
        bool tag = false;
        std::uint32_t offset = 0; ///< in the packet
    };
    class Witness;
    class Denial;

    std::vector<std::optional<Question>> by_step_;
    AsItIs asked_;
};

} // namespace pfild::cbpf
