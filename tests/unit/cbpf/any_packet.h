// SPDX-License-Identifier: BSD-2-Clause
// Random packets, in one piece or in any, of bytes of two values or of all. The same for the same seed on every
// machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "cbpf/packet.h"

namespace pfild::tests {

class AnyPacket {
  public:
    explicit AnyPacket(std::uint32_t seed) : random_(seed) {}

    std::uint32_t any() { return static_cast<std::uint32_t>(random_()); }

    /// 0 to limit - 1.
    std::uint32_t below(std::uint32_t limit) { return any() % limit; }
    bool one_in(std::uint32_t count) { return below(count) == 0; }

    /// Of two values, mostly; a comparison with something made of the same ones is then likely to hold.
    void choose_palette() { palette_ = one_in(3) ? 256 : 2; }

    std::uint8_t packet_byte() { return static_cast<std::uint8_t>(palette_ == 2 ? below(2) * 0x81 : below(256)); }

    void fill(std::span<std::uint8_t> bytes) {
        for (std::uint8_t& byte : bytes) {
            byte = packet_byte();
        }
    }

    static constexpr std::uint32_t kLongestPacket = 9000; ///< bytes

    /// 0 to 9000, mostly less than 100.
    std::uint32_t packet_length() {
        if (one_in(100)) {
            return kLongestPacket;
        }
        return one_in(8) ? below(kLongestPacket + 1) : below(100);
    }

    /// The bytes in pieces of any lengths, some of them empty. The pieces are views.
    std::vector<cbpf::Piece> pieces(std::span<const std::uint8_t> bytes) {
        std::vector<cbpf::Piece> made;
        const std::uint32_t longest = one_in(2) ? 8 : 4000;
        do {
            const auto length = std::min<std::size_t>(below(longest), bytes.size());
            made.push_back({bytes.data(), static_cast<std::uint32_t>(length)});
            bytes = bytes.subspan(length);
        } while (!bytes.empty());
        return made;
    }

  private:
    std::mt19937 random_;
    std::uint32_t palette_ = 256; ///< how many values bytes have
};

} // namespace pfild::tests
