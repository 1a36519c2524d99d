// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/shared_memory.h.
#include "daemon/device/shared_memory.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pfild::device {
namespace {

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U // Linux 6.3
#endif

class MappedMemory final : public core::BufferMemory {
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

} // namespace

SharedMemory SharedMemory::make(std::size_t bytes) {
    SharedMemory made{.memory = nullptr, .descriptor = memory_file()};
    const int fd = made.descriptor.get();
    if (!made.descriptor || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
        return {};
    }
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (mapped == MAP_FAILED) {
        return {};
    }
    made.memory = std::make_unique<MappedMemory>(mapped, bytes);
    // No other writable mapping from now on, and never another size: nobody can make the device thread fault.
    if (::fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return {};
    }
    return made;
}

} // namespace pfild::device
