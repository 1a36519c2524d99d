// SPDX-License-Identifier: BSD-2-Clause
// Which interfaces of the host a model means, and what it wants of each: the one place where names are resolved.
//
//     item "eth0"      the interface that the kernel calls so           closest
//     item "enp9s0"    the interface that has this alternative name
//     item "veth*"     every interface whose kernel's name it means     farthest; of two patterns the longer is closer
//
// The closest item that means an interface says how it is guarded, or that it is left alone. Links are different: those
// of all items and names that mean an interface count, since a rule about `veth*` has no exceptions. Links of patterns
// count as made before those of names.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"

namespace pfild::config {

/// An interface of the host.
struct HostInterface {
    std::uint32_t ifindex = 0;
    std::string name; ///< the kernel's
    std::vector<std::string> altnames{};
    bool only_by_name = false; ///< no pattern means it: the loopback interface, a port pair's end

    friend bool operator==(const HostInterface&, const HostInterface&) = default;
};

/// Nothing: no interface has that name or alternative name.
[[nodiscard]] const HostInterface* find_host_interface(const std::vector<HostInterface>& host_interfaces,
                                                       std::string_view name);

/// The item that says how an interface is guarded, or that it is left alone. Nothing: no item means it.
[[nodiscard]] const Interface* item_of(const Model& model, const HostInterface& host_interface);

/// A model of what is there.
struct Guarded {
    Model model;                              ///< interfaces and links by the kernel's names, and nothing else
    std::map<std::string, std::string> items; ///< by the kernel's name: the item that says how it is guarded
    std::set<std::string> missing;            ///< names of items that no interface has
};

/// => the model is in order; so is the answer's.
[[nodiscard]] Guarded guarded(const Model& model, const std::vector<HostInterface>& host_interfaces);

} // namespace pfild::config
