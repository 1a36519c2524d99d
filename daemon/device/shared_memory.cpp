// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/shared_memory.h.
#include "daemon/device/shared_memory.h"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pfild::device {
namespace {

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U // Linux 6.3
#endif

class MappedMemory final : public capture::BufferMemory {
  public:
    MappedMemory(void* bytes, std::size_t size) noexcept : bytes_(static_cast<std::uint8_t*>(bytes)), size_(size) {}
    MappedMemory(const MappedMemory&) = delete;
    MappedMemory& operator=(const MappedMemory&) = delete;
    MappedMemory(MappedMemory&&) = delete;
    MappedMemory& operator=(MappedMemory&&) = delete;
    ~MappedMemory() override { ::munmap(bytes_, size_); }
    [[nodiscard]] std::span<std::uint8_t> bytes() noexcept override { return {bytes_, size_}; }

  private:
    std::uint8_t* bytes_;
    std::size_t size_;
};

sys::Fd memory_file() {
    constexpr const char* kName = "pfild-device";
    const int made = ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    return sys::Fd(made >= 0 || errno != EINVAL ? made : ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

/// The same file, opened anew for reading.
sys::Fd reopened(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    return sys::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

} // namespace

SharedMemory SharedMemory::make(std::size_t bytes) {
    constexpr mode_t kOwnerReads = 0400;
    const sys::Fd file = memory_file();
    const int fd = file.get();
    if (!file || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0 || ::fchmod(fd, kOwnerReads) != 0) {
        return {};
    }
    SharedMemory made{.memory = nullptr, .descriptor = reopened(fd)};
    if (!made.descriptor) {
        return {};
    }
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (mapped == MAP_FAILED) {
        return {};
    }
    made.memory = std::make_unique<MappedMemory>(mapped, bytes);
    // Never another size: nobody can make the device thread fault.
    if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return {};
    }
    return made;
}

void withdraw(std::span<std::uint8_t> bytes) noexcept { (void)::madvise(bytes.data(), bytes.size(), MADV_REMOVE); }

} // namespace pfild::device
