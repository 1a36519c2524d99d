// SPDX-License-Identifier: BSD-2-Clause
// SHA-256 (FIPS 180-4): says whether two texts are the same, for files and models. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pfild::config {

/// Takes bytes piece by piece.
class Digest {
  public:
    void add(std::string_view bytes);
    /// 64 letters, 0 to f. Afterwards nothing can be added.
    [[nodiscard]] std::string finish();

  private:
    void take_block();

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> block_{};
    std::uint64_t length_ = 0; ///< bytes so far
};

[[nodiscard]] std::string digest_of(std::string_view bytes);

} // namespace pfild::config
