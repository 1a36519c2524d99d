// SPDX-License-Identifier: BSD-2-Clause
// The bytes of one read as packets (pfild/record.h). Foreign bytes: a record that does not fit into them is an error,
// never a packet. Pure.
//
//     for (RecordReader records(bytes); ;)  records.next() -> a packet | nothing more | EPROTO
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/error.h"
#include "pfild/record.h"

namespace pfild::client {

/// A captured packet. => lives as long as the bytes of the read.
struct Record {
    std::int64_t seconds = 0;      ///< since 1970-01-01 UTC
    std::uint32_t nanoseconds = 0; ///< microseconds, unless the device was set to nanoseconds
    std::uint32_t length = 0;      ///< bytes that it had on the wire, at least those captured
    std::span<const std::uint8_t> bytes;
    pfild_record_direction direction = PFILD_RECORD_NO_DIRECTION;
    std::uint32_t ifindex = 0; ///< 0: not known
};

class RecordReader {
  public:
    explicit RecordReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    /// The next packet; nothing at the end. EPROTO: what follows is no record, and nothing comes after it.
    [[nodiscard]] core::Result<std::optional<Record>> next();

  private:
    std::span<const std::uint8_t> bytes_; ///< not read yet
};

} // namespace pfild::client
