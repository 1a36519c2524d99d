// SPDX-License-Identifier: BSD-2-Clause
// The first look at a packet: one row a packet, then every packet cut short and cut into pieces.
#include <string>

#include <gtest/gtest.h>

#include "core/packet_view.h"
#include "tests/unit/core/packet_bytes.h"

namespace pfild::core {
namespace {

struct ViewRow {
    std::string sentence;
    Bytes bytes;
    Family family;
    std::uint8_t tags;
    std::uint16_t ether_type;
    std::uint16_t network_offset;
    std::uint32_t network_length;
};

const Bytes kPadding(10, 0);

std::vector<ViewRow> rows() {
    const Bytes v4 = ipv4(udp(53)); // 36 bytes
    const Bytes v6 = ipv6(udp(53)); // 56 bytes
    Bytes wrong_version = v4;
    wrong_version[0] = 0x65;
    Bytes wrong_version6 = v6;
    wrong_version6[0] = 0x40;
    const std::uint16_t vlan = kTypeVlan;
    const std::uint16_t service = kTypeServiceVlan;
    return {
        {"plain IPv4", ethernet({}, kTypeIpv4, v4), Family::kInet, 0, kTypeIpv4, 14, 36},
        {"plain IPv6", ethernet({}, kTypeIpv6, v6), Family::kInet6, 0, kTypeIpv6, 14, 56},
        {"ARP is neither", ethernet({}, kTypeArp, Bytes(28, 1)), Family::kOther, 0, kTypeArp, 14, 28},
        {"IPv4 in one tag", ethernet({vlan}, kTypeIpv4, v4), Family::kInet, 1, kTypeIpv4, 18, 36},
        {"IPv6 in one tag", ethernet({vlan}, kTypeIpv6, v6), Family::kInet6, 1, kTypeIpv6, 18, 56},
        {"IPv4 in one 802.1ad tag", ethernet({service}, kTypeIpv4, v4), Family::kInet, 1, kTypeIpv4, 18, 36},
        {"IPv4 in two tags", ethernet({vlan, vlan}, kTypeIpv4, v4), Family::kInet, 2, kTypeIpv4, 22, 36},
        {"IPv6 in 802.1Q in 802.1ad", ethernet({service, vlan}, kTypeIpv6, v6), Family::kInet6, 2, kTypeIpv6, 22, 56},
        {"a third tag is as far as it goes", ethernet({service, vlan, vlan}, kTypeIpv4, v4), Family::kOther, 2, vlan,
         22, 40},
        {"Ethernet padding is not IPv4", ethernet({}, kTypeIpv4, joined(v4, kPadding)), Family::kInet, 0, kTypeIpv4, 14,
         36},
        {"Ethernet padding is not IPv6", ethernet({}, kTypeIpv6, joined(v6, kPadding)), Family::kInet6, 0, kTypeIpv6,
         14, 56},
        {"total length 0 shows it all", ethernet({}, kTypeIpv4, ipv4(udp(53), 0)), Family::kInet, 0, kTypeIpv4, 14, 36},
        {"total length less than a header shows it all", ethernet({}, kTypeIpv4, ipv4(udp(53), 19)), Family::kInet, 0,
         kTypeIpv4, 14, 36},
        {"total length of just the header", ethernet({}, kTypeIpv4, ipv4(udp(53), 20)), Family::kInet, 0, kTypeIpv4, 14,
         20},
        {"total length of more than there is", ethernet({}, kTypeIpv4, ipv4(udp(53), 37)), Family::kInet, 0, kTypeIpv4,
         14, 36},
        {"total length of 65535", ethernet({}, kTypeIpv4, ipv4(udp(53), 65535)), Family::kInet, 0, kTypeIpv4, 14, 36},
        {"IPv6 payload 0 shows it all", ethernet({}, kTypeIpv6, ipv6(udp(53), 0)), Family::kInet6, 0, kTypeIpv6, 14,
         56},
        {"IPv6 without payload", ethernet({}, kTypeIpv6, ipv6({})), Family::kInet6, 0, kTypeIpv6, 14, 40},
        {"IPv6 payload of 1", ethernet({}, kTypeIpv6, ipv6(udp(53), 1)), Family::kInet6, 0, kTypeIpv6, 14, 41},
        {"IPv6 payload of more than there is", ethernet({}, kTypeIpv6, ipv6(udp(53), 65535)), Family::kInet6, 0,
         kTypeIpv6, 14, 56},
        {"IPv4 type with version 6", ethernet({}, kTypeIpv4, wrong_version), Family::kOther, 0, kTypeIpv4, 14, 36},
        {"IPv6 type with version 4", ethernet({}, kTypeIpv6, wrong_version6), Family::kOther, 0, kTypeIpv6, 14, 56},
        {"802.3 length instead of a type", ethernet({}, 38, Bytes(38, 0x42)), Family::kOther, 0, 38, 14, 38},
    };
}

void expect_view(const PacketView& view, const ViewRow& row) {
    EXPECT_EQ(view.family, row.family);
    EXPECT_EQ(view.tags, row.tags);
    EXPECT_EQ(view.ether_type, row.ether_type);
    EXPECT_EQ(view.network_offset, row.network_offset);
    EXPECT_EQ(view.network_length, row.network_length);
}

TEST(PacketView, PF_24_sees_what_is_there) {
    Buffers buffers;
    for (const ViewRow& row : rows()) {
        SCOPED_TRACE(row.sentence);
        expect_view(parse(buffers.frame(row.bytes)), row);
    }
    buffers.expect_all_free();
}

TEST(PacketView, is_the_same_however_the_headers_are_spread_over_buffers) {
    Buffers buffers;
    for (const ViewRow& row : rows()) {
        for (std::size_t first = 0; first + 17 < row.bytes.size(); first++) {
            SCOPED_TRACE(row.sentence + ", single bytes from " + std::to_string(first));
            std::vector<std::size_t> sizes{first};
            sizes.insert(sizes.end(), kMaxFrameBuffers - 2, 1);
            expect_view(parse(buffers.cut(row.bytes, sizes)), row);
        }
    }
    buffers.expect_all_free();
}

// What is left of a packet that ends after `count` bytes.
ViewRow cut_short(const ViewRow& row, std::size_t count) {
    ViewRow left{.sentence = row.sentence + " cut to " + std::to_string(count),
                 .bytes = Bytes(row.bytes.begin(), row.bytes.begin() + static_cast<std::ptrdiff_t>(count)),
                 .family = Family::kOther,
                 .tags = 0,
                 .ether_type = 0,
                 .network_offset = 0,
                 .network_length = 0};
    if (count < 14) {
        return left;
    }
    left.tags = static_cast<std::uint8_t>(std::min<std::size_t>(row.tags, (count - 14) / 4));
    left.network_offset = static_cast<std::uint16_t>(14 + 4 * left.tags);
    left.ether_type =
        static_cast<std::uint16_t>(row.bytes[left.network_offset - 2U] << 8U) | row.bytes[left.network_offset - 1U];
    left.network_length = static_cast<std::uint32_t>(count - left.network_offset);
    const std::size_t header = row.family == Family::kInet ? 20 : 40;
    if (row.family != Family::kOther && left.tags == row.tags && left.network_length >= header) {
        left.family = row.family;
        left.network_length = std::min(left.network_length, row.network_length);
    }
    return left;
}

TEST(PacketView, trusts_no_header_that_is_not_whole) {
    Buffers buffers;
    for (const ViewRow& row : rows()) {
        for (std::size_t count = 0; count < row.bytes.size(); count++) {
            const ViewRow left = cut_short(row, count);
            SCOPED_TRACE(left.sentence);
            expect_view(parse(buffers.frame(left.bytes)), left);
            expect_view(parse(buffers.cut(left.bytes, {1, 12, 1, 1})), left);
        }
    }
    buffers.expect_all_free();
}

TEST(PacketView, of_an_empty_frame_is_nothing) {
    const PacketView view = parse(Frame());
    EXPECT_EQ(view.family, Family::kOther);
    EXPECT_EQ(view.network_length, 0U);
}

} // namespace
} // namespace pfild::core
