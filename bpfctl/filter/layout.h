// SPDX-License-Identifier: BSD-2-Clause
// What the bytes of a packet are called, as far as its shape is known: for people who read programs.
//
// A shape is a number of VLAN tags and a network protocol. A program narrows the shapes by its questions; a byte has a
// name where all shapes that are left agree on it. Pure.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cbpf/analysis/link_types.h"

namespace pfild::bpfctl {

enum class Family : std::uint8_t { kIpv4, kIpv6, kArp, kOther };
inline constexpr std::size_t kFamilies = 4;
inline constexpr std::size_t kMostTags = 2;

/// Bit tags * kFamilies + family. At least one is set.
using Shapes = std::bitset<(kMostTags + 1) * kFamilies>;
using IpProtocols = std::bitset<256>;

[[nodiscard]] Shapes shapes_with(std::uint32_t tags, Family family);

/// How the values of a field are written.
enum class FieldKind : std::uint8_t {
    kNumber,
    kEtherType,
    kIpVersion, ///< upper half of a byte
    kLoopbackFamily,
    kProtocol,
    kInnerProtocol, ///< a protocol, but not what follows the IP header
    kFragment,
    kTcpFlags,
    kIpv4Address,
    kHexadecimal, ///< parts of longer addresses, flags, and what has no other way
};

/// A field of a header, or a part of one.
struct NamedField {
    std::string name;
    FieldKind kind = FieldKind::kNumber;

    bool operator==(const NamedField&) const = default;
};

/// What is known of the packets that come to an instruction.
struct KnownPacket {
    Shapes shapes;
    IpProtocols protocols;
};

class Layout {
  public:
    /// Nothing: of a link type of which nothing is known.
    explicit Layout(std::optional<cbpf::LinkForm> form) : form_(form) {}

    /// All that a packet of this link type can be.
    [[nodiscard]] KnownPacket anything() const;

    /// The field that these bytes are, or nothing if they are several or none.
    [[nodiscard]] std::optional<NamedField> field_at(const KnownPacket& packet, std::uint32_t offset,
                                                     std::uint32_t size) const;
    /// The same, `offset` being counted from the end of the IPv4 header.
    [[nodiscard]] static std::optional<NamedField> behind_header(const KnownPacket& packet, std::uint32_t offset,
                                                                 std::uint32_t size);

    /// Offset of the network header behind so many VLAN tags; of no packet if nothing is known.
    [[nodiscard]] std::uint32_t network(std::uint32_t tags) const;
    /// Offset of the field that says what comes behind so many tags.
    [[nodiscard]] std::uint32_t type_at(std::uint32_t tags) const;
    [[nodiscard]] bool has_tags() const { return form_ == cbpf::LinkForm::kEthernet; }

  private:
    [[nodiscard]] std::optional<NamedField> link_field(std::uint32_t tags, std::uint32_t offset,
                                                       std::uint32_t size) const;

    std::optional<cbpf::LinkForm> form_;
};

/// "IPv4", "TCP", "443", "192.0.2.1".
[[nodiscard]] std::string value_text(FieldKind kind, std::uint32_t value);

/// The family that such a value of such a field stands for; nothing if the kind says nothing about it.
[[nodiscard]] std::optional<Family> family_of(FieldKind kind, std::uint32_t value);
[[nodiscard]] bool is_tag_type(std::uint32_t ether_type);

} // namespace pfild::bpfctl
