// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/guard.h.
#include "daemon/guard/guard.h"

#include <cerrno>
#include <utility>

namespace pfild::guard {
namespace {

constexpr const char* kNothing = "the lock-out guard has found no connection to check";

std::string why_of(const Cut& cut) {
    const bool in = cut.direction == core::Direction::in;
    return "hook " + cut.hook + " at head " + cut.head + " would drop " + std::string(cut.what) + ", " +
           (in ? "incoming" : "outgoing") + " at " + cut.interface;
}

} // namespace

core::Result<std::optional<std::string>>
Guard::check(const Caller& caller, const std::vector<std::uint16_t>& guard_ports, const Prospect& prospect) {
    if (!prospect.asks_others()) {
        return std::nullopt;
    }
    const auto sockets = host_.sockets();
    if (!sockets) {
        return kNothing + (": " + sockets.error().line());
    }
    const std::vector<Watched> all =
        sockets->established.empty() ? std::vector<Watched>()
                                     : choose(*sockets, host_.sockets_of(caller), host_.sockets_of_sshd(), guard_ports);
    if (all.empty()) {
        return kNothing + std::string(": neither you nor anybody at the guarded ports is connected by TCP");
    }
    std::size_t unknown = 0;
    std::string why;
    for (const Watched& watched : all) {
        const auto ways = host_.ways(watched.connection);
        if (!ways) {
            unknown++;
            why = ways.error().line();
            continue;
        }
        if (const auto cut = judge_.cut(prospect, watched, *ways)) {
            return core::fail({"", text_of(watched.connection), "the lock-out guard: " + why_of(*cut),
                               "mend the rule, or go past the guard with --force", ECONNABORTED});
        }
    }
    return unknown == all.size() ? std::optional(kNothing + (": " + why)) : std::nullopt;
}

} // namespace pfild::guard
