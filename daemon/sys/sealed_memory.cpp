// SPDX-License-Identifier: BSD-2-Clause
// See daemon/sys/sealed_memory.h.
#include "daemon/sys/sealed_memory.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {

bool is_sealed(const Fd& memory) noexcept {
    constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    const int seals = ::fcntl(memory.get(), F_GET_SEALS);
    return seals >= 0 && (seals & kSeals) == kSeals;
}

std::size_t sealed_bytes(const Fd& memory) noexcept {
    struct stat status {};
    return memory && ::fstat(memory.get(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

core::Result<std::string> read_sealed(const Fd& memory, std::size_t most) {
    if (!is_sealed(memory)) {
        return core::fail({"read", "the descriptor beside the request",
                           "it is no memfd with the seals WRITE, SHRINK, GROW and SEAL", "seal it before it is sent",
                           EINVAL});
    }
    struct stat status {};
    if (::fstat(memory.get(), &status) != 0) {
        return failed("read", "the descriptor beside the request", errno);
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > most) {
        return core::fail({"read", "the descriptor beside the request",
                           "it has " + std::to_string(size) + " bytes, the verb takes " + std::to_string(most), "",
                           EMSGSIZE});
    }
    std::string content(size, '\0');
    for (std::size_t done = 0; done < size;) {
        const ssize_t count = ::pread(memory.get(), content.data() + done, size - done, static_cast<off_t>(done));
        if (count <= 0) {
            return failed("read", "the descriptor beside the request", count == 0 ? EIO : errno);
        }
        done += static_cast<std::size_t>(count);
    }
    return content;
}

} // namespace pfild::sys
