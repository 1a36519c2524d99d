// SPDX-License-Identifier: BSD-2-Clause
// Numbers that come in rising order, kept as ranges: the packets of a file that match.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

class IndexRanges {
  public:
    /// => larger than all before.
    void add(std::uint64_t index);

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    /// "1-3, 7, 12" in lines of at most `width` characters, each indented by two blanks; empty if there are none.
    [[nodiscard]] std::string text(std::size_t width = 100) const;

    /// [1, 2, 3, 7, 12]
    [[nodiscard]] Json json() const;

  private:
    struct Range {
        std::uint64_t first;
        std::uint64_t last;
    };

    std::vector<Range> ranges_;
    std::uint64_t count_ = 0;
};

} // namespace pfild::bpfctl
