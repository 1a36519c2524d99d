// SPDX-License-Identifier: BSD-2-Clause
// The two buffers of a device: packets go into the store, readers get the hold, and rotation makes the one the other.
//
//      append() -> | store: records ...   free | --rotate()--> | hold: records ... | -> held(), release()
//
// A record goes into the store if it fits. If it does not, the buffers rotate when the hold is empty, else the record
// is dropped and what is older stays (BD-55). A record is never split over two buffers; one that is longer than a whole
// buffer is cut to fill one exactly (BD-53). A store that is exactly full rotates at once if it can (BD-58), else when
// the hold is released (BD-21, BD-D1). So the hold never has anything younger than the store, and after release() a
// full store is never left unread.
//
// Sizes are bytes and multiples of PFILD_RECORD_ALIGNMENT. Memory is taken by make() alone; append() copies a packet
// once, allocates nothing and locks nothing. One thread, that of the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "cbpf/packet.h"
#include "pfild/record.h"

namespace pfild::core {

/// What became of a record.
enum class Placed : std::uint8_t {
    stored,  ///< it is in the store, there is no more to read than before
    rotated, ///< it is in one of the buffers, and the hold has something to read that it had not
    dropped, ///< there was no room; both buffers are unchanged
};

class Hold {
  public:
    /// The smallest buffer: a record of a packet that no byte was kept of.
    static constexpr std::uint32_t kSmallest = PFILD_RECORD_LENGTH(0);

    /// Two empty buffers; nothing when there is no memory. Takes the memory now: reading must not fail later.
    /// => size is a multiple of PFILD_RECORD_ALIGNMENT and at least kSmallest.
    [[nodiscard]] static std::optional<Hold> make(std::uint32_t size);

    /// Adds a record: the header, the first header.caplen of `bytes`, zeros up to the alignment. Corrects header.caplen
    /// where a buffer is too small for it, and writes header.hdrlen.
    /// => `bytes` holds at least header.caplen bytes.
    Placed append(pfild_record header, std::span<const cbpf::Segment> bytes) noexcept;

    /// What there is to read: whole records, or nothing. Stays where it is until release() or flush().
    [[nodiscard]] std::span<const std::uint8_t> held() const noexcept { return {hold_.bytes.get(), hold_.length}; }
    /// Moves the store into the hold, whether it has anything or not. => the hold is empty.
    void rotate() noexcept;
    /// The reader has the hold: empties it, and rotates when the store is exactly full.
    void release() noexcept;
    /// Empties both buffers.
    void flush() noexcept;

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t stored_bytes() const noexcept { return store_.length; }
    [[nodiscard]] std::uint32_t stored_records() const noexcept { return store_.records; }
    [[nodiscard]] std::uint32_t held_records() const noexcept { return hold_.records; }

  private:
    struct Buffer {
        std::unique_ptr<std::uint8_t[]> bytes;
        std::uint32_t length = 0;
        std::uint32_t records = 0;
    };

    Hold(std::uint32_t size, std::unique_ptr<std::uint8_t[]> store, std::unique_ptr<std::uint8_t[]> hold) noexcept;
    void write(const pfild_record& header, std::span<const cbpf::Segment> bytes, std::uint32_t length) noexcept;

    std::uint32_t size_;
    Buffer store_;
    Buffer hold_;
};

} // namespace pfild::core
