// SPDX-License-Identifier: BSD-2-Clause
// What is wrong with a text that was read by a description: every mistake with its place, the field's path, the reason
// and what to do. Reading goes on after a mistake, so that a file's mistakes are told at once; a caller who wants one
// takes the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "describe/value.h"

namespace pfild::describe {

struct Mistake {
    Place place;
    std::string path; ///< "hooks[1].type"; empty: the whole
    std::string why;  ///< "must be 'drop' or 'pass'"
    std::string advice;
};

/// For a message: what foreign bytes said, short and without control characters, in single quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// "'pass', 'drop' or 'count'".
[[nodiscard]] std::string one_of(std::span<const std::string_view> words);

/// How a value is read.
struct Manner {
    enum class Strangers : std::uint8_t {
        kRefused,
        kIgnored, ///< members that the description does not know: the other side is newer
    };
    Strangers strangers = Strangers::kRefused;
    std::uint32_t first_index = 0; ///< of a list, in paths: 0 for programs, 1 for people's files
    std::size_t most_mistakes = 64;
};

/// One reading: where it is, and what was wrong so far.
class Reading {
  public:
    explicit Reading(Manner manner) : manner_(manner) {}

    [[nodiscard]] const Manner& manner() const noexcept { return manner_; }
    [[nodiscard]] const std::vector<Mistake>& mistakes() const noexcept { return mistakes_; }
    [[nodiscard]] std::vector<Mistake> take_mistakes() noexcept { return std::move(mistakes_); }

    /// How many times refuse() was called; more than there are mistakes, if those were too many to keep.
    [[nodiscard]] std::size_t refused() const noexcept { return refused_; }
    /// Whether the next mistake would be kept.
    [[nodiscard]] bool wants_more() const noexcept { return mistakes_.size() < manner_.most_mistakes; }
    /// The value of the field or item that is read now is wrong.
    void refuse(Place place, std::string why, std::string advice = {});

    /// Goes one step down while it lives. => `name` outlives it.
    class Step {
      public:
        Step(Reading& reading, std::string_view name) : reading_(reading) { reading_.path_.emplace_back(name); }
        Step(Reading& reading, std::size_t item) : reading_(reading) { reading_.path_.emplace_back(item); }
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        Step(Step&&) = delete;
        Step& operator=(Step&&) = delete;
        ~Step() { reading_.path_.pop_back(); }

      private:
        Reading& reading_;
    };

  private:
    [[nodiscard]] std::string path() const;

    Manner manner_;
    std::vector<std::variant<std::string_view, std::size_t>> path_;
    std::vector<Mistake> mistakes_;
    std::size_t refused_ = 0;
};

} // namespace pfild::describe
