// SPDX-License-Identifier: BSD-2-Clause
// Which checksums are completed, against a sum that is written the slow way here (RFC 1071), in every cut of the frame.
#include <gtest/gtest.h>

#include "core/checksum.h"
#include "tests/unit/core/packet_bytes.h"

namespace pfild::core {
namespace {

constexpr std::uint8_t kTcpNumber = 6;
constexpr std::uint8_t kUdpNumber = 17;

struct ChecksumCase {
    const char* sentence;
    bool inet6;
    std::uint8_t protocol;
    std::size_t payload; ///< bytes behind the transport header
    std::vector<std::uint16_t> tags;
};

std::uint32_t add_up(const Bytes& bytes, std::size_t from, std::size_t to) {
    std::uint32_t sum = 0;
    for (std::size_t i = from; i < to; i++) {
        sum += (i - from) % 2 == 0 ? bytes[i] << 8U : bytes[i];
    }
    return sum;
}

std::uint16_t folded(std::uint32_t sum) {
    while (sum > 0xffff) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(sum);
}

/// A packet with its checksum field at 0, and where things are in it.
struct Crafted {
    Bytes bytes;
    std::size_t transport;
    std::size_t field;
    std::uint16_t pseudo;

    explicit Crafted(const ChecksumCase& row) {
        const std::size_t header = row.protocol == kTcpNumber ? 20 : 8;
        Bytes segment = row.protocol == kTcpNumber ? Bytes(header) : udp(53, 0);
        for (std::size_t i = 0; i < row.payload; i++) {
            segment.push_back(static_cast<std::uint8_t>(i * 37 + 11));
        }
        Bytes packet = row.inet6 ? ipv6(segment) : ipv4(segment);
        packet[row.inet6 ? 6 : 9] = row.protocol;
        const std::size_t network = 14 + 4 * row.tags.size();
        bytes = ethernet(row.tags, row.inet6 ? kTypeIpv6 : kTypeIpv4, packet);
        transport = network + (row.inet6 ? 40 : 20);
        field = transport + (row.protocol == kTcpNumber ? 16 : 6);
        const std::size_t addresses = network + (row.inet6 ? 8 : 12);
        pseudo = folded(add_up(bytes, addresses, transport) + row.protocol +
                        static_cast<std::uint32_t>(bytes.size() - transport));
    }

