// SPDX-License-Identifier: BSD-2-Clause
// Which classes of what keeps a link up (pfild/upkeep.h) a program tells from other packets: those are what a hook is
// asked about.
//
//     `arp`                             ARP                        told: other types do not match
//     `icmp6 and ip6[40] = 134`         router advertisements      told; solicitations are not
//     `tcp dst port 22`, `not ip`       nothing                    ARP is answered as any other type
//     `host 192.0.2.1`                  nothing                    it is asked of ARP and of RARP alike
//
// So a rule about something else never ends them, also where it passes nothing but what it matches. Pure; any thread.
#pragma once

#include <cstdint>

#include "cbpf/flow_dependence.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

/// Bits PFILD_UPKEEP_BIT(class). What cannot be found out, as the program is too long, is not among them. Milliseconds.
[[nodiscard]] std::uint64_t upkeep_told_apart(const Program& program, PacketForm form);

/// All classes of which packets of that form are.
[[nodiscard]] std::uint64_t upkeep_shown(PacketForm form);

/// That the program matches no packet of that form, whatever is in it. False also if that cannot be found out.
[[nodiscard]] bool matches_nothing(const Program& program, PacketForm form);

} // namespace pfild::cbpf
