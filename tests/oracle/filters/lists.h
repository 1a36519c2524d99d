// SPDX-License-Identifier: BSD-2-Clause
// Lists of 250, as block lists and allow lists are: hosts, nets and ports, in a row or anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pfild::tests {

struct List {
    std::string what;
    std::string expression;
    bool fits = false;     ///< must come out as a program of at most 512 instructions
    bool is_short = false; ///< must come out at most 1.5 times as long as libpcap's optimised program
};

/// Those that fit for Ethernet frames, or for IP packets. Of hosts anywhere, both ends of ARP and of IP take 3 tests a
/// host for frames, and cannot fit.
[[nodiscard]] std::vector<List> lists(std::uint32_t seed, bool ethernet);

} // namespace pfild::tests
