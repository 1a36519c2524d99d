// SPDX-License-Identifier: BSD-2-Clause
// Which way a packet travels: in from the wire, or out to it (PFIL_IN, PFIL_OUT; contract PF-14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class Direction : std::uint8_t { kIn, kOut };

inline constexpr std::size_t kDirections = 2;
inline constexpr std::array<std::string_view, kDirections> kDirectionNames{"in", "out"};

[[nodiscard]] constexpr std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }
[[nodiscard]] constexpr std::string_view name(Direction direction) { return kDirectionNames[index(direction)]; }

/// A set of directions: what a head supports, what a link asks for. Empty is a value of its own.
class Directions {
  public:
    constexpr Directions() = default;
    constexpr Directions(bool in, bool out) : bits_(static_cast<std::uint8_t>((in ? 1U : 0U) | (out ? 2U : 0U))) {}

    [[nodiscard]] static constexpr Directions both() { return {true, true}; }
    [[nodiscard]] constexpr bool has(Direction direction) const { return ((bits_ >> index(direction)) & 1U) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    /// => every direction of this set is in `other`.
    [[nodiscard]] constexpr bool within(Directions other) const { return (bits_ & ~other.bits_) == 0; }

    friend constexpr bool operator==(Directions, Directions) = default;

  private:
    std::uint8_t bits_ = 0;
};

inline constexpr std::array<Direction, kDirections> kEachDirection{Direction::kIn, Direction::kOut};

} // namespace pfild::core
