// SPDX-License-Identifier: BSD-2-Clause
// See packet.h. Foreign bytes: nothing is read that is not there.
#include "bpfctl/text/packet.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <span>
#include <string_view>
#include <utility>

#include <arpa/inet.h>

namespace pfild::bpfctl {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kMacBytes = 6;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kServiceVlan = 0x88a8;

constexpr std::array<std::string_view, 3> kDirections{"", "in ", "out"};
static_assert(kDirections.size() == PFILD_RECORD_OUT + 1);

/// What tcpdump calls them, and whether they begin with ports.
struct Protocol {
    std::uint8_t number;
    std::string_view name;
    bool has_ports;
};
constexpr std::array<Protocol, 5> kTransports{
    {{1, "icmp", false}, {6, "tcp", true}, {17, "udp", true}, {58, "icmp6", false}, {132, "sctp", true}}};

std::uint16_t word_at(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

std::string hex(Bytes bytes, const char* between = "") {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text.append(text.empty() ? "" : between).append({kDigits[byte >> 4U], kDigits[byte & 15U]});
    }
    return text;
}

/// Of 4 or 16 bytes.
std::string address(Bytes bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
    return text.data();
}

/// "tcp A:1 > B:2". `transport` is what follows the header; empty for all but the first fragment.
std::string ends_text(std::uint8_t number, std::array<Bytes, 2> ends, Bytes transport) {
    const auto* const known = std::find_if(kTransports.begin(), kTransports.end(),
                                           [number](const Protocol& p) { return p.number == number; });
    const bool is_known = known != kTransports.end();
    const bool with_ports = is_known && known->has_ports && transport.size() >= 4;
    std::string text = is_known ? std::string(known->name) : "ip-proto-" + std::to_string(number);
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const std::string plain = address(ends.at(i));
        text += i == 0 ? " " : " > ";
        text += with_ports && ends.at(i).size() == 16 ? '[' + plain + ']' : plain;
        text += with_ports ? ':' + std::to_string(word_at(transport, 2 * i)) : "";
    }
    return text;
}

/// Empty if the header is not complete.
std::string ipv4_text(Bytes packet) {
    if (packet.size() < 20 || packet[0] >> 4U != 4) {
        return {};
    }
    const std::size_t header = std::size_t{4} * (packet[0] & 15U);
    const bool is_later_fragment = (word_at(packet, 6) & 0x1fffU) != 0;
    const Bytes transport = is_later_fragment || header > packet.size() ? Bytes() : packet.subspan(header);
    return ends_text(packet[9], {packet.subspan(12, 4), packet.subspan(16, 4)}, transport);
}

/// Empty if the header is not complete. Extension headers are shown by number.
std::string ipv6_text(Bytes packet) {
    if (packet.size() < 40 || packet[0] >> 4U != 6) {
        return {};
    }
    return ends_text(packet[6], {packet.subspan(8, 16), packet.subspan(24, 16)}, packet.subspan(40));
}

std::string frame_text(Bytes frame) {
    constexpr std::size_t kTag = 4;
    std::size_t at = 2 * kMacBytes;
    std::string tags;
    while (at + 2 + kTag <= frame.size() && (word_at(frame, at) == kVlan || word_at(frame, at) == kServiceVlan)) {
        tags += "vlan " + std::to_string(word_at(frame, at + 2) & 0xfffU) + ' ';
        at += kTag;
    }
    if (at + 2 > frame.size()) {
        return "incomplete";
    }
    const std::uint16_t type = word_at(frame, at);
    const Bytes packet = frame.subspan(at + 2);
    std::string inside = type == kIpv4 ? ipv4_text(packet) : type == kIpv6 ? ipv6_text(packet) : "";
    if (inside.empty()) {
        const std::array<std::uint8_t, 2> type_bytes{frame[at], frame[at + 1]};
        inside = (type == kArp ? "arp" : "0x" + hex(type_bytes)) + ' ' + hex(frame.subspan(kMacBytes, kMacBytes), ":") +
                 " > " + hex(frame.first(kMacBytes), ":");
    }
    return tags + inside;
}

std::string ip_text(Bytes packet) {
    std::string text = packet.empty() || packet[0] >> 4U != 6 ? ipv4_text(packet) : ipv6_text(packet);
    return text.empty() ? "incomplete" : text;
}

std::string time_text(const client::Record& packet) {
    const std::time_t seconds = packet.seconds;
    std::tm local{};
    if (localtime_r(&seconds, &local) == nullptr) {
        return std::to_string(packet.seconds);
    }
    std::array<char, 32> text{};
    const std::size_t used = std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
    std::string fraction = std::to_string(packet.nanoseconds);
    fraction.insert(0, fraction.size() < 9 ? 9 - fraction.size() : 0, '0');
    return std::string(text.data(), used) + '.' + fraction;
}

} // namespace

std::string packet_line(const client::Record& packet, filter::LinkType link_type, const std::string& interface,
                        bool with_link) {
    std::string line = time_text(packet) + ' ';
    line += interface.empty() ? "" : interface + ' ';
    const std::string_view direction = kDirections.at(packet.direction);
    line.append(direction).append(direction.empty() ? "" : " ");
    if (with_link && link_type == filter::kEthernet && packet.bytes.size() >= 2 * kMacBytes) {
        line += hex(packet.bytes.subspan(kMacBytes, kMacBytes), ":") + " > " + hex(packet.bytes.first(kMacBytes), ":") +
                ", ";
    }
    line += link_type == filter::kRaw ? ip_text(packet.bytes) : frame_text(packet.bytes);
    return line + ", length " + std::to_string(packet.length) + '\n';
}

Json packet_json(const client::Record& packet, const std::string& interface) {
    constexpr std::array<const char*, 3> kNames{nullptr, "in", "out"};
    const char* const direction = kNames.at(packet.direction);
    return {{"seconds", packet.seconds},
            {"nanoseconds", packet.nanoseconds},
            {"interface", interface.empty() ? Json() : Json(interface)},
            {"ifindex", packet.ifindex == 0 ? Json() : Json(packet.ifindex)},
            {"direction", direction == nullptr ? Json() : Json(direction)},
            {"caplen", packet.bytes.size()},
            {"length", packet.length},
            {"data", hex(packet.bytes)}};
}

} // namespace pfild::bpfctl
