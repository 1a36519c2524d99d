// SPDX-License-Identifier: BSD-2-Clause
// The packet view: every load at every offset over every way to cut the bytes (CF-20, CF-29, CF-D1).
#include "cbpf/packet.h"

#include <gtest/gtest.h>

#include "tests/unit/cbpf/backends.h"

namespace pfild::cbpf {
namespace {

const std::vector<std::uint8_t> kTwelve{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

/// Loads of all three sizes at an offset: what a reader without pieces finds.
template <typename Bytes>
void expect_loads(const Packet& packet, const Bytes& bytes, std::uint64_t offset, const std::string& what) {
    const auto wanted = [&](std::size_t size) -> std::optional<std::uint32_t> {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i) {
            if (offset + i >= bytes.size()) {
                return std::nullopt;
            }
            value = value << 8U | bytes[offset + i];
        }
        return value;
    };
    EXPECT_EQ(packet.load<1>(offset), wanted(1)) << "ldb [" << offset << "], " << what;
    EXPECT_EQ(packet.load<2>(offset), wanted(2)) << "ldh [" << offset << "], " << what;
    EXPECT_EQ(packet.load<4>(offset), wanted(4)) << "ld [" << offset << "], " << what;
}

TEST(Packet, loads_do_not_depend_on_pieces_CF_29) {
    for (std::size_t length = 1; length <= kTwelve.size(); ++length) {
        const tests::Pieces pieces(kTwelve, length);
        for (std::uint64_t offset = 0; offset <= kTwelve.size() + 4; ++offset) {
            expect_loads(pieces.packet(12), kTwelve, offset, "pieces of " + std::to_string(length));
        }
    }
}

TEST(Packet, loads_do_not_depend_on_any_cut_into_three_with_empty_pieces_CF_29) {
    for (std::uint32_t first = 0; first <= 12; ++first) {
        for (std::uint32_t second = first; second <= 12; ++second) {
            const Piece pieces[] = {{kTwelve.data(), first},
                                    {nullptr, 0},
                                    {kTwelve.data() + first, second - first},
                                    {kTwelve.data() + second, 12 - second},
                                    {nullptr, 0}};
            const Packet packet(pieces, 0, 12);
            EXPECT_EQ(packet.captured_length(), 12U);
            for (std::uint64_t offset = 0; offset <= 14; ++offset) {
                expect_loads(packet, kTwelve, offset,
                             "cuts at " + std::to_string(first) + " and " + std::to_string(second));
            }
        }
    }
}

TEST(Packet, a_half_word_inside_a_later_piece_ends_there_CF_D1) {
    const tests::Pieces pieces(kTwelve, 4);
    const Packet packet = pieces.packet(12);
    EXPECT_EQ(packet.load<2>(4), 0x0506U);
    EXPECT_EQ(packet.load<2>(5), 0x0607U);
    EXPECT_EQ(packet.load<2>(6), 0x0708U);
    EXPECT_EQ(packet.load<2>(10), 0x0b0cU);
    EXPECT_EQ(packet.load<2>(11), std::nullopt);
}

TEST(Packet, an_offset_shows_the_packet_from_there_on) {
    for (std::size_t length : {1U, 3U, 4U, 5U, 12U}) {
        const tests::Pieces pieces(kTwelve, length);
        for (std::uint32_t start = 0; start <= 13; ++start) {
            const Packet packet(pieces.pieces(), start, 100);
            const std::span<const std::uint8_t> bytes = std::span(kTwelve).subspan(std::min(start, 12U));
            EXPECT_EQ(packet.captured_length(), bytes.size()) << "from " << start;
            EXPECT_EQ(packet.wire_length(), 100U);
            for (std::uint64_t offset = 0; offset <= 13; ++offset) {
                expect_loads(packet, bytes, offset,
                             "from " + std::to_string(start) + " over pieces of " + std::to_string(length));
            }
        }
    }
}

TEST(Packet, a_packet_without_bytes_has_nothing_to_load_CF_20) {
    const Piece empty{nullptr, 0};
    const Packet packets[] = {Packet(std::span<const std::uint8_t>()), Packet(std::span<const Piece>(), 0, 0),
                              Packet(std::span(&empty, 1), 0, 0), Packet(std::span(&empty, 1), 5, 0)};
    for (const Packet& packet : packets) {
        EXPECT_EQ(packet.captured_length(), 0U);
        EXPECT_EQ(packet.load<1>(0), std::nullopt);
        EXPECT_EQ(packet.load<4>(0xffffffff), std::nullopt);
    }
}

TEST(Packet, the_wire_length_is_the_captured_one_unless_it_is_given_CF_21) {
    EXPECT_EQ(Packet(kTwelve).wire_length(), 12U);
    EXPECT_EQ(Packet(kTwelve, 1500).wire_length(), 1500U);
    EXPECT_EQ(Packet(kTwelve, 1500).captured_length(), 12U);
}

TEST(Packet, nothing_is_captured_from_2_to_the_31_on_however_long_the_chain_CF_23) {
    const Piece half{kTwelve.data(), 0x7fffffff}; // never read: only its first bytes exist
    const Piece huge[] = {half, half, half};
    EXPECT_EQ(Packet(huge, 0, 0).captured_length(), Packet::kOffsetLimit);
    EXPECT_EQ(Packet(huge, 0, 0).load<1>(0x80000000), std::nullopt);
    EXPECT_EQ(Packet(huge, 0, 0).load<1>(11), 12U);
    EXPECT_EQ(Packet(huge, 0, 0).load<1>(0x7fffffff), 1U) << "the last offset that exists: first byte of the second";
}

} // namespace
} // namespace pfild::cbpf
