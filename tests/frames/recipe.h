// SPDX-License-Identifier: BSD-2-Clause
// A packet as a recipe, and the frames that it becomes: tags, options, extension headers, fragments, and lies about
// any of them. The attack table and the grammar change recipes; nobody writes offsets. Pure.
//
//     | to | from | tags .. | link | IPv4 options, or extensions + fragment header + behind | ports .. mark, id |
//     padding |
//
// Addresses are those of scripts/lab: from the client's eth0 to that of the host behind the firewall.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pfild::frames {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

inline constexpr Mac kHostMac{0x02, 0, 0, 0, 0x01, 0x02};
inline constexpr Mac kClientMac{0x02, 0, 0, 0, 0x01, 0x01};

inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;

/// Next headers of IPv6 that are not yet the payload, and some that are.
enum Next : std::uint8_t {
    kHopByHop = 0,
    kRouting = 43,
    kFragment = 44,
    kEsp = 50,
    kAuthentication = 51,
    kIcmp6 = 58,
    kNoNext = 59,
    kOptions = 60,
    kMobility = 135,
    kHip = 139,
    kShim = 140,
    kExperiment = 253,
};

struct Tag {
    std::uint16_t type = 0x8100;
    std::uint16_t value = 0; ///< priority 3, DEI 1, VLAN id 12
};

/// One extension header. content: what follows the next header and the length.
struct Extension {
    std::uint8_t type = kOptions;
    std::uint8_t length = 0; ///< as on the wire
    Bytes content = {1, 4, 0, 0, 0, 0};
};

/// A fragment of what can be fragmented.
struct Piece {
    std::size_t from = 0;
    std::size_t size = 0xffff; ///< at most what there is
    bool more = false;
    std::optional<std::uint16_t> port = {};   ///< another destination port than the recipe's
    std::optional<std::uint16_t> offset = {}; ///< in units of 8 bytes, if not where it is from
    std::uint16_t id = 0;                     ///< added to the recipe's
    std::optional<std::uint8_t> next = {};    ///< another protocol in its header
};

enum class Link : std::uint8_t { ethernet, snap, llc, novell };

struct Recipe {
    bool inet6 = false;
    std::uint8_t protocol = kTcp;
    std::uint16_t source_port = 40000;
    std::uint16_t port = 23;
    std::uint32_t id = 0; ///< sequence number of TCP; behind the mark in the payload of all else

    Mac to = kHostMac;
    std::vector<Tag> tags;
    Link link = Link::ethernet;

    Bytes options;                     ///< of IPv4; the builder adds none, so 4 bytes each
    std::vector<Extension> extensions; ///< of IPv6, in front of a fragment header
    std::vector<Extension> behind;     ///< of IPv6, in what can be fragmented
    std::vector<Piece> pieces;         ///< none: it is whole, and has no fragment header

    std::size_t payload = 16;        ///< bytes behind the ports' header: at least the mark and the id
    std::uint16_t fragment_bits = 0; ///< IPv4: set beside what a piece says
    std::uint8_t hops = 64;
    std::optional<std::uint8_t> first_byte; ///< version and length
    std::optional<std::uint16_t> ip_length; ///< what the header says
    std::int32_t longer = 0;                ///< added to what the header would say
    std::optional<std::uint8_t> tcp_offset; ///< words
    std::uint8_t tcp_flags = 0x02;
    std::optional<std::uint16_t> udp_length;
    bool no_checksum = false;                ///< UDP
    std::size_t padding = 0;                 ///< behind the packet
    std::size_t cut = 0;                     ///< bytes that the frame lacks at its end
    bool jumbo = false;                      ///< IPv6: its length is in the first option, whatever that is
    std::optional<std::uint16_t> ether_type; ///< instead of that of the family
};

/// The mark in front of an id in a payload.
inline constexpr std::array<std::uint8_t, 4> kMark{'p', 'f', 'i', 'd'};

/// In the order in which they are to be sent: one, or one a piece.
[[nodiscard]] std::vector<Bytes> build(const Recipe& recipe);

/// A header of 8 bytes, and 8 more for each of `units`; its options are such that everybody skips.
[[nodiscard]] Extension options(std::uint8_t type, std::uint8_t units = 0);
/// A routing header without addresses left to visit.
[[nodiscard]] Extension routing(std::uint8_t type, std::uint8_t segments_left = 0, std::uint8_t addresses = 0);
/// A fragment header as an extension header: offset in units of 8 bytes.
[[nodiscard]] Extension fragment(std::uint16_t offset = 0, bool more = false, std::uint32_t id = 7);
[[nodiscard]] Extension authentication();

} // namespace pfild::frames
