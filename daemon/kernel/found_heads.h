// SPDX-License-Identifier: BSD-2-Clause
// The heads of pfild that are at an interface, whichever daemon has put them there, and the programs of strangers in
// front of one. Control thread; every call is for the namespace that the calling thread is in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/kernel/clsact.h"
#include "daemon/kernel/identity.h"

namespace pfild::kernel {

enum class HeadPlace : std::uint8_t { kTcx, kClsact, kXdp };

struct FoundHead {
    HeadPlace place = HeadPlace::kTcx;
    core::Direction direction = core::Direction::kIn;
    std::uint32_t program = 0;
    clsact::Filter filter; ///< on clsact
    Owner owner;

    /// "tcx ingress"
    [[nodiscard]] std::string where() const;
};

/// By TCX and on clsact; then where XDP is.
[[nodiscard]] std::vector<FoundHead> find_heads(std::uint32_t ifindex);
/// Of the programs there that belong to no interface: the device is a port of theirs.
[[nodiscard]] std::vector<Owner> port_owners(std::uint32_t ifindex);
void remove_head(std::uint32_t ifindex, const FoundHead& head);

/// Whether one of them is of this run and of the attachment that `identity` names.
[[nodiscard]] bool has_head_of(std::uint32_t ifindex, const pfild_identity& identity);

/// EBUSY: a head of another living instance is there, which is named. Else what heads would be taken over, in words.
[[nodiscard]] core::Result<std::vector<std::string>> may_attach(std::uint32_t ifindex, const std::string& name,
                                                                const pfild_identity& self);

/// Removes the heads of this run, of killed daemons of this name, and those that have strayed here. Returns what was
/// removed, in words.
std::vector<std::string> sweep(std::uint32_t ifindex, const pfild_identity& self);

} // namespace pfild::kernel
