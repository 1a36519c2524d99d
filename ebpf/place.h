// SPDX-License-Identifier: BSD-2-Clause
// Where in the kernel a lowered program runs. What differs is how a program is shown its packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::ebpf {

enum class Place : std::uint8_t {
    kXdp, ///< as the driver has received it
    kTc,  ///< in a socket buffer: segments uncut, checksums unfinished, a tag beside it
};
inline constexpr std::array<std::string_view, 2> kPlaceNames{"XDP", "TC"};
static_assert(static_cast<std::size_t>(Place::kTc) + 1 == kPlaceNames.size());

[[nodiscard]] constexpr std::string_view name(Place place) noexcept {
    return kPlaceNames[static_cast<std::size_t>(place)];
}

/// Offsets in the context of a program, in bytes: struct xdp_md and struct __sk_buff of linux/bpf.h. All are of 4
/// bytes; `length` is of socket buffers alone.
struct ContextLayout {
    std::int32_t data;
    std::int32_t data_end;
    std::int32_t length;
};
inline constexpr ContextLayout kXdpContext{.data = 0, .data_end = 4, .length = -1};
inline constexpr ContextLayout kTcContext{.data = 76, .data_end = 80, .length = 0};

[[nodiscard]] constexpr const ContextLayout& context_of(Place place) noexcept {
    return place == Place::kXdp ? kXdpContext : kTcContext;
}

} // namespace pfild::ebpf
