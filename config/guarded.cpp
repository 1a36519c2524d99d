// SPDX-License-Identifier: BSD-2-Clause
// See config/guarded.h.
#include "config/guarded.h"

#include <algorithm>
#include <utility>

namespace pfild::config {
namespace {

bool has_altname(const HostInterface& host_interface, std::string_view name) {
    return std::find(host_interface.altnames.begin(), host_interface.altnames.end(), name) !=
           host_interface.altnames.end();
}

/// Whether links at that head are links of the interface.
bool leads_to(const std::string& head, const HostInterface& host_interface) {
    return is_pattern(head) ? !host_interface.only_by_name && means(head, host_interface.name)
                            : head == host_interface.name || has_altname(host_interface, head);
}

core::Directions not_yet(const std::vector<Link>& links, const Link& link) {
    core::Directions left = link.directions;
    for (const Link& one : links) {
        if (one.hook == link.hook && one.head == link.head) {
            left = {left.has(core::Direction::kIn) && !one.directions.has(core::Direction::kIn),
                    left.has(core::Direction::kOut) && !one.directions.has(core::Direction::kOut)};
        }
    }
    return left;
}

/// Links at names and patterns, as those of the interface; the same hook is linked once.
std::vector<Link> links_of(const std::vector<Link>& links, const HostInterface& host_interface) {
    std::vector<Link> found;
    for (const bool of_patterns : {true, false}) {
        for (const Link& link : links) {
            if (is_pattern(link.head) != of_patterns || !leads_to(link.head, host_interface)) {
                continue;
            }
            Link here = link;
            here.head = host_interface.name;
            here.directions = not_yet(found, here);
            if (!here.directions.empty()) {
                found.push_back(std::move(here));
            }
        }
    }
    return found;
}

} // namespace

const HostInterface* find_host_interface(const std::vector<HostInterface>& host_interfaces, std::string_view name) {
    const auto named = std::find_if(host_interfaces.begin(), host_interfaces.end(),
                                    [&](const HostInterface& one) { return one.name == name; });
    const auto found = named != host_interfaces.end()
                           ? named
                           : std::find_if(host_interfaces.begin(), host_interfaces.end(),
                                          [&](const HostInterface& one) { return has_altname(one, name); });
    return found == host_interfaces.end() ? nullptr : &*found;
}

const Interface* item_of(const Model& model, const HostInterface& host_interface) {
    if (const Interface* const named = find_interface(model, host_interface.name)) {
        return named;
    }
    for (const std::string& name : host_interface.altnames) {
        if (const Interface* const named = find_interface(model, name)) {
            return named;
        }
    }
    return host_interface.only_by_name ? nullptr : item_of(model, std::string_view(host_interface.name));
}

Guarded guarded(const Model& model, const std::vector<HostInterface>& host_interfaces) {
    Guarded here;
    std::vector<Link> of_interfaces;
    for (const Link& link : model.links) {
        if (is_met(model, link)) {
            (common_head(link.head) ? here.model.links : of_interfaces).push_back(link);
        }
    }
    for (const Interface& item : model.interfaces) {
        if (item.wanted && !is_pattern(item.name)) {
            here.missing.insert(item.name);
        }
    }
    for (const HostInterface& host_interface : host_interfaces) {
        here.missing.erase(host_interface.name);
        for (const std::string& name : host_interface.altnames) {
            here.missing.erase(name);
        }
        const Interface* const item = common_head(host_interface.name) ? nullptr : item_of(model, host_interface);
        if (item == nullptr || !item->wanted || !here.items.emplace(host_interface.name, item->name).second) {
            continue;
        }
        here.model.interfaces.push_back(*item);
        here.model.interfaces.back().name = host_interface.name;
        if (item->mode != core::HeadMode::kTap) {
            for (Link& link : links_of(of_interfaces, host_interface)) {
                here.model.links.push_back(std::move(link));
            }
        }
    }
    put_in_order(here.model);
    return here;
}

} // namespace pfild::config
