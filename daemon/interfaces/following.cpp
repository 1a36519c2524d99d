// SPDX-License-Identifier: BSD-2-Clause
// What happens to interfaces by itself, and what a killed daemon has left on them.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "daemon/interfaces/interfaces.h"
#include "daemon/interfaces/renames.h"
#include "daemon/net/port.h"

namespace pfild::interfaces {

void Interfaces::look_at(std::uint32_t ifindex) {
    const auto owner = std::find_if(attachments_.begin(), attachments_.end(),
                                    [&](const auto& one) { return one.second->owns_port(ifindex); });
    if (owner != attachments_.end()) {
        repair(*owner->second);
    } else if (attachments_.contains(ifindex)) {
        look_at_attached(ifindex);
    } else {
        look_at_other(ifindex);
    }
}

void Interfaces::look_at_attached(std::uint32_t ifindex) {
    auto attached = attachments_.find(ifindex);
    const auto link = host_.find(ifindex);
    if (!link && link.error().code != ENODEV) {
        spdlog::error("{}: {}", attached->second->link().name, link.error().line());
        return;
    }
    if (!link || !attached->second->is_there()) {
        end_attachment(attached);
        look_at_other(ifindex); // another may have its index, and have brought heads along
        return;
    }
    const bool has_other_altnames = link->altnames != attached->second->link().altnames;
    if (link->name != attached->second->link().name) {
        follow_names();
        attached = attachments_.find(ifindex);
        if (attached == attachments_.end()) { // nothing means it any more
            return;
        }
    }
    Attachment& attachment = *attached->second;
    known_.know(*link);
    if (auto followed = attachment.follow(*link); !followed) {
        spdlog::error("{}: {}", link->name, followed.error().line());
    }
    dependents_.changed(attachment);
    repair(attachment);
    if (has_other_altnames && events_.seen) {
        events_.seen(link->name);
    }
}

/// One that is not attached.
void Interfaces::look_at_other(std::uint32_t ifindex) {
    const auto link = host_.find(ifindex);
    if (link) {
        known_.know(*link);
        if (swept_ && !net::is_port(*link)) {
            sweep(*link);
            if (events_.seen) {
                events_.seen(link->name);
            }
            known_.looked_at(ifindex);
        }
    } else if (link.error().code == ENODEV) {
        const auto gone = known_.forget(ifindex);
        if (gone && swept_ && events_.gone && !gone->only_by_name) {
            events_.gone(gone->name);
        }
    }
}

// Whatever the kernel calls an attached one by now: that it has another name will be announced.
std::vector<config::HostInterface> Interfaces::host_interfaces(bool anew) {
    if (anew) {
        const auto all = host_.all();
        failed_looks_.log("names of interfaces", all ? core::Result<void>() : core::fail(all.error()));
        if (all) {
            known_.know_all(*all);
        }
    }
    return known_.all(attached_names());
}

std::map<std::uint32_t, std::string> Interfaces::attached_names() const {
    std::map<std::uint32_t, std::string> names;
    for (const auto& [ifindex, attachment] : attachments_) {
        names.emplace(ifindex, attachment->link().name);
    }
    return names;
}

/// Names may have been exchanged meanwhile, so all are looked at.
void Interfaces::follow_names() {
    const auto all = host_.all();
    if (!all) {
        spdlog::error("names of interfaces: {}", all.error().line());
        return;
    }
    known_.know_all(*all);
    std::map<std::string, std::string> names;
    std::map<std::uint32_t, std::string> heads; // as they are called before
    std::map<std::uint32_t, std::string> now;
    for (const net::Link& link : *all) {
        const auto attached = attachments_.find(link.ifindex);
        if (attached == attachments_.end() || attached->second->link().name == link.name) {
            continue;
        }
        const std::string before = attached->second->link().name;
        spdlog::info("{}: is now called {}", before, link.name);
        names.emplace(before, link.name);
        now.emplace(link.ifindex, link.name);
        if (!attached->second->only_tapped()) {
            heads.emplace(link.ifindex, before);
        }
        if (auto followed = attached->second->follow(link); !followed) {
            spdlog::error("{}: {}", link.name, followed.error().line());
        }
    }
    for (const Rename& step : renames(heads, now)) {
        if (auto renamed = dependents_.rename_head(step.from, step.to); !renamed) {
            spdlog::error("{}", renamed.error().line());
        }
    }
    if (events_.renamed && !names.empty()) {
        events_.renamed(names);
    }
}

void Interfaces::end_attachment(Attachments::iterator attached) {
    const std::string name = attached->second->link().name;
    spdlog::warn("{}: the interface is gone, detached", name);
    attached->second->let_go();
    leaving_.erase(attached->first);
    keep_mode(attached);
    (void)known_.forget(attached->first);
    drop_gone(attached);
    if (events_.gone) {
        events_.gone(name);
    }
}

// The announcement may be old, and another interface have the index, or the same one again. It is the one that was
// attached if that attachment's heads are on it.
void Interfaces::let_go(std::uint32_t ifindex) {
    const auto attached = attachments_.find(ifindex);
    if (attached != attachments_.end() && !attached->second->is_there()) {
        end_attachment(attached);
    } else if (attached != attachments_.end()) {
        if (auto back = attached->second->take_back(); !back) {
            spdlog::error("{}: {}", attached->second->link().name, back.error().line());
        }
    }
    look_at(ifindex);
}

void Interfaces::look_at_all() {
    for (const auto& [ifindex, name] : attached_names()) {
        look_at(ifindex);
    }
    repair_all();
}

void Interfaces::repair_all() {
    for (auto& [ifindex, attachment] : attachments_) {
        repair(*attachment);
    }
}

// It is tried each second and at each announcement: why it fails is said once.
void Interfaces::repair(Attachment& attachment) {
    const std::string& name = attachment.link().name;
    const auto repaired = attachment.repair();
    if (!repaired) {
        if (const std::string why = repaired.error().line(); failed_repairs_[attachment.number()].again(why)) {
            spdlog::error("{}: repair failed, it is tried again each second: {}", name, why);
        }
        return;
    }
    if (*repaired) {
        dependents_.changed(attachment); // its port pair is another one
    }
    auto failed = failed_repairs_.extract(attachment.number());
    const std::uint64_t times = failed ? failed.mapped().over() : 0;
    if (times > 0) {
        spdlog::warn("{}: repaired, after it had failed {} times", name, times);
    } else if (*repaired) {
        spdlog::warn("{}: port pair or heads were changed by somebody else, repaired", name);
    }
}

/// It is attached no more, or otherwise.
void Interfaces::end_repairs(const Attachment& attachment) {
    auto failed = failed_repairs_.extract(attachment.number());
    if (const std::uint64_t times = failed ? failed.mapped().over() : 0; times > 1) {
        spdlog::warn("{}: its repair had failed {} times", attachment.link().name, times);
    }
}

void Interfaces::watch_lanes() {
    for (auto& [ifindex, attachment] : attachments_) {
        attachment->watch_lanes();
    }
}

// Heads of a killed daemon

void Interfaces::keep_all() {
    for (auto& [ifindex, attachment] : attachments_) {
        attachment->keep();
    }
}

bool Interfaces::all_replaced() const {
    return spared_.empty() &&
           std::all_of(attachments_.begin(), attachments_.end(), [](const auto& one) { return one.second->is_live(); });
}

void Interfaces::sweep(const net::Link& link) {
    if (attachments_.contains(link.ifindex) || spared_.contains(link.ifindex)) {
        return;
    }
    for (const std::string& removed : host_.sweep(link.ifindex)) {
        spdlog::warn("{}: removed a head that nobody serves: {}", link.name, removed);
    }
}

void Interfaces::sweep_all(const std::set<std::string>& spared) {
    swept_ = true;
    known_.expect_new();
    const auto all = host_.all();
    if (!all) {
        spdlog::error("heads of a killed daemon may be left: {}", all.error().line());
        return;
    }
    for (const net::Link& link : *all) {
        if (spared.contains(link.name) && !attachments_.contains(link.ifindex) && host_.has_left_heads(link.ifindex)) {
            spared_.insert(link.ifindex);
            spdlog::error("{}: the heads of the killed daemon stay, as they could not be replaced", link.name);
        }
        sweep(link);
    }
}

void Interfaces::sweep_spared() {
    while (!spared_.empty()) {
        (void)remove_spared(*spared_.begin());
    }
}

/// At the wish of somebody, who has them go for good.
bool Interfaces::remove_spared(std::uint32_t ifindex) {
    if (spared_.erase(ifindex) == 0) {
        return false;
    }
    (void)host_.sweep(ifindex);
    return true;
}

std::optional<std::uint32_t> Interfaces::left_on(const std::string& name) const {
    const auto link = host_.find(name);
    return link && host_.has_left_heads(link->ifindex) ? std::optional(link->ifindex) : std::nullopt;
}

std::optional<std::string> Interfaces::left_on(std::uint32_t ifindex) const {
    if (!host_.has_left_heads(ifindex)) {
        return std::nullopt;
    }
    const auto link = host_.find(ifindex);
    return link ? std::optional(link->name) : std::nullopt;
}

} // namespace pfild::interfaces
