// SPDX-License-Identifier: BSD-2-Clause
// Where a command prints.
#pragma once

#include <iosfwd>

namespace pfild::bpfctl {

struct Console {
    std::ostream& out;
    std::ostream& err;
};

} // namespace pfild::bpfctl
