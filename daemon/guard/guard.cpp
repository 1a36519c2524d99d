// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/guard.h.
#include "daemon/guard/guard.h"

#include <cerrno>
#include <utility>

namespace pfild::guard {
namespace {

constexpr int kMostRelays = 4; // one behind the other
constexpr const char* kNothing = "the lock-out guard has found no connection to check";

std::string why_of(const Cut& cut) {
    const bool in = cut.direction == core::Direction::kIn;
    return "hook " + cut.hook + " at head " + cut.head + " would drop " + std::string(cut.what) + ", " +
           (in ? "incoming" : "outgoing") + " at " + cut.interface;
}

std::string warning_of(const Cut& cut, const Watched& watched) {
    return "the lock-out guard: " + cut.interface + " is not there yet; when it comes, hook " + cut.hook + " at head " +
           cut.head + " would drop " + std::string(cut.what) + " of " + text_of(watched.connection) +
           ", if that came by it";
}

} // namespace

std::vector<Watched> Guard::watched(const Sockets& sockets, const Caller& caller,
                                    const std::vector<std::uint16_t>& guard_ports) {
    if (sockets.established.empty()) {
        return {};
    }
    Inodes owned = host_.sockets_of(caller);
    for (int relays = 0; relays <= kMostRelays; ++relays) {
        auto found = owned_connections(sockets, owned, guard_ports);
        const Inodes ends = found.empty() ? other_ends(sockets, owned) : Inodes();
        if (ends.empty()) {
            if (!found.empty()) {
                return found;
            }
            break;
        }
        owned = host_.sockets_beside(ends);
    }
    return guarded_connections(sockets, host_.sockets_of_sshd(), guard_ports);
}

core::Result<std::optional<std::string>>
Guard::check(const Caller& caller, const std::vector<std::uint16_t>& guard_ports, const Prospect& prospect) {
    const bool could_cut = prospect.asks_others();
    if (!could_cut && prospect.awaited.empty()) {
        return std::nullopt;
    }
    const auto nothing = [could_cut](const std::string& why) {
        return could_cut ? std::optional(std::string(kNothing) + ": " + why) : std::nullopt;
    };
    const auto sockets = host_.sockets();
    if (!sockets) {
        return nothing(sockets.error().line());
    }
    const std::vector<Watched> all = watched(*sockets, caller, guard_ports);
    if (all.empty()) {
        return nothing("neither you nor anybody at the guarded ports is connected by TCP");
    }
    std::size_t unknown = 0;
    std::string why;
    std::optional<std::string> warning;
    for (const Watched& one : all) {
        const auto ways = host_.ways(one.connection);
        if (!ways) {
            unknown++;
            why = ways.error().line();
            continue;
        }
        if (const auto cut = judge_.cut(prospect, one, *ways)) {
            return core::fail({"", text_of(one.connection), "the lock-out guard: " + why_of(*cut),
                               "mend the rule, or go past the guard with --force", ECONNABORTED});
        }
        for (const Awaited& awaited : prospect.awaited) {
            const auto cut =
                awaited.ifindex || warning || ways->empty() ? std::nullopt : judge_.cut_at(awaited, one, ways->front());
            if (cut) {
                warning = warning_of(*cut, one);
            }
        }
    }
    return unknown == all.size() ? nothing(why) : warning;
}

} // namespace pfild::guard
