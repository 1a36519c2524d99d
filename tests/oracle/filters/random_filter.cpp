// SPDX-License-Identifier: BSD-2-Clause
// See random_filter.h.
#include "random_filter.h"

#include <algorithm>
#include <span>

namespace pfild::tests {
namespace {

using cbpf::Opcode;
using Bytes = std::vector<std::uint8_t>;

void store(Bytes& packet, std::size_t offset, std::size_t size, std::uint32_t value) {
    for (std::size_t i = 0; i < size && offset + i < packet.size(); ++i) {
        packet[offset + i] = static_cast<std::uint8_t>(value >> 8U * (size - 1 - i));
    }
}

std::size_t size_of(Opcode opcode) {
    switch (opcode) {
    case Opcode::kLd:
    case Opcode::kLdInd:
        return 4;
    case Opcode::kLdh:
    case Opcode::kLdhInd:
        return 2;
    case Opcode::kLdb:
    case Opcode::kLdbInd:
        return 1;
    default:
        return 0;
    }
}

} // namespace

std::string RandomFilter::host() {
    const char* const words[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7", "203.0.113.9", "0.0.0.0"};
    return one_of(words);
}

std::string RandomFilter::port() {
    const char* const words[] = {"22", "53", "80", "443", "0", "65535"};
    return one_of(words);
}

std::string RandomFilter::arithmetic(unsigned depth) {
    if (depth == 0 || below(3) == 0) {
        const char* const words[] = {"ip[0]",    "ip[8]",  "ip[2:2]",   "ip[12:4]", "tcp[13]",    "tcp[0:2]",
                                     "udp[4:2]", "ip6[6]", "ip6[40:2]", "icmp[0]",  "len",        "1",
                                     "4",        "0xff",   "40",        "len",      "ip[0] & 0xf"};
        return one_of(words);
    }
    const char* const operators[] = {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"};
    const std::string left = arithmetic(depth - 1);
    const std::string sign = one_of(operators);
    const char* const shifts[] = {"1", "2", "4", "8"}; // libpcap refuses a constant divisor of 0 and a shift of 32
    const std::string right = sign == "<<" || sign == ">>" || ((sign == "/" || sign == "%") && below(3) != 0)
                                  ? one_of(shifts)
                                  : arithmetic(depth - 1);
    return '(' + left + ") " + sign + " (" + right + ')';
}

std::string RandomFilter::comparison() {
    const char* const relations[] = {"=", "!=", ">", "<", ">=", "<="};
    const char* const values[] = {"0", "1", "5", "6", "20", "40", "64", "255", "0x800", "65535"};
    const char* const fields[] = {"ip[0] & 0xf",
                                  "ip[6:2] & 0x1fff",
                                  "tcp[13] & 7",
                                  "tcp[tcpflags] & tcp-syn",
                                  "ip[9]",
                                  "ip6[6]",
                                  "icmp[icmptype]",
                                  "udp[8:4]",
                                  "ip[0] >> 4",
                                  "tcp[12] >> 4",
                                  "ip[2:2] - (ip[0] & 0xf)",
                                  "len"};
    const std::string left = below(3) == 0 ? arithmetic(2) : one_of(fields);
    return left + ' ' + one_of(relations) + ' ' + (below(5) == 0 ? arithmetic(1) : one_of(values));
}

std::string RandomFilter::link_primitive() {
    const char* const words[] = {"vlan",
                                 "vlan 7",
                                 "vlan 7 and vlan 9",
                                 "mpls",
                                 "mpls 100",
                                 "pppoes",
                                 "pppoes 7",
                                 "pppoed",
                                 "arp",
                                 "rarp",
                                 "ether proto 0x88cc",
                                 "ether broadcast",
                                 "stp",
                                 "ether multicast",
                                 "ether[0] & 1 = 0",
                                 "llc",
                                 "ether[12:2] = 0x800",
                                 "ether host 00:00:5e:00:53:01",
                                 "ether src 00:00:5e:00:53:02",
                                 "arp host 192.0.2.1",
                                 "vlan and ip"};
    return one_of(words);
}

std::string RandomFilter::primitive() {
    const char* const sides[] = {"", "src ", "dst "};
    const char* const kinds[] = {"", "tcp ", "udp ", "sctp "};
    const char* const words[] = {"ip",       "ip6",         "tcp",          "udp",          "icmp",
                                 "icmp6",    "sctp",        "igmp",         "ip multicast", "greater 60",
                                 "less 100", "ip proto 47", "ip6 proto 58", "proto 6",      "ip6 multicast"};
    const char* const nets[] = {"192.0.2.0/24", "192.0.2.0/28", "198.51.100.0/24", "0.0.0.0/0", "192.0.0.0/8"};
    const char* const hosts6[] = {"2001:db8::1", "2001:db8::2", "fe80::1"};
    const char* const ranges[] = {"1-1023", "53-53", "6000-6063", "0-65535", "22-80"};
    switch (below(ethernet_ ? 12 : 10)) {
    case 0:
    case 1:
        return one_of(sides) + "host " + host();
    case 2:
        return one_of(sides) + "net " + one_of(nets);
    case 3:
    case 4:
        return one_of(kinds) + one_of(sides) + "port " + port();
    case 5:
        return one_of(kinds) + one_of(sides) + "portrange " + one_of(ranges);
    case 6:
        return below(2) == 0 ? one_of(sides) + "host " + one_of(hosts6) : one_of(sides) + "net 2001:db8::/32";
    case 7:
        return comparison();
    case 8:
    case 9:
        return one_of(words);
    default:
        return link_primitive();
    }
}

std::string RandomFilter::joined(unsigned depth) {
    if (depth == 0 || below(6) == 0) {
        const std::string one = primitive();
        return below(5) == 0 ? "not (" + one + ')' : one;
    }
    const std::string left = joined(depth - 1);
    const std::string right = joined(depth - 1);
    const std::string both = '(' + left + (below(2) == 0 ? " and " : " or ") + right + ')';
    return below(6) == 0 ? "not " + both : both;
}

std::string RandomFilter::expression() { return joined(1 + below(3)); }

std::string RandomFilter::exceptions() {
    const auto hosts = [this] {
        std::string all = "host " + host();
        for (std::uint32_t more = below(3); more > 0; --more) {
            all += " or host " + host();
        }
        return '(' + all + ')';
    };
    const char* const kinds[] = {"icmp", "tcp", "udp", "port 53", "tcp port 22"};
    std::string all = "not (" + hosts() + " and " + one_of(kinds) + ')';
    for (std::uint32_t more = 1 + below(2); more > 0; --more) {
        all += below(3) == 0 ? " and not (" + hosts() + " and " + one_of(kinds) + ')' : " and not " + hosts();
    }
    return all;
}

std::vector<std::uint8_t> RandomFilter::packet(const cbpf::Program& program) {
    Bytes packet(below(4) == 0 ? below(100) : 60 + below(60));
    for (std::uint8_t& byte : packet) {
        byte = below(3) == 0 ? static_cast<std::uint8_t>(random_()) : 0;
    }
    std::size_t at = 0;
    const bool inet6 = below(4) == 0;
    if (ethernet_) {
        store(packet, 12, 2, inet6 ? 0x86dd : 0x800);
        at = 14;
    }
    const std::uint8_t protocols[] = {1, 6, 17, 47, 58, 132};
    const std::uint8_t protocol = protocols[below(6)];
    store(packet, at, 1, inet6 ? 0x60 : below(8) == 0 ? 0x46 : 0x45);
    store(packet, at + (inet6 ? 6 : 9), 1, protocol);
    store(packet, at + 6, 2, below(6) == 0 || inet6 ? packet.size() : 0);
    if (!inet6) {
        store(packet, at + 12, 4, 0xc0000201 + below(3));
        store(packet, at + 16, 4, 0xc0000201 + below(3));
    }
    for (std::uint32_t times = below(3); times > 0; --times) {
        meet(packet, program);
    }
    return packet;
}

/// Some of the numbers that loads are compared with are put where they are looked for.
void RandomFilter::meet(Bytes& packet, const cbpf::Program& program) {
    std::size_t offset = 0;
    std::size_t size = 0;
    const std::uint32_t rarely = 2 + below(12);
    for (const cbpf::Step& step : program.steps()) {
        const cbpf::Operand operand = info(step.opcode).operand;
        if (const std::size_t loaded = size_of(step.opcode); loaded != 0) {
            size = loaded;
            offset = step.k + (operand == cbpf::Operand::kIndexed ? 20U : 0U);
        } else if (operand == cbpf::Operand::kBranch && size != 0 && below(rarely) == 0) {
            const std::uint32_t near = below(6);
            store(packet, offset, size, step.k + (near == 0 ? 1U : near == 1 ? ~0U : 0U));
        }
    }
}

} // namespace pfild::tests
