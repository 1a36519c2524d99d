// SPDX-License-Identifier: BSD-2-Clause
#include "capture/hold.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace pfild::capture {
namespace {

constexpr std::uint32_t kHeaderLength = sizeof(pfild_record);

} // namespace

Hold::Hold(std::uint32_t size, std::unique_ptr<BufferMemory> memory) noexcept
    : size_(size), memory_(std::move(memory)) {
    assert(size >= kSmallest && size % PFILD_RECORD_ALIGNMENT == 0);
    const std::span<std::uint8_t> bytes = memory_->bytes();
    assert(bytes.size() == std::size_t{2} * size);
    store_.bytes = bytes.data();
    hold_.bytes = bytes.data() + size;
}

Placed Hold::append(pfild_record header, std::span<const cbpf::Piece> bytes) noexcept {
    header.hdrlen = kHeaderLength;
    header.caplen = std::min(header.caplen, size_ - kHeaderLength);
    const std::uint32_t length = PFILD_RECORD_LENGTH(header.caplen);
    bool rotated = false;
    if (length > size_ - store_.length) {
        if (hold_.length != 0) {
            refused_ = lent_;
            return Placed::kDropped;
        }
        rotate();
        rotated = true;
    }
    write(header, bytes, length);
    if (store_.length == size_ && hold_.length == 0) {
        rotate();
        rotated = true;
    }
    return rotated ? Placed::kRotated : Placed::kStored;
}

/// => `length` bytes are free in the store and are what the record needs.
void Hold::write(const pfild_record& header, std::span<const cbpf::Piece> bytes, std::uint32_t length) noexcept {
    std::uint8_t* const end = store_.bytes + store_.length + length;
    std::uint8_t* at = end - length;
    std::memcpy(at, &header, kHeaderLength);
    at += kHeaderLength;
    std::uint32_t left = header.caplen;
    for (const cbpf::Piece& piece : bytes) {
        const std::uint32_t taken = std::min(left, piece.length);
        at = std::copy_n(piece.data, taken, at);
        left -= taken;
    }
    assert(left == 0);
    std::fill(at, end, std::uint8_t{0});
    store_.length += length;
    ++store_.records;
}

void Hold::lend() noexcept {
    assert(hold_.length != 0);
    lent_ = true;
    refused_ = false;
    hold_.records = 0;
}

void Hold::rotate() noexcept {
    assert(hold_.length == 0);
    std::swap(store_, hold_);
}

void Hold::release() noexcept {
    const bool follows = follows_lent() || store_.length == size_;
    hold_.length = 0;
    hold_.records = 0;
    lent_ = false;
    if (follows) {
        rotate();
    }
}

void Hold::flush() noexcept {
    for (Buffer* buffer : {&store_, &hold_}) {
        buffer->length = 0;
        buffer->records = 0;
    }
    lent_ = false;
}

} // namespace pfild::capture
