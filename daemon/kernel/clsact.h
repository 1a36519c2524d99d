// SPDX-License-Identifier: BSD-2-Clause
// Programs attached as TC filters on a clsact qdisc: what every supported kernel has. Foreign filters and a foreign
// clsact are never touched; a clsact that came with us goes with us, if nobody else uses it. Every call is for the
// namespace that the calling thread is in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/direction.h"
#include "core/error.h"

namespace pfild::kernel::clsact {

struct Filter {
    std::uint32_t handle = 0;
    std::uint32_t preference = 0;
    std::string kind;
    std::uint32_t program = 0; ///< the kernel's number; 0: not of kind "bpf"

    friend bool operator==(const Filter&, const Filter&) = default;
};

/// Every filter of that direction, whoever's, in the order in which packets meet them.
[[nodiscard]] std::vector<Filter> list(std::uint32_t ifindex, core::Direction direction);

/// Attaches as far in front as it can, and makes the qdisc where there is none: in one step, so a daemon that is killed
/// leaves no qdisc without a filter. own_qdisc: a qdisc that is there has come with a filter of this device. Whether it
/// did is remembered in the filter.
[[nodiscard]] core::Result<Filter> attach(std::uint32_t ifindex, core::Direction direction, int program_fd,
                                          bool own_qdisc);
/// Takes the place of `old`, in one step.
[[nodiscard]] core::Result<Filter> replace(std::uint32_t ifindex, core::Direction direction, int program_fd,
                                           const Filter& old);
/// Not there is no error. A qdisc that came with it goes with it, in one step, if nobody else uses it.
void detach(std::uint32_t ifindex, core::Direction direction, const Filter& filter);
/// Whether the qdisc was made for this filter.
[[nodiscard]] bool came_with_qdisc(const Filter& filter);
/// For a qdisc that came with another filter than the last.
void remove_qdisc_if_unused(std::uint32_t ifindex);

} // namespace pfild::kernel::clsact
