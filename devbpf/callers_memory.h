// SPDX-License-Identifier: BSD-2-Clause
// The memory of the program that calls an ioctl, where its argument is a pointer (BIOCSETF and its kin, BIOCGDLTLIST).
//
//     /proc/PID, opened once -> its ids are the caller's? -> process_vm_readv, process_vm_writev -> still the same?
//
// Why this is the caller's memory and no other's: the thread that asks sleeps in its ioctl until it is answered, and
// cannot be killed while the request is here. An exec of one of its threads waits for it. So its number and its memory
// stay what they are as long as the request is not answered.
// => whoever asks answers the request only after the copy, on interrupt too.
//
// Without CAP_SYS_PTRACE only programs of one's own user can be reached, and only those without more rights.
#pragma once

#include <cstdint>
#include <span>

#include <sys/types.h>

#include "core/error.h"

namespace pfild::devbpf {

/// Who asks, as FUSE says it.
struct Caller {
    pid_t pid = 0; ///< of the thread, in our namespace of processes; 0: it is in none that is seen from here
    uid_t uid = 0; ///< the one that counts for files
    gid_t gid = 0;
};

/// Copies from the program's memory. EFAULT: there is none, or not all of it, or the caller is not who he was said to
/// be; then `into` has any bytes.
[[nodiscard]] core::Result<void> read_memory(const Caller& caller, std::uint64_t address, std::span<std::uint8_t> into);

/// Copies to it. EFAULT: as above, or it cannot be written; some of it may have been.
[[nodiscard]] core::Result<void> write_memory(const Caller& caller, std::uint64_t address,
                                              std::span<const std::uint8_t> from);

} // namespace pfild::devbpf
