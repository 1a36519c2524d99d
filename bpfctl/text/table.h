// SPDX-License-Identifier: BSD-2-Clause
// Rows of words as aligned columns: each as wide as its widest cell, two blanks between, none at the end of a line. A
// cell that may hold words without end (a filter, a list of names) is made with cut().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pfild::bpfctl {

enum class Align : std::uint8_t { kLeft, kRight };

/// Of words that are shown whole elsewhere.
inline constexpr std::size_t kWidestExcerpt = 60;

/// The text, or as much of its beginning as has that width with ".." behind it; whole characters of UTF-8.
[[nodiscard]] std::string cut(std::string text, std::size_t width);

class Table {
  public:
    /// `columns` says how many columns there are. Every line begins with `indent` blanks.
    explicit Table(std::vector<Align> columns, std::size_t indent = 0);

    /// Missing cells are empty, surplus ones are dropped. A row of empty cells is an empty line.
    void add(std::vector<std::string> row);

    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    /// All lines, each ended by a newline.
    [[nodiscard]] std::string str() const;

  private:
    std::vector<Align> columns_;
    std::size_t indent_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace pfild::bpfctl
