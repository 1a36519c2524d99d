// SPDX-License-Identifier: BSD-2-Clause
// Chance, for makers of values: numbers that the caller gives, from a generator or from a fuzzer's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace pfild::describe {

class Dice {
  public:
    explicit Dice(std::function<std::uint64_t()> roll) : roll_(std::move(roll)) {}

    [[nodiscard]] std::uint64_t roll() { return roll_(); }
    /// 0 to `end` - 1. => end > 0.
    [[nodiscard]] std::size_t below(std::size_t end) { return static_cast<std::size_t>(roll_() % end); }
    [[nodiscard]] bool once_in(std::size_t times) { return below(times) == 0; }
    /// `least` to `most`, the ends more often than others.
    [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        const std::size_t choice = below(4);
        const std::uint64_t span = most - least;
        return choice == 0 ? least : choice == 1 ? most : span + 1 == 0 ? roll_() : least + roll_() % (span + 1);
    }

    /// Lists that are being made inside each other; descriptions that contain themselves end by it.
    std::size_t depth = 0;

  private:
    std::function<std::uint64_t()> roll_;
};

} // namespace pfild::describe
