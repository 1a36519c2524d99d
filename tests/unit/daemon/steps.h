// SPDX-License-Identifier: BSD-2-Clause
// Where fakes fail: at the step that they are told to.
#pragma once

#include <cerrno>
#include <cstddef>

#include "core/error.h"

namespace pfild::test {

/// Counts what can fail; the one with that number does.
class Steps {
  public:
    std::size_t failing = 0; ///< 0: none
    std::size_t taken = 0;

    [[nodiscard]] core::Result<void> take(const char* what) {
        return ++taken == failing ? core::Result<void>(core::fail({what, "", "it was told to fail", "", EIO}))
                                  : core::Result<void>();
    }
};

} // namespace pfild::test
