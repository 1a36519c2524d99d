// SPDX-License-Identifier: BSD-2-Clause
// What the owner of a device can choose freely, at any time and without a way to fail; and the words for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::capture {

/// What a device was opened for (O_RDONLY, O_WRONLY, O_RDWR).
enum class Access : std::uint8_t { kRead, kWrite, kBoth };
inline constexpr std::array<std::string_view, 3> kAccessNames{"read", "write", "both"};
static_assert(static_cast<std::size_t>(Access::kBoth) + 1 == kAccessNames.size());

/// What the second word of a record's time stamp counts.
enum class Precision : std::uint8_t { kMicro, kNano };
inline constexpr std::array<std::string_view, 2> kPrecisionNames{"micro", "nano"};
static_assert(static_cast<std::size_t>(Precision::kNano) + 1 == kPrecisionNames.size());

/// Whose answers are given where the BSDs differ:
///
///                                       minix                            freebsd
///     read before BIOCSETIF (BD-10)     EINVAL                           ENXIO, when the size is right
///     read timed out, nothing (BD-18)   EAGAIN                           0 bytes
///     read, interface gone (BD-24)      EIO                              ENXIO
///     FIONREAD                          what a read would get at once    hold and store
enum class Personality : std::uint8_t { kMinix, kFreebsd };
inline constexpr std::array<std::string_view, 2> kPersonalityNames{"minix", "freebsd"};
static_assert(static_cast<std::size_t>(Personality::kFreebsd) + 1 == kPersonalityNames.size());

struct DeviceSettings {
    bool immediate = false;       ///< any packet can be read, not only a full buffer (BIOCIMMEDIATE)
    bool header_complete = false; ///< the source address of written frames is the writer's (BIOCSHDRCMPLT)
    bool feedback = false;        ///< written frames come in again (BIOCSFEEDBACK)
    bool nonblocking = false;     ///< reads never wait (O_NONBLOCK)
    bool origins = false;         ///< records tell direction and interface
    Precision precision = Precision::kMicro;
    Personality personality = Personality::kMinix;

    friend bool operator==(const DeviceSettings&, const DeviceSettings&) = default;
};

} // namespace pfild::capture
