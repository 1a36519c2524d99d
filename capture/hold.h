// SPDX-License-Identifier: BSD-2-Clause
// The two buffers of a device: packets go into the store, readers get the hold, and rotation makes the one the other.
//
//      append() -> | store: records ...   free | --rotate()--> | hold: records ... | -> held(), release()
//                                                                                    -> held(), lend(), release()
//
// A record goes into the store if it fits. If it does not, the buffers rotate when the hold is empty, else the record
// is dropped and what is older stays (BD-55). A record is never split over two buffers; one that is longer than a whole
// buffer is cut to fill one exactly (BD-53). A store that is exactly full rotates at once if it can (BD-58), else when
// the hold is released (BD-21, BD-D1). So the hold never has anything younger than the store, and after release() a
// full store is never left unread. A hold that is lent is not empty and has nothing to read: its reader looks at the
// records where they lie, until release().
//
// Sizes are bytes and multiples of PFILD_RECORD_ALIGNMENT. append() copies a packet once, allocates nothing and locks
// nothing. One thread, that of the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "capture/buffer_memory.h"
#include "cbpf/packet.h"
#include "pfild/record.h"

namespace pfild::capture {

/// What became of a record.
enum class Placed : std::uint8_t {
    kStored,  ///< it is in the store, there is no more to read than before
    kRotated, ///< it is in one of the buffers, and the hold has something to read that it had not
    kDropped, ///< there was no room; both buffers are unchanged
};

class Hold {
  public:
    /// The smallest buffer: a record of a packet that no byte was kept of.
    static constexpr std::uint32_t kSmallest = PFILD_RECORD_LENGTH(0);

    /// Two empty buffers, one behind the other.
    /// => the memory is twice the size, which is a multiple of PFILD_RECORD_ALIGNMENT and at least kSmallest.
    Hold(std::uint32_t size, std::unique_ptr<BufferMemory> memory) noexcept;

    /// Adds a record: the header, the first header.caplen of `bytes`, zeros up to the alignment. Corrects header.caplen
    /// where a buffer is too small for it, and writes header.hdrlen.
    /// => `bytes` holds at least header.caplen bytes.
    Placed append(pfild_record header, std::span<const cbpf::Piece> bytes) noexcept;

    /// What there is to read: whole records, or nothing. Stays where it is until release() or flush().
    [[nodiscard]] std::span<const std::uint8_t> held() const noexcept {
        return {hold_.bytes, lent_ ? 0 : hold_.length};
    }
    /// The reader has the records, and looks at them where they are. => there are some.
    void lend() noexcept;
    [[nodiscard]] bool lent() const noexcept { return lent_; }
    /// A hold that is lent comes back with something to read behind it, if release() comes now.
    [[nodiscard]] bool follows_lent() const noexcept { return lent_ && (refused_ || store_.length == size_); }
    [[nodiscard]] bool is_empty() const noexcept { return hold_.length == 0; }
    /// Moves the store into the hold, whether it has anything or not. => the hold is empty.
    void rotate() noexcept;
    /// The reader is done with the hold: empties it, and rotates when the store is exactly full, or while the hold was
    /// lent had no room for a record: then nobody knows when the next one comes.
    void release() noexcept;
    /// Empties both buffers.
    void flush() noexcept;

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t stored_bytes() const noexcept { return store_.length; }
    [[nodiscard]] std::uint32_t stored_records() const noexcept { return store_.records; }
    [[nodiscard]] std::uint32_t held_records() const noexcept { return hold_.records; }

  private:
    struct Buffer {
        std::uint8_t* bytes = nullptr;
        std::uint32_t length = 0;
        std::uint32_t records = 0;
    };

    void write(const pfild_record& header, std::span<const cbpf::Piece> bytes, std::uint32_t length) noexcept;

    std::uint32_t size_;
    std::unique_ptr<BufferMemory> memory_;
    Buffer store_;
    Buffer hold_;
    bool lent_ = false;
    bool refused_ = false; ///< a record, since the hold was lent
};

} // namespace pfild::capture
