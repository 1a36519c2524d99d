// SPDX-License-Identifier: BSD-2-Clause
// See control/rights.h.
#include "control/rights.h"

#include <algorithm>

namespace pfild::control {

bool may(const Peer& peer, const Verb& verb, std::span<const Grant> grants) {
    if (peer.owner || (peer.reader && verb.who == Who::kReaders)) {
        return true;
    }
    return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
        return grant.uid == peer.uid &&
               std::find(grant.verbs.begin(), grant.verbs.end(), verb.name) != grant.verbs.end();
    });
}

bool may_anything(const Peer& peer, std::span<const Grant> grants) {
    const std::span<const Verb> all = verbs();
    return std::any_of(all.begin(), all.end(), [&](const Verb& verb) { return may(peer, verb, grants); });
}

} // namespace pfild::control
