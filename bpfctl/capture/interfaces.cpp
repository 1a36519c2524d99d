// SPDX-License-Identifier: BSD-2-Clause
// See interfaces.h.
#include "bpfctl/capture/interfaces.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <net/if.h>

namespace pfild::bpfctl {

std::string Interfaces::text() const {
    std::string all;
    for (const std::string& name : given_) {
        all += (all.empty() ? "" : ", ") + name;
    }
    return all;
}

const std::string& Interfaces::name_of(std::size_t source, std::uint32_t ifindex) {
    if (!is_any(source)) {
        return given_[source];
    }
    if (const auto found = known_.find(ifindex); found != known_.end()) {
        return found->second;
    }
    for (auto& [number, name] : ask_()) {
        known_.emplace(number, name);
    }
    return known_.emplace(ifindex, "if" + std::to_string(ifindex)).first->second;
}

bool Interfaces::are_those_here() {
    known_ = ask_();
    return !known_.empty() && std::all_of(known_.begin(), known_.end(), [](const auto& one) {
        std::array<char, IF_NAMESIZE> name{};
        return if_indextoname(one.first, name.data()) != nullptr && one.second == std::string_view(name.data());
    });
}

} // namespace pfild::bpfctl
