// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/xsk/umem.h"

#include <algorithm>
#include <bit>
#include <cerrno>

#include <linux/if_xdp.h>
#include <sys/mman.h>

#include "daemon/sys/failure.h"

#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4) // linux/if_xdp.h, kernel 6.6
#endif

namespace pfild::xsk {
core::Result<std::unique_ptr<Umem>> Umem::create(std::uint32_t buffers) {
    std::unique_ptr<Umem> umem(new Umem);
    if (auto mapped = umem->map(buffers); !mapped) {
        return core::fail(std::move(mapped.error()));
    }
    if (auto bound = umem->bind_anchor(); !bound) {
        return core::fail(std::move(bound.error()));
    }
    return umem;
}

core::Result<void> Umem::map(std::uint32_t buffers) {
    constexpr std::uint32_t kLongestRing = 16384;
    bytes_ = std::uint64_t{buffers} * kBufferSize;
    ring_ = std::min(std::bit_floor(buffers) / 4, kLongestRing);
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        return core::fail({"allocate packet memory", std::to_string(bytes_ >> 20U) + " MiB", sys::errno_text(errno),
                           "lower `buffers` in the configuration", errno});
    }
    memory_ = static_cast<std::uint8_t*>(memory);
    pool_ = std::make_unique<core::BufferPool>(std::span(memory_, bytes_), kBufferSize);
    shares_ = std::make_unique<core::BufferShares>(buffers);
    const xsk_umem_config config{
        .fill_size = ring_, .comp_size = ring_, .frame_size = kBufferSize, .frame_headroom = 0, .flags = 0};
    if (const int error = xsk_umem__create(&umem_, memory_, bytes_, &fill_, &completion_, &config); error != 0) {
        umem_ = nullptr;
        return core::fail({"register packet memory", std::to_string(bytes_ >> 20U) + " MiB", sys::errno_text(-error),
                           "an AF_XDP socket needs CAP_NET_RAW and lockable memory", -error});
    }
    return {};
}

core::Result<void> Umem::bind_anchor() {
    int error = 0;
    for (const bool multi_buffer : {true, false}) { // a kernel before 6.6 refuses the flag
        const xsk_socket_config config{
            .rx_size = 0,
            .tx_size = 64,
            .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
            .xdp_flags = 0,
            .bind_flags = static_cast<__u16>(XDP_COPY | XDP_USE_NEED_WAKEUP | (multi_buffer ? XDP_USE_SG : 0)),
        };
        error = xsk_socket__create_shared(&anchor_, "lo", 0, umem_, nullptr, &tx_, &fill_, &completion_, &config);
        if (error == 0) {
            multi_buffer_ = multi_buffer;
            return {};
        }
        anchor_ = nullptr;
    }
    return core::fail({"bind", "the AF_XDP anchor", sys::errno_text(-error), "", -error});
}

std::uint32_t Umem::longest_frame() const {
    constexpr std::uint32_t kKernelHeadroom = 256; // XDP_PACKET_HEADROOM, in front of every buffer's data
    // The kernel may also keep room for its own bookkeeping behind the data of a buffer.
    constexpr std::uint32_t kKernelTailroom = 320;
    const std::uint32_t one = kBufferSize - kKernelHeadroom - kKernelTailroom;
    return multi_buffer_ ? one * core::kMaxFrameBuffers : one;
}

Umem::~Umem() {
    if (anchor_ != nullptr) {
        xsk_socket__delete(anchor_);
    }
    if (umem_ != nullptr) {
        xsk_umem__delete(umem_);
    }
    if (memory_ != nullptr) {
        ::munmap(memory_, bytes_);
    }
}

} // namespace pfild::xsk
