// SPDX-License-Identifier: BSD-2-Clause
// The running kernel: its version, and the one process limit that older kernels charge maps and buffers to.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace pfild::sys {

struct KernelVersion {
    unsigned major_number = 0;
    unsigned minor_number = 0;
    unsigned patch = 0;

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted comparison
    friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

/// `uname -r`, e.g. "6.1.0-18-cloud-amd64".
[[nodiscard]] std::string kernel_release();

/// The numbers that a release begins with; nullopt if it does not begin with at least "major.minor".
[[nodiscard]] std::optional<KernelVersion> parse_kernel_version(std::string_view release);

/// Debian 12's; older ones are refused at start.
inline constexpr KernelVersion kOldestKernel{6, 1, 0};

/// ENOSYS if the running kernel is older than kOldestKernel.
[[nodiscard]] core::Result<void> require_kernel();

/// RLIMIT_MEMLOCK as high as it goes: to infinity with CAP_SYS_RESOURCE, else to the hard limit. With CAP_IPC_LOCK
/// packet buffers are not charged to it, nor BPF maps since Linux 5.11, so that a lower limit is no failure.
void raise_memlock_limit() noexcept;

} // namespace pfild::sys
