// SPDX-License-Identifier: BSD-2-Clause
// See callers_memory.h.
#include "devbpf/callers_memory.h"

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/uio.h>

#include "client/descriptor.h"

namespace pfild::devbpf {
namespace {

using client::Descriptor;

core::Error fault(const Caller& caller, std::string why) {
    return {"copy", "memory of process " + std::to_string(caller.pid), std::move(why), "", EFAULT};
}

/// The fourth number of "Uid:\t1\t2\t3\t4\n": the one that counts for files.
std::optional<std::uint32_t> fourth(std::string_view status, std::string_view name) {
    const std::size_t at = status.find(name);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    std::uint32_t number = 0;
    const std::string line(status.substr(at + name.size(), status.find('\n', at + 1) - at - name.size()));
    // NOLINTNEXTLINE(cert-err34-c): a line of the kernel
    return std::sscanf(line.c_str(), "%*u %*u %*u %" SCNu32, &number) == 1 ? std::optional(number) : std::nullopt;
}

/// Is the process of this folder of /proc the caller? False if it is gone.
bool is_caller(const Descriptor& folder, const Caller& caller) {
    const Descriptor file(::openat(folder.get(), "status", O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> bytes{};
    const ssize_t got = file.valid() ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
    const std::string_view status(bytes.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
    return fourth(status, "\nUid:") == caller.uid && fourth(status, "\nGid:") == caller.gid;
}

template <typename Copy>
core::Result<void> copied(const Caller& caller, std::size_t bytes, const Copy& copy) {
    if (caller.pid == 0) {
        return core::fail({"copy", "memory of a program",
                           "it is in a namespace of processes that is not seen from here",
                           "use `bpfctl devbpf run` in it", EFAULT});
    }
    const std::string path = "/proc/" + std::to_string(caller.pid);
    const Descriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || !is_caller(folder, caller)) {
        return core::fail(fault(caller, "it is not who asks"));
    }
    const ssize_t done = copy();
    if (done < 0) {
        return core::fail(fault(caller, std::strerror(errno))); // NOLINT(concurrency-mt-unsafe): one thread
    }
    if (static_cast<std::size_t>(done) != bytes) {
        return core::fail(fault(caller, "a part of it is not there"));
    }
    return is_caller(folder, caller) ? core::Result<void>() : core::fail(fault(caller, "it is not who asked"));
}

/// The other's memory as process_vm_readv(2) wants it.
iovec place(std::uint64_t address, std::size_t bytes) {
    return {.iov_base = reinterpret_cast<void*>(address), .iov_len = bytes}; // NOLINT(*-no-int-to-ptr)
}

} // namespace

core::Result<void> read_memory(const Caller& caller, std::uint64_t address, std::span<std::uint8_t> into) {
    return copied(caller, into.size(), [&] {
        const iovec here{.iov_base = into.data(), .iov_len = into.size()};
        const iovec there = place(address, into.size());
        return ::process_vm_readv(caller.pid, &here, 1, &there, 1, 0);
    });
}

core::Result<void> write_memory(const Caller& caller, std::uint64_t address, std::span<const std::uint8_t> from) {
    return copied(caller, from.size(), [&] {
        auto* const bytes = const_cast<std::uint8_t*>(from.data()); // NOLINT(*-const-cast): it is only read
        const iovec here{.iov_base = bytes, .iov_len = from.size()};
        const iovec there = place(address, from.size());
        return ::process_vm_writev(caller.pid, &here, 1, &there, 1, 0);
    });
}

} // namespace pfild::devbpf
