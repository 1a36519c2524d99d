// SPDX-License-Identifier: BSD-2-Clause
// See daemon/interfaces/renames.h.
#include "daemon/interfaces/renames.h"

namespace pfild::interfaces {

std::vector<Rename> renames(const std::map<std::uint32_t, std::string>& before,
                            const std::map<std::uint32_t, std::string>& now) {
    std::vector<Rename> away;
    std::vector<Rename> there;
    for (const auto& [ifindex, name] : now) {
        const auto was = before.find(ifindex);
        if (was != before.end() && was->second != name) {
            const std::string between = '/' + std::to_string(ifindex); // a name has no slash
            away.push_back({was->second, between});
            there.push_back({between, name});
        }
    }
    away.insert(away.end(), there.begin(), there.end());
    return away;
}

} // namespace pfild::interfaces
