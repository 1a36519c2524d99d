// SPDX-License-Identifier: BSD-2-Clause
// See control/asking.h.
#include "control/asking.h"

#include <cerrno>
#include <string>

namespace pfild::control {

core::Error error_of(const describe::Mistake& mistake) {
    return {"", "", (mistake.path.empty() ? "the arguments" : "argument '" + mistake.path + '\'') + ' ' + mistake.why,
            mistake.advice, EINVAL};
}

core::Error cannot_be_shown(std::string_view verb) {
    return {std::string(verb), "", "this daemon cannot show it", "", ENOSYS};
}

} // namespace pfild::control
