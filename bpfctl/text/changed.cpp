// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/text/changed.h.
#include "bpfctl/text/changed.h"

#include "bpfctl/fields.h"

namespace pfild::bpfctl {

std::string changed_text(const Json& changed, const std::string& if_nothing) {
    std::string lines;
    for (const std::string_view key : {"changes", "needs_restart"}) {
        for (const std::string& line : texts(changed, key)) {
            lines += printable(line) + '\n';
        }
    }
    return lines.empty() ? if_nothing : lines;
}

} // namespace pfild::bpfctl
