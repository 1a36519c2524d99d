// SPDX-License-Identifier: BSD-2-Clause
// Heads follow the names of their interfaces, which may have been exchanged meanwhile: A -> B and B -> A at once.
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pfild::interfaces {

struct Rename {
    std::string from;
    std::string to;

    friend bool operator==(const Rename&, const Rename&) = default;
};

/// One after another, by way of names that no interface can have, so that no two heads have one name at any time.
/// before, now: names by ifindex. One that is not in both keeps its name.
[[nodiscard]] std::vector<Rename> renames(const std::map<std::uint32_t, std::string>& before,
                                          const std::map<std::uint32_t, std::string>& now);

} // namespace pfild::interfaces
