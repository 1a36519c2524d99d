// SPDX-License-Identifier: BSD-2-Clause
// What a peer hands over as a memfd. Only memory that can never change again is read, and it is copied: nobody can
// change it between the check and the use, cut it under a reader, or make a read wait.
#pragma once

#include <cstddef>
#include <string>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::sys {

/// Whether it is a memfd with the seals WRITE, SHRINK, GROW and SEAL. Never waits.
[[nodiscard]] bool is_sealed(const Fd& memory) noexcept;

/// How long it is; 0 without a descriptor.
[[nodiscard]] std::size_t sealed_bytes(const Fd& memory) noexcept;

/// The content. EINVAL: it is no memfd (a file, a pipe, a socket, a file of FUSE), or it lacks one of the seals WRITE,
/// SHRINK, GROW and SEAL. EMSGSIZE: it has more than `most` bytes. Nothing but F_GET_SEALS is done with what is none.
[[nodiscard]] core::Result<std::string> read_sealed(const Fd& memory, std::size_t most);

} // namespace pfild::sys
