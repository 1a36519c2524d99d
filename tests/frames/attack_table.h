// SPDX-License-Identifier: BSD-2-Clause
// Packets that try to get past a rule on a port, one way a row. The table is the same for heads, chains, engine and for
// real listeners; what a stack makes of a row is for a listener to say, never for the table. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/frames/recipe.h"

namespace pfild::frames {

/// What the documentation promises for a row (docs/filters.md).
enum class Seen : std::uint8_t {
    kAsPort, ///< a rule on the port sees it: at least one of its frames is stopped
    kNever,  ///< at least one of its frames is stopped whatever the rules say
    kOpen,   ///< nothing: only a listener can say whether it matters
};

enum class Family : std::uint8_t { kBoth, kInet, kInet6 };
enum class Protocol : std::uint8_t { both, tcp, udp };

struct AttackRow {
    std::string sentence;
    Seen seen;
    std::function<void(Recipe&)> change; ///< of a plain SYN or datagram to the port
    Family family = Family::kBoth;
    Protocol protocol = Protocol::both;
};

[[nodiscard]] const std::vector<AttackRow>& attack_table();

/// A row for one family and protocol.
struct Attack {
    std::string sentence; ///< with family and protocol
    Seen seen;
    Recipe recipe;
};

/// All rows for all families and protocols that they are for; ids count from `first_id`.
[[nodiscard]] std::vector<Attack> attacks(std::uint16_t port, std::uint32_t first_id = 1);

} // namespace pfild::frames