    void put(std::uint16_t checksum) {
        bytes[field] = static_cast<std::uint8_t>(checksum >> 8U);
        bytes[field + 1] = static_cast<std::uint8_t>(checksum);
    }
    /// As it must be on a wire.
    [[nodiscard]] std::uint16_t right(bool of_udp) {
        put(0);
        const auto sum = static_cast<std::uint16_t>(~folded(pseudo + add_up(bytes, transport, bytes.size())));
        return sum == 0 && of_udp ? 0xffff : sum;
    }
};

const std::vector<ChecksumCase> kCases{
    {"TCP over IPv4", false, kTcpNumber, 100, {}},
    {"an odd number of bytes", false, kTcpNumber, 101, {}},
    {"UDP over IPv4", false, kUdpNumber, 64, {}},
    {"TCP over IPv6", true, kTcpNumber, 77, {}},
    {"UDP over IPv6", true, kUdpNumber, 1, {}},
    {"no payload", true, kTcpNumber, 0, {}},
    {"behind two tags", false, kUdpNumber, 33, {kTypeServiceVlan, kTypeVlan}},
    {"a long one", false, kTcpNumber, 1400, {}},
};

TEST(CompleteChecksum, of_every_kind_and_in_every_cut) {
    Buffers buffers;
    for (const ChecksumCase& row : kCases) {
        Crafted crafted(row);
        const std::uint16_t right = crafted.right(row.protocol == kUdpNumber);
        for (const std::size_t cut :
             {std::size_t{0}, crafted.transport + 1, crafted.field + 1, crafted.bytes.size() - 1}) {
            crafted.put(crafted.pseudo);
            Frame frame = cut == 0 ? buffers.frame(crafted.bytes) : buffers.cut(crafted.bytes, {cut});
            EXPECT_TRUE(complete_checksum(frame)) << row.sentence << ", cut at " << cut;
            crafted.put(right);
            EXPECT_EQ(bytes_of(frame), crafted.bytes) << row.sentence << ", cut at " << cut;
            EXPECT_FALSE(complete_checksum(frame)) << row.sentence << ": it is right now";
        }
    }
    buffers.expect_all_free();
}

// RFC 8200 4: hop-by-hop options, a routing header that is done, destination options.
TEST(CompleteChecksum, behind_extension_headers_of_IPv6) {
    Buffers buffers;
    Crafted plain({"", true, kUdpNumber, 50, {}});
    const std::uint16_t right = plain.right(true);
    for (const auto checksum : {plain.pseudo, right}) {
        plain.put(checksum);
        Bytes extended = plain.bytes;
        const Bytes extensions{43, 0, 0, 0, 0, 0, 0, 0, 60,         1, 2, 0, 0, 0, 0, 0,
                               0,  0, 0, 0, 0, 0, 0, 0, kUdpNumber, 0, 0, 0, 0, 0, 0, 0};
        extended.insert(extended.begin() + 14 + 40, extensions.begin(), extensions.end());
        extended[14 + 6] = 0;
        extended[14 + 5] = static_cast<std::uint8_t>(extended.size() - 14 - 40);
        Frame frame = buffers.frame(extended);
        EXPECT_EQ(complete_checksum(frame), checksum == plain.pseudo);
        EXPECT_EQ(frame.head()[plain.field + extensions.size()], right >> 8U);
        EXPECT_EQ(frame.head()[plain.field + extensions.size() + 1], right & 0xffU);
        extended[14 + 40 + 8 + 3] = 1; // a hop to go
        Frame on_its_way = buffers.frame(extended);
        EXPECT_FALSE(complete_checksum(on_its_way));
    }
}

TEST(CompleteChecksum, leaves_what_is_right_and_what_is_wrong_in_another_way) {
    Buffers buffers;
    for (const ChecksumCase& row : kCases) {
        Crafted crafted(row);
        const std::uint16_t right = crafted.right(row.protocol == kUdpNumber);
        for (const auto checksum : {right, static_cast<std::uint16_t>(right + 1), std::uint16_t{0}}) {
            if (checksum == crafted.pseudo) {
                continue;
            }
            crafted.put(checksum);
            Frame frame = buffers.frame(crafted.bytes);
            EXPECT_FALSE(complete_checksum(frame)) << row.sentence << ", " << checksum;
            EXPECT_EQ(bytes_of(frame), crafted.bytes) << row.sentence << ", " << checksum;
        }
    }
}

TEST(CompleteChecksum, leaves_fragments_other_protocols_and_what_is_cut_off) {
    Buffers buffers;
    Crafted crafted({"", false, kUdpNumber, 64, {}});
    crafted.put(crafted.pseudo);
    std::vector<Bytes> others(5, crafted.bytes);
    others[0][14 + 6] = 0x20;      // more fragments
    others[1][14 + 7] = 1;         // not the first fragment
    others[2][14 + 9] = 132;       // SCTP
    others[3][14] = 0x4f;          // a header longer than the packet says
    others[4].resize(14 + 20 + 7); // ends in the UDP header
    for (const Bytes& other : others) {
        Frame frame = buffers.frame(other);
        EXPECT_FALSE(complete_checksum(frame));
        EXPECT_EQ(bytes_of(frame), other);
    }
}

// RFC 768: a sum of 0 is sent as ffff, since 0 says that there is none.
TEST(CompleteChecksum, of_UDP_is_never_0) {
    Buffers buffers;
    Crafted crafted({"", false, kUdpNumber, 2, {}});
    crafted.put(0);
    const std::uint16_t rest =
        folded(crafted.pseudo + add_up(crafted.bytes, crafted.transport, crafted.bytes.size() - 2));
    const auto last = static_cast<std::uint16_t>(~rest);
    crafted.bytes[crafted.bytes.size() - 2] = static_cast<std::uint8_t>(last >> 8U);
    crafted.bytes[crafted.bytes.size() - 1] = static_cast<std::uint8_t>(last);
    crafted.put(crafted.pseudo);
    Frame frame = buffers.frame(crafted.bytes);
    // The last word was chosen such that the sum over all is ffff with the field at 0.
    EXPECT_TRUE(complete_checksum(frame));
    crafted.put(0xffff);
    EXPECT_EQ(bytes_of(frame), crafted.bytes);
}

} // namespace
} // namespace pfild::core
