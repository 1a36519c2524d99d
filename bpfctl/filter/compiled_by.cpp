// SPDX-License-Identifier: BSD-2-Clause
// See compiled_by.h.
#include "bpfctl/filter/compiled_by.h"

#include "bpfctl/fields.h"

namespace pfild::bpfctl {

Json json_of(const filter::Proved& proved) {
    return {{"how", filter::name(proved.origin)},
            {"because", proved.because()},
            {"unoptimised_instructions", proved.plain_length},
            {"optimised_instructions", proved.short_length ? Json(*proved.short_length) : Json()}};
}

std::vector<std::string> reason_lines(const Json& compiled_by) {
    const std::string because = text(compiled_by, "because");
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end = because.find("; "); end != std::string::npos; end = because.find("; ", begin)) {
        lines.push_back(because.substr(begin, end + 1 - begin));
        begin = end + 2;
    }
    lines.push_back(because.substr(begin));
    return lines;
}

} // namespace pfild::bpfctl
