// SPDX-License-Identifier: BSD-2-Clause
// What is tried again and again says once why it fails, and at the end how often it did. Reasons that differ in numbers
// only are the same.
//
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "core/error.h"

namespace pfild::sys {

class Repeats {
  public:
    /// It failed. True: that has not been said since it went well last.
    [[nodiscard]] bool again(const std::string& why);
    /// It goes well, or is not tried any more: how often it has failed since it went well last.
    [[nodiscard]] std::uint64_t over();
    /// Of something that needs no other words: an error when it begins, a warning with the count when it is over.
    void log(const std::string& what, const core::Result<void>& result);

  private:
    static constexpr std::size_t kMostReasons = 8;

    std::set<std::string> said_; ///< without digits
    std::uint64_t times_ = 0;
};

} // namespace pfild::sys
