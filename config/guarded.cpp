// SPDX-License-Identifier: BSD-2-Clause
// See config/guarded.h.
#include "config/guarded.h"

#include <algorithm>
#include <utility>

namespace pfild::config {
namespace {

bool has_altname(const Device& device, std::string_view name) {
    return std::find(device.altnames.begin(), device.altnames.end(), name) != device.altnames.end();
}

/// Whether links at that head are links of the interface.
bool leads_to(const std::string& head, const Device& device) {
    return is_pattern(head) ? !device.only_by_name && means(head, device.name)
                            : head == device.name || has_altname(device, head);
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
std::vector<Link> links_of(const std::vector<Link>& links, const Device& device) {
    std::vector<Link> found;
    for (const bool of_patterns : {true, false}) {
        for (const Link& link : links) {
            if (is_pattern(link.head) != of_patterns || !leads_to(link.head, device)) {
                continue;
            }
            Link here = link;
            here.head = device.name;
            here.directions = not_yet(found, here);
            if (!here.directions.empty()) {
                found.push_back(std::move(here));
            }
        }
    }
    return found;
}

} // namespace

const Device* find_device(const std::vector<Device>& devices, std::string_view name) {
    const auto named =
        std::find_if(devices.begin(), devices.end(), [&](const Device& one) { return one.name == name; });
    const auto found = named != devices.end() ? named
                                              : std::find_if(devices.begin(), devices.end(),
                                                             [&](const Device& one) { return has_altname(one, name); });
    return found == devices.end() ? nullptr : &*found;
}

const Interface* item_of(const Model& model, const Device& device) {
    if (const Interface* const named = find_interface(model, device.name)) {
        return named;
    }
    for (const std::string& name : device.altnames) {
        if (const Interface* const named = find_interface(model, name)) {
            return named;
        }
    }
    return device.only_by_name ? nullptr : item_of(model, std::string_view(device.name));
}

Guarded guarded(const Model& model, const std::vector<Device>& devices) {
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
    for (const Device& device : devices) {
        here.missing.erase(device.name);
        for (const std::string& name : device.altnames) {
            here.missing.erase(name);
        }
        const Interface* const item = common_head(device.name) ? nullptr : item_of(model, device);
        if (item == nullptr || !item->wanted || !here.items.emplace(device.name, item->name).second) {
            continue;
        }
        here.model.interfaces.push_back(*item);
        here.model.interfaces.back().name = device.name;
        if (item->mode != core::HeadMode::kTap) {
            for (Link& link : links_of(of_interfaces, device)) {
                here.model.links.push_back(std::move(link));
            }
        }
    }
    put_in_order(here.model);
    return here;
}

} // namespace pfild::config
