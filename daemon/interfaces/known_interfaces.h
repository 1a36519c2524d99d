// SPDX-License-Identifier: BSD-2-Clause
// The interfaces of the host as they were announced, attached or not: what names mean, without asking the kernel.
// Plain values; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/guarded.h"
#include "daemon/net/links.h"

namespace pfild::interfaces {

class KnownInterfaces {
  public:
    /// From now on an interface that is not known has been made meanwhile.
    void expect_new() noexcept { all_are_known_ = true; }

    void know(const net::Link& link);
    /// These are all that there are.
    void know_all(const std::vector<net::Link>& links);
    /// What was known of it; nothing: nothing was.
    std::optional<config::HostInterface> forget(std::uint32_t ifindex);

    /// It was made after expect_new(), and nobody has looked at it.
    [[nodiscard]] bool is_new(std::uint32_t ifindex) const { return new_.contains(ifindex); }
    void looked_at(std::uint32_t ifindex) { new_.erase(ifindex); }

    /// All of them. attached: those that are guarded, and the names by which they are, which count until it is told
    /// that they have others; who has been given such a name meanwhile is left out.
    [[nodiscard]] std::vector<config::HostInterface> all(const std::map<std::uint32_t, std::string>& attached) const;

  private:
    std::map<std::uint32_t, config::HostInterface> interfaces_;
    std::set<std::uint32_t> new_;
    bool all_are_known_ = false;
};

} // namespace pfild::interfaces
