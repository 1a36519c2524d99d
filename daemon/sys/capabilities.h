// SPDX-License-Identifier: BSD-2-Clause
// What the process may do, asked before anything is touched: a daemon that fails half-way for want of a right is worse
// than one that says at once which right it wants.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace pfild::sys {

/// One right that the daemon needs, and what for.
struct NeededCapability {
    std::string_view name; ///< "CAP_BPF"
    int number;            ///< of linux/capability.h
    std::string_view purpose;
};

/// CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_SYS_ADMIN.
[[nodiscard]] std::span<const NeededCapability> needed_capabilities() noexcept;

/// Those of them that the calling thread does not have in effect, in the order above.
[[nodiscard]] core::Result<std::vector<NeededCapability>> missing_capabilities();

/// EPERM, naming every missing one, if any is missing.
[[nodiscard]] core::Result<void> require_capabilities();

/// CAP_SYS_PTRACE of the calling thread: it is in effect for as long as one of these lives, if the thread may have it.
class PtraceRight {
  public:
    PtraceRight() noexcept;
    PtraceRight(const PtraceRight&) = delete;
    PtraceRight& operator=(const PtraceRight&) = delete;
    PtraceRight(PtraceRight&&) = delete;
    PtraceRight& operator=(PtraceRight&&) = delete;
    ~PtraceRight();
};
/// It is not in effect from now on, also for threads that are made later.
void lay_down_ptrace_right() noexcept;

/// The error that `missing` deserves; pure, success when it is empty.
[[nodiscard]] core::Result<void> refuse_missing(std::span<const NeededCapability> missing);

} // namespace pfild::sys
