// SPDX-License-Identifier: BSD-2-Clause
// What the orchestrator does with heads and chains that a killed daemon has left.
#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "daemon/instance/orchestrator.h"
#include "daemon/kernel/found_heads.h"

namespace pfild {

void Orchestrator::settle() {
    for (auto& [ifindex, attachment] : attachments_) {
        attachment->keep();
    }
    release_old_chains();
}

// Not while heads of a killed daemon, which ask them, are where none of this run could be put.
void Orchestrator::release_old_chains() {
    const bool replaced = spared_.empty() && std::all_of(attachments_.begin(), attachments_.end(),
                                                         [](const auto& one) { return one.second->is_live(); });
    if (replaced && !std::exchange(old_chains_released_, true)) {
        pins_.release_old_chains();
    }
}

void Orchestrator::sweep(const net::Link& link) {
    if (attachments_.contains(link.ifindex) || spared_.contains(link.ifindex)) {
        return;
    }
    for (const std::string& removed : kernel::sweep(link.ifindex, programs_->identity())) {
        spdlog::warn("{}: removed a head that nobody serves: {}", link.name, removed);
    }
}

void Orchestrator::sweep_all(const std::set<std::string>& spared) {
    swept_ = true;
    known_.expect_new();
    auto links = net::Links::open();
    auto all = links ? links->all() : core::fail(std::move(links.error()));
    if (!all) {
        spdlog::error("heads of a killed daemon may be left: {}", all.error().line());
        return;
    }
    for (const net::Link& link : *all) {
        if (spared.contains(link.name) && !attachments_.contains(link.ifindex) && left_on(link.ifindex)) {
            spared_.insert(link.ifindex);
            spdlog::error("{}: the heads of the killed daemon stay, as they could not be replaced", link.name);
        }
        sweep(link);
    }
}

std::optional<std::uint32_t> Orchestrator::left_on(const std::string& interface) const {
    auto links = net::Links::open();
    const auto link = links ? links->find(interface) : core::fail(std::move(links.error()));
    return link && left_on(link->ifindex) ? std::optional(link->ifindex) : std::nullopt;
}

// At the wish of somebody, who has them go for good.
bool Orchestrator::remove_spared(std::uint32_t ifindex) {
    if (spared_.erase(ifindex) == 0) {
        return false;
    }
    (void)kernel::sweep(ifindex, programs_->identity());
    release_old_chains();
    return true;
}

std::optional<std::string> Orchestrator::left_on(std::uint32_t ifindex) const {
    const std::vector<kernel::FoundHead> heads = kernel::find_heads(ifindex);
    const bool left = std::any_of(heads.begin(), heads.end(), [&](const kernel::FoundHead& head) {
        return kernel::whose(head.owner, programs_->identity()) == kernel::Whose::left;
    });
    auto links = left ? net::Links::open() : core::fail({"find", "", "no heads", "", ENOENT});
    auto link = links ? links->find(ifindex) : core::fail(std::move(links.error()));
    return link ? std::optional(link->name) : std::nullopt;
}

} // namespace pfild
