// SPDX-License-Identifier: BSD-2-Clause
#include "core/capture/hold.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace pfild::core {
namespace {

constexpr std::uint32_t kHeaderLength = sizeof(pfild_record);

} // namespace

Hold::Hold(std::uint32_t size, std::unique_ptr<std::uint8_t[]> store, std::unique_ptr<std::uint8_t[]> hold) noexcept
    : size_(size), store_{.bytes = std::move(store)}, hold_{.bytes = std::move(hold)} {}

std::optional<Hold> Hold::make(std::uint32_t size) {
    assert(size >= kSmallest && size % PFILD_RECORD_ALIGNMENT == 0);
    // Zeroed, so that the pages are there before the first packet is.
    std::unique_ptr<std::uint8_t[]> store(new (std::nothrow) std::uint8_t[size]());
    std::unique_ptr<std::uint8_t[]> hold(new (std::nothrow) std::uint8_t[size]());
    if (store == nullptr || hold == nullptr) {
        return std::nullopt;
    }
    return Hold(size, std::move(store), std::move(hold));
}

Placed Hold::append(pfild_record header, std::span<const cbpf::Segment> bytes) noexcept {
    header.hdrlen = kHeaderLength;
    header.caplen = std::min(header.caplen, size_ - kHeaderLength);
    const std::uint32_t length = PFILD_RECORD_LENGTH(header.caplen);
    bool rotated = false;
    if (length > size_ - store_.length) {
        if (hold_.length != 0) {
            return Placed::dropped;
        }
        rotate();
        rotated = true;
    }
    write(header, bytes, length);
    if (store_.length == size_ && hold_.length == 0) {
        rotate();
        rotated = true;
    }
    return rotated ? Placed::rotated : Placed::stored;
}

/// => `length` bytes are free in the store and are what the record needs.
void Hold::write(const pfild_record& header, std::span<const cbpf::Segment> bytes, std::uint32_t length) noexcept {
    std::uint8_t* const end = store_.bytes.get() + store_.length + length;
    std::uint8_t* at = end - length;
    std::memcpy(at, &header, kHeaderLength);
    at += kHeaderLength;
    std::uint32_t left = header.caplen;
    for (const cbpf::Segment& segment : bytes) {
        const std::uint32_t taken = std::min(left, segment.length);
        at = std::copy_n(segment.data, taken, at);
        left -= taken;
    }
    assert(left == 0);
    std::fill(at, end, std::uint8_t{0});
    store_.length += length;
    ++store_.records;
}

void Hold::rotate() noexcept {
    assert(hold_.length == 0);
    std::swap(store_, hold_);
}

void Hold::release() noexcept {
    hold_.length = 0;
    hold_.records = 0;
    if (store_.length == size_) {
        rotate();
    }
}

void Hold::flush() noexcept {
    for (Buffer* buffer : {&store_, &hold_}) {
        buffer->length = 0;
        buffer->records = 0;
    }
}

} // namespace pfild::core
