// SPDX-License-Identifier: BSD-2-Clause
// See layout.h. Headers as tables: IEEE 802.3 and 802.1Q, RFC 791, 8200, 826, 9293, 768, 9260, 792, and libpcap's
// cooked and loopback headers.
#include "bpfctl/filter/layout.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

namespace pfild::bpfctl {
namespace {

using cbpf::LinkForm;

/// Bytes `first` to `first + size - 1` of a header.
struct HeaderField {
    std::uint32_t first;
    std::uint32_t size;
    std::string_view name;
    FieldKind kind = FieldKind::kNumber;
};

constexpr auto kHex = FieldKind::kHexadecimal;

constexpr std::array kEthernetFields{HeaderField{0, 6, "destination MAC address", kHex},
                                     HeaderField{6, 6, "source MAC address", kHex}};
constexpr std::array kCookedFields{HeaderField{0, 2, "packet type"}, HeaderField{2, 2, "device type"},
                                   HeaderField{4, 2, "address length"}, HeaderField{6, 8, "source link address", kHex},
                                   HeaderField{14, 2, "EtherType", FieldKind::kEtherType}};
constexpr std::array kCooked2Fields{HeaderField{0, 2, "EtherType", FieldKind::kEtherType},
                                    HeaderField{4, 4, "interface index"},
                                    HeaderField{8, 2, "device type"},
                                    HeaderField{10, 1, "packet type"},
                                    HeaderField{11, 1, "address length"},
                                    HeaderField{12, 8, "source link address", kHex}};
constexpr std::array kLoopbackFields{HeaderField{0, 4, "address family", FieldKind::kLoopbackFamily}};

constexpr std::array kIpv4Fields{HeaderField{0, 1, "IPv4 version and header length", kHex},
                                 HeaderField{1, 1, "IPv4 type of service", kHex},
                                 HeaderField{2, 2, "IPv4 total length"},
                                 HeaderField{4, 2, "IPv4 identification"},
                                 HeaderField{6, 2, "IPv4 flags and fragment offset", FieldKind::kFragment},
                                 HeaderField{8, 1, "IPv4 time to live"},
                                 HeaderField{9, 1, "IPv4 protocol", FieldKind::kProtocol},
                                 HeaderField{10, 2, "IPv4 header checksum", kHex},
                                 HeaderField{12, 4, "IPv4 source address", FieldKind::kIpv4Address},
                                 HeaderField{16, 4, "IPv4 destination address", FieldKind::kIpv4Address}};
constexpr std::array kIpv6Fields{HeaderField{0, 4, "IPv6 version, class and flow label", kHex},
                                 HeaderField{4, 2, "IPv6 payload length"},
                                 HeaderField{6, 1, "IPv6 next header", FieldKind::kProtocol},
                                 HeaderField{7, 1, "IPv6 hop limit"},
                                 HeaderField{8, 16, "IPv6 source address", kHex},
                                 HeaderField{24, 16, "IPv6 destination address", kHex}};
constexpr std::array kArpFields{HeaderField{0, 2, "ARP hardware type"},
                                HeaderField{2, 2, "ARP protocol type", FieldKind::kEtherType},
                                HeaderField{6, 2, "ARP operation"},
                                HeaderField{8, 6, "ARP sender MAC address", kHex},
                                HeaderField{14, 4, "ARP sender address", FieldKind::kIpv4Address},
                                HeaderField{18, 6, "ARP target MAC address", kHex},
                                HeaderField{24, 4, "ARP target address", FieldKind::kIpv4Address}};
constexpr std::uint32_t kIpv6Length = 40;

constexpr std::array kPortFields{HeaderField{0, 2, "source port"}, HeaderField{2, 2, "destination port"}};
constexpr std::array kTcpFields{HeaderField{0, 2, "TCP source port"},
                                HeaderField{2, 2, "TCP destination port"},
                                HeaderField{4, 4, "TCP sequence number"},
                                HeaderField{8, 4, "TCP acknowledgment"},
                                HeaderField{12, 1, "TCP header length", kHex},
                                HeaderField{13, 1, "TCP flags", FieldKind::kTcpFlags},
                                HeaderField{14, 2, "TCP window"},
                                HeaderField{16, 2, "TCP checksum", kHex}};
constexpr std::array kUdpFields{HeaderField{0, 2, "UDP source port"}, HeaderField{2, 2, "UDP destination port"},
                                HeaderField{4, 2, "UDP length"}, HeaderField{6, 2, "UDP checksum", kHex}};
constexpr std::array kSctpFields{HeaderField{0, 2, "SCTP source port"}, HeaderField{2, 2, "SCTP destination port"},
                                 HeaderField{4, 4, "SCTP verification tag", kHex}};
constexpr std::array kIcmpFields{HeaderField{0, 1, "ICMP type"}, HeaderField{1, 1, "ICMP code"}};
constexpr std::array kIcmp6Fields{HeaderField{0, 1, "ICMPv6 type"}, HeaderField{1, 1, "ICMPv6 code"}};

constexpr std::array kFragmentFields{
    HeaderField{0, 1, "next header behind the IPv6 fragment header", FieldKind::kInnerProtocol},
    HeaderField{2, 2, "IPv6 fragment offset", kHex}, HeaderField{4, 4, "IPv6 fragment identification", kHex}};

struct ValueName {
    std::uint32_t value;
    std::string_view name;
};
constexpr std::array kEtherTypeNames{
    ValueName{0x0800, "IPv4"},           ValueName{0x86dd, "IPv6"},       ValueName{0x0806, "ARP"},
    ValueName{0x8035, "RARP"},           ValueName{0x8100, "802.1Q tag"}, ValueName{0x88a8, "802.1ad tag"},
    ValueName{0x9100, "old Q-in-Q tag"}, ValueName{0x8847, "MPLS"},       ValueName{0x8863, "PPPoE discovery"},
    ValueName{0x8864, "PPPoE"}};
constexpr std::array kProtocolNames{ValueName{1, "ICMP"},    ValueName{2, "IGMP"},  ValueName{6, "TCP"},
                                    ValueName{17, "UDP"},    ValueName{41, "IPv6"}, ValueName{44, "fragment"},
                                    ValueName{47, "GRE"},    ValueName{50, "ESP"},  ValueName{51, "AH"},
                                    ValueName{58, "ICMPv6"}, ValueName{89, "OSPF"}, ValueName{132, "SCTP"}};

std::optional<NamedField> find_in(std::span<const HeaderField> fields, std::uint32_t offset, std::uint32_t size) {
    for (const HeaderField& field : fields) {
        if (offset < field.first || offset + size > field.first + field.size) {
            continue;
        }
        if (size == field.size) {
            return NamedField{std::string(field.name), field.kind};
        }
        const std::uint32_t first = offset - field.first;
        std::string part = ", byte " + std::to_string(first);
        if (size > 1) {
            part = ", bytes " + std::to_string(first) + '-' + std::to_string(first + size - 1);
        }
        return NamedField{std::string(field.name) + part, kHex};
    }
    return std::nullopt;
}

/// The table of the header that these protocols have in common.
std::span<const HeaderField> transport_fields(const IpProtocols& protocols) {
    constexpr std::array<std::uint8_t, 5> kWithPorts{6, 17, 33, 132, 136};
    IpProtocols with_ports;
    for (const std::uint8_t protocol : kWithPorts) {
        with_ports.set(protocol);
    }
    if (protocols.count() == 1) {
        const std::pair<std::uint32_t, std::span<const HeaderField>> tables[] = {
            {6, kTcpFields},  {17, kUdpFields},   {132, kSctpFields},
            {1, kIcmpFields}, {58, kIcmp6Fields}, {44, kFragmentFields}};
        for (const auto& [protocol, fields] : tables) {
            if (protocols.test(protocol)) {
                return fields;
            }
        }
    }
    return (protocols & ~with_ports).none() ? std::span<const HeaderField>(kPortFields)
                                            : std::span<const HeaderField>();
}

std::optional<NamedField> network_field(Family family, const IpProtocols& protocols, std::uint32_t offset,
                                        std::uint32_t size) {
    switch (family) {
    case Family::kIpv4:
        return find_in(kIpv4Fields, offset, size);
    case Family::kIpv6:
        return offset >= kIpv6Length ? find_in(transport_fields(protocols), offset - kIpv6Length, size)
                                     : find_in(kIpv6Fields, offset, size);
    case Family::kArp:
        return find_in(kArpFields, offset, size);
    case Family::kOther:
        break;
    }
    return std::nullopt;
}

std::string hexadecimal(std::uint32_t value) {
    std::array<char, 16> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "0x%x", value);
    return buffer.data();
}

/// "SYN or ACK"; a number if it is none of the flags.
std::string tcp_flags_text(std::uint32_t flags) {
    constexpr std::array<std::string_view, 8> kFlags{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    std::string text;
    for (std::size_t bit = 0; bit < kFlags.size(); ++bit) {
        if ((flags >> bit & 1U) != 0) {
            text += (text.empty() ? "" : " or ") + std::string(kFlags.at(bit));
        }
    }
    return text.empty() || flags > 0xff ? std::to_string(flags) : text;
}

std::optional<std::string> named(std::span<const ValueName> names, std::uint32_t value) {
    const auto found =
        std::find_if(names.begin(), names.end(), [value](const ValueName& n) { return n.value == value; });
    return found == names.end() ? std::nullopt : std::optional(std::string(found->name));
}

} // namespace

Shapes shapes_with(std::uint32_t tags, Family family) {
    Shapes shapes;
    shapes.set(tags * kFamilies + static_cast<std::uint32_t>(family));
    return shapes;
}

KnownPacket Layout::anything() const {
    KnownPacket packet;
    for (std::uint32_t tags = 0; tags <= (has_tags() ? kMostTags : 0); ++tags) {
        for (const Family family : {Family::kIpv4, Family::kIpv6, Family::kArp, Family::kOther}) {
            packet.shapes |= shapes_with(tags, family);
        }
    }
    if (form_ == LinkForm::kRaw || form_ == LinkForm::kLoopback) {
        packet.shapes &= ~shapes_with(0, Family::kArp);
    }
    packet.protocols.set();
    return packet;
}

std::uint32_t Layout::network(std::uint32_t tags) const {
    if (!form_) {
        return ~std::uint32_t{0};
    }
    switch (*form_) {
    case LinkForm::kEthernet:
        return 14 + 4 * tags;
    case LinkForm::kRaw:
        return 0;
    case LinkForm::kCooked:
        return 16;
    case LinkForm::kCooked2:
        return 20;
    case LinkForm::kLoopback:
        return 4;
    }
    return 0;
}

std::uint32_t Layout::type_at(std::uint32_t tags) const {
    switch (form_.value_or(LinkForm::kRaw)) {
    case LinkForm::kEthernet:
        return 12 + 4 * tags;
    case LinkForm::kCooked:
        return 14;
    default:
        return 0;
    }
}

std::optional<NamedField> Layout::link_field(std::uint32_t tags, std::uint32_t offset, std::uint32_t size) const {
    if (!form_) {
        return std::nullopt;
    }
    switch (*form_) {
    case LinkForm::kEthernet:
        for (std::uint32_t tag = 0; tag <= tags; ++tag) {
            if (offset == type_at(tag) && size == 2) {
                return NamedField{"EtherType", FieldKind::kEtherType};
            }
            if (tag < tags && offset == type_at(tag) + 2 && size == 2) {
                return NamedField{"VLAN and priority", FieldKind::kNumber};
            }
        }
        return find_in(kEthernetFields, offset, size);
    case LinkForm::kRaw:
        return offset == 0 && size == 1 ? std::optional(NamedField{"IP version", FieldKind::kIpVersion}) : std::nullopt;
    case LinkForm::kCooked:
        return find_in(kCookedFields, offset, size);
    case LinkForm::kCooked2:
        return find_in(kCooked2Fields, offset, size);
    case LinkForm::kLoopback:
        return find_in(kLoopbackFields, offset, size);
    }
    return std::nullopt;
}

std::optional<NamedField> Layout::field_at(const KnownPacket& packet, std::uint32_t offset, std::uint32_t size) const {
    std::optional<NamedField> agreed;
    for (std::uint32_t bit = 0; bit < packet.shapes.size(); ++bit) {
        if (!packet.shapes.test(bit)) {
            continue;
        }
        const std::uint32_t tags = bit / kFamilies;
        std::optional<NamedField> found = link_field(tags, offset, size);
        if (!found && offset >= network(tags)) {
            found = network_field(static_cast<Family>(bit % kFamilies), packet.protocols, offset - network(tags), size);
        }
        if (!found || (agreed && agreed != found)) {
            return std::nullopt;
        }
        agreed = std::move(found);
    }
    return agreed;
}

std::optional<NamedField> Layout::behind_header(const KnownPacket& packet, std::uint32_t offset, std::uint32_t size) {
    return find_in(transport_fields(packet.protocols), offset, size);
}

std::string value_text(FieldKind kind, std::uint32_t value) {
    switch (kind) {
    case FieldKind::kEtherType:
        return named(kEtherTypeNames, value).value_or(hexadecimal(value));
    case FieldKind::kIpVersion:
        return (value & 0xfU) == 0 ? "IPv" + std::to_string(value >> 4U) : hexadecimal(value);
    case FieldKind::kLoopbackFamily: {
        const auto family = family_of(kind, value);
        return !family ? hexadecimal(value) : *family == Family::kIpv4 ? "IPv4" : "IPv6";
    }
    case FieldKind::kProtocol:
    case FieldKind::kInnerProtocol:
        return named(kProtocolNames, value).value_or(std::to_string(value));
    case FieldKind::kIpv4Address:
        return std::to_string(value >> 24U) + '.' + std::to_string(value >> 16U & 0xffU) + '.' +
               std::to_string(value >> 8U & 0xffU) + '.' + std::to_string(value & 0xffU);
    case FieldKind::kTcpFlags:
        return tcp_flags_text(value);
    case FieldKind::kFragment:
    case FieldKind::kHexadecimal:
        return hexadecimal(value);
    case FieldKind::kNumber:
        break;
    }
    return std::to_string(value);
}

std::optional<Family> family_of(FieldKind kind, std::uint32_t value) {
    switch (kind) {
    case FieldKind::kEtherType:
        return value == 0x800    ? Family::kIpv4
               : value == 0x86dd ? Family::kIpv6
               : value == 0x806  ? Family::kArp
                                 : Family::kOther;
    case FieldKind::kIpVersion:
        return value == 0x40 ? Family::kIpv4 : value == 0x60 ? Family::kIpv6 : Family::kOther;
    case FieldKind::kLoopbackFamily: { // in the byte order of whoever captured
        const std::uint32_t number = value > 0xffffU ? value >> 24U : value;
        constexpr std::array<std::uint32_t, 4> kIpv6Families{10, 24, 28, 30}; // Linux, the BSDs, macOS
        const bool inet6 = std::find(kIpv6Families.begin(), kIpv6Families.end(), number) != kIpv6Families.end();
        return number == 2 ? std::optional(Family::kIpv4) : inet6 ? std::optional(Family::kIpv6) : std::nullopt;
    }
    default:
        return std::nullopt;
    }
}

bool is_tag_type(std::uint32_t ether_type) {
    return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

} // namespace pfild::bpfctl
