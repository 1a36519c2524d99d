// SPDX-License-Identifier: BSD-2-Clause
// What libpcap makes of filters that people write, and whether that answers per flow.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "cbpf/program.h"
#include "cbpf/text.h"

namespace pfild::tests {

struct CompiledFilter {
    const char* expression;
    const char* options;   ///< "-O": not optimised
    const char* text;      ///< what `tcpdump -ddd` prints, with ; for the ends of lines
    const char* why;       ///< empty: per flow. Of an IPv4 header, or of an Ethernet header
    const char* why_inet6; ///< of an IPv6 header; of Ethernet there is none
};

[[nodiscard]] std::span<const CompiledFilter> filters_of_ip();
[[nodiscard]] std::span<const CompiledFilter> filters_of_ethernet();

/// Throws if the table is wrong, which fails the test.
[[nodiscard]] inline cbpf::Program program_of(const CompiledFilter& filter) {
    std::string text = filter.text;
    std::replace(text.begin(), text.end(), ';', '\n');
    return cbpf::Program::verify(cbpf::parse_decimal(text).value()).value();
}

} // namespace pfild::tests
