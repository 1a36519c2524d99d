// SPDX-License-Identifier: BSD-2-Clause
// Attachments and slots, and what a change of what is wanted does to them.
#include "daemon/interfaces/interfaces.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "pfild/abi.h"

namespace pfild::interfaces {
namespace {

core::Result<void> keep_first(core::Result<void> first, core::Result<void> next) {
    if (!first && !next) {
        spdlog::error("{}", next.error().line()); // only one can be answered
    }
    return first ? std::move(next) : std::move(first);
}

core::Result<void> about(const Attachment& attachment, core::Result<void> result) {
    if (!result && result.error().object != attachment.link().name) {
        std::string& object = result.error().object;
        object = attachment.link().name + (object.empty() ? "" : ", " + object);
    }
    return result;
}

bool is_only_tapped(const config::Interface& interface) { return interface.mode == core::HeadMode::kTap; }

core::HeadSpec head_of(const std::string& name, std::uint8_t slot) {
    return {.name = name, .type = core::HeadType::kEthernet, .slot = slot};
}

} // namespace

// Without waiting: what is gone is cleared up beside.
void Interfaces::end() noexcept {
    schedule_.call_no_more();
    std::vector<std::unique_ptr<Attachment>> all;
    for (auto& [ifindex, attachment] : std::exchange(attachments_, {})) {
        all.push_back(std::move(attachment));
    }
    if (!all.empty()) {
        host_.detach(std::move(all));
    }
    going_.clear();
    schedule_.await_beside();
    making_.reset();
}

Interfaces::Attachments::iterator Interfaces::find_attached(std::string_view name) {
    return std::find_if(attachments_.begin(), attachments_.end(),
                        [&](const auto& entry) { return entry.second->link().name == name; });
}

const Attachment* Interfaces::find(std::string_view name) const {
    const auto found = std::find_if(attachments_.begin(), attachments_.end(),
                                    [&](const auto& entry) { return entry.second->link().name == name; });
    return found == attachments_.end() ? nullptr : found->second.get();
}

std::uint64_t Interfaces::used_slots() const {
    static_assert(PFILD_MAX_INTERFACES == 64);
    std::uint64_t used = 0;
    for (const auto& [ifindex, attachment] : attachments_) {
        used |= 1ULL << attachment->slot();
    }
    for (const auto& [number, going] : going_) {
        used |= 1ULL << going.attachment->slot();
    }
    return used;
}

core::Result<std::uint8_t> Interfaces::free_slot(const std::string& interface, bool with_sockets) {
    const std::uint64_t used = used_slots();
    const auto coming = std::count_if(attachments_.begin(), attachments_.end(),
                                      [](const auto& one) { return one.second->is_coming(); });
    if (with_sockets && !host_.has_buffers_for(1 + static_cast<std::size_t>(coming))) {
        return core::fail({"attach", interface, "the packet memory is used up by the interfaces that are attached",
                           "raise `buffers` in the configuration", ENOBUFS});
    }
    for (const std::uint8_t slot : host_.ready_slots()) {
        if (((used >> slot) & 1U) == 0) {
            return slot;
        }
    }
    for (std::uint8_t slot = 0; slot < PFILD_MAX_INTERFACES; slot++) {
        if (((used >> slot) & 1U) == 0) {
            return slot;
        }
    }
    return core::fail({"attach", interface, "as many interfaces are attached as an instance can have",
                       "detach one, or run another instance", ENOBUFS});
}

/// Those that have gone are waited for, if they have what is needed.
core::Result<std::uint8_t> Interfaces::make_room(const std::string& interface, bool with_sockets) {
    auto slot = free_slot(interface, with_sockets);
    if (slot || going_.empty()) {
        return slot;
    }
    clear_up_gone();
    schedule_.await_beside();
    going_.clear();
    return free_slot(interface, with_sockets);
}

core::Result<void> Interfaces::put(const config::Interface& interface) {
    const auto attached = find_attached(interface.name);
    if (attached == attachments_.end()) {
        return attach(interface);
    }
    leaving_.erase(attached->first);
    keep_mode(attached);
    return attached->second->mode() == interface.mode
               ? attached->second->set_manner({interface.unknown, interface.silent}, interface.position)
               : change_mode(attached, interface);
}

/// The change of mode that was prepared is none: links that came before its heads are nowhere again.
void Interfaces::keep_mode(Attachments::iterator attached) {
    if (remade_.erase(attached->first) != 0 && attached->second->only_tapped()) {
        dependents_.unregister_head(attached->second->link().name);
    }
}

/// With bring_heads().
core::Result<void> Interfaces::change_mode(Attachments::iterator attached, const config::Interface& interface) {
    const Attachment& attachment = *attached->second;
    if (auto possible = host_.attachable(attachment.link(), interface.mode); !possible) {
        return possible;
    }
    if (attachment.only_tapped()) { // links come before the heads do
        if (auto registered = dependents_.register_head(head_of(interface.name, attachment.slot())); !registered) {
            return registered;
        }
    }
    heads_came_ = true;
    remade_.insert_or_assign(attached->first, interface);
    return {};
}

/// Detaches and attaches in the other mode. The head that links are at stays, if the new mode has one.
core::Result<void> Interfaces::remake(std::uint32_t ifindex, const config::Interface& interface) {
    const auto attached = attachments_.find(ifindex);
    if (attached == attachments_.end()) {
        return {};
    }
    const net::Link link = attached->second->link();
    const std::uint8_t slot = attached->second->slot();
    dependents_.leaves(ifindex);
    end_repairs(*attached->second);
    attachments_.erase(attached);
    if (is_only_tapped(interface)) {
        dependents_.unregister_head(link.name);
    }
    dependents_.place_hooks();
    auto attachment = make(link, slot, interface);
    if (!attachment) {
        if (!is_only_tapped(interface)) {
            dependents_.unregister_head(link.name);
        }
        return core::fail(std::move(attachment.error()));
    }
    dependents_.came(*attachments_.emplace(ifindex, std::move(*attachment)).first->second);
    dependents_.place_hooks();
    return {};
}

core::Result<std::unique_ptr<Attachment>> Interfaces::make(const net::Link& link, std::uint8_t slot,
                                                           const config::Interface& interface) {
    const auto before = turned_off_before_.find(link.name);
    return host_.attach({.link = link,
                         .slot = slot,
                         .fail = {interface.unknown, interface.silent},
                         .mode = interface.mode,
                         .position = interface.position,
                         .turned_off = before == turned_off_before_.end() ? std::vector<std::string>() : before->second,
                         .divert = dependents_.diverted(slot),
                         .asked = dependents_.asked_upkeep(slot),
                         .heads_later = !manner_.heads_first,
                         .heads_first = manner_.heads_first,
                         .strict = interface.strict && manner_.heads_first && known_.is_new(link.ifindex),
                         .tc_will_do = manner_.tc_will_do});
}

core::Result<net::Link> Interfaces::link_of(const std::string& name) {
    auto link = host_.find(name);
    if (link && link->name != name) { // it has gone, and the name is an alternative one of another
        return core::fail({"attach", name, "no such interface", "`ip link` lists what there is", ENODEV});
    }
    if (!link) {
        link.error().what = "attach";
    }
    return link;
}

core::Result<void> Interfaces::attach(const config::Interface& interface) {
    const auto link = link_of(interface.name);
    if (!link) {
        return core::fail(link.error());
    }
    if (auto possible = host_.attachable(*link, interface.mode); !possible) {
        return possible;
    }
    const auto taken_over = host_.may_attach(*link);
    if (!taken_over) {
        return core::fail(taken_over.error());
    }
    const bool filters = !is_only_tapped(interface);
    const auto slot = make_room(link->name, filters);
    if (!slot) {
        return core::fail(slot.error());
    }
    if (auto registered = filters ? dependents_.register_head(head_of(link->name, *slot)) : core::Result<void>();
        !registered) {
        return registered;
    }
    auto attachment = make(*link, *slot, interface);
    if (!attachment) {
        if (filters) {
            dependents_.unregister_head(link->name);
        }
        return core::fail(std::move(attachment.error()));
    }
    turned_off_before_.erase(link->name);
    heads_came_ = true;
    leaving_.erase(link->ifindex);
    spared_.erase(link->ifindex);
    for (const std::string& one : *taken_over) {
        spdlog::warn("{}: takes over a head that nobody serves: {}", link->name, one);
    }
    const Attachment& added = *attachments_.emplace(link->ifindex, std::move(*attachment)).first->second;
    if (added.is_coming()) {
        finish_soon();
    }
    dependents_.came(added);
    spdlog::info("{}: attached, {}", link->name,
                 !filters                                     ? "to be tapped only"
                 : interface.unknown == core::FailMode::kPass ? "unknown packets pass"
                                                              : "unknown packets are dropped");
    return {};
}

void Interfaces::remove(const std::string& name) {
    if (const auto attached = find_attached(name); attached != attachments_.end()) {
        keep_mode(attached);
        leaving_.insert(attached->first);
    } else if (const auto ifindex = left_on(name)) {
        leaving_.insert(*ifindex);
    }
}

bool Interfaces::will_filter(const Attachment& attachment) const {
    const auto remade = remade_.find(attachment.link().ifindex);
    return stays(attachment.link().ifindex) &&
           (remade == remade_.end() ? !attachment.only_tapped() : !is_only_tapped(remade->second));
}

core::Result<void> Interfaces::bring_heads(WithoutHeads then) {
    core::Result<void> result;
    for (const auto& [ifindex, interface] : std::exchange(remade_, {})) {
        result = keep_first(std::move(result), remake(ifindex, interface));
    }
    for (auto& [ifindex, attachment] : attachments_) {
        if (!leaving_.contains(ifindex)) {
            result = keep_first(std::move(result), about(*attachment, attachment->go_live(then)));
        }
    }
    return result;
}

void Interfaces::drop_leaving() {
    std::vector<std::unique_ptr<Attachment>> all;
    std::vector<std::string> names;
    std::vector<std::string> heads;
    for (const std::uint32_t ifindex : std::exchange(leaving_, {})) {
        if (auto attached = attachments_.extract(ifindex)) {
            names.push_back(attached.mapped()->link().name);
            if (!attached.mapped()->only_tapped()) {
                heads.push_back(names.back());
            }
            dependents_.leaves(ifindex);
            end_repairs(*attached.mapped());
            all.push_back(std::move(attached.mapped()));
        } else if (remove_spared(ifindex)) {
            spdlog::info("the heads of the killed daemon on interface {} are removed", ifindex);
        }
    }
    if (all.empty()) {
        return;
    }
    host_.detach(std::move(all));
    dropped(heads);
    for (const std::string& name : names) {
        spdlog::info("{}: detached", name);
    }
}

/// What is left of attachments that are no more: their heads' names.
void Interfaces::dropped(const std::vector<std::string>& heads) {
    dependents_.place_hooks();
    for (const std::string& head : heads) {
        dependents_.unregister_head(head);
    }
    set_diverts();
}

/// Of one that is gone, what waits long for the kernel comes later, since others may come meanwhile.
void Interfaces::drop_gone(Attachments::iterator attached) {
    const std::vector<std::string> heads(attached->second->only_tapped() ? 0 : 1, attached->second->link().name);
    dependents_.leaves(attached->first);
    end_repairs(*attached->second);
    const std::uint32_t number = attached->second->number();
    going_.emplace(number, Going{std::move(attached->second)});
    finish_soon();
    attachments_.erase(attached);
    dropped(heads);
}

void Interfaces::set_diverts() {
    for (auto& [ifindex, attachment] : attachments_) {
        const std::uint8_t slot = attachment->slot();
        auto set = attachment->set_divert(dependents_.diverted(slot), dependents_.chained(slot),
                                          dependents_.asked_upkeep(slot));
        if (!set) {
            spdlog::error("{}: {}", attachment->link().name, set.error().line());
        }
    }
}

} // namespace pfild::interfaces
