// SPDX-License-Identifier: BSD-2-Clause
// Records for tests: packets to append, and the reader's side of the format, written from the contract (2.6) and not
// from the code under test.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/packet.h"
#include "pfild/record.h"
#include "tests/unit/core/buffers.h"

namespace pfild::capture {

/// A record as a reader finds it.
struct ReadRecord {
    pfild_record header;
    core::Bytes packet;
    core::Bytes padding;
};

/// Takes a buffer apart as a client does, by hdrlen and caplen; a record that does not fit fails the test.
inline std::vector<ReadRecord> records_in(std::span<const std::uint8_t> buffer) {
    std::vector<ReadRecord> records;
    while (!buffer.empty()) {
        ReadRecord record{};
        if (buffer.size() < 32) {
            ADD_FAILURE() << buffer.size() << " bytes are no header";
            break;
        }
        std::memcpy(&record.header, buffer.data(), 32);
        const std::size_t end = record.header.hdrlen + std::size_t{record.header.caplen};
        const std::size_t next = (end + 7) / 8 * 8;
        if (record.header.hdrlen < 32 || next > buffer.size()) {
            ADD_FAILURE() << "a record of " << next << " bytes in " << buffer.size();
            break;
        }
        const auto packet = buffer.subspan(record.header.hdrlen, record.header.caplen);
        record.packet.assign(packet.begin(), packet.end());
        const auto padding = buffer.subspan(end, next - end);
        record.padding.assign(padding.begin(), padding.end());
        records.push_back(std::move(record));
        buffer = buffer.subspan(next);
    }
    return records;
}

/// These bytes in pieces of these sizes; what is left over is the last one. Points into `bytes`.
inline std::vector<cbpf::Piece> pieces_of(const core::Bytes& bytes, const std::vector<std::size_t>& sizes = {}) {
    std::vector<cbpf::Piece> pieces;
    std::size_t at = 0;
    for (const std::size_t wanted : sizes) {
        const std::size_t size = std::min(wanted, bytes.size() - at);
        pieces.push_back({bytes.data() + at, static_cast<std::uint32_t>(size)});
        at += size;
    }
    pieces.push_back({bytes.data() + at, static_cast<std::uint32_t>(bytes.size() - at)});
    return pieces;
}

} // namespace pfild::capture
