// SPDX-License-Identifier: BSD-2-Clause
// See record_reader.h.
#include "client/record_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pfild::client {
namespace {

constexpr std::int64_t kFractionEnd = 1'000'000'000;

/// => at least a header is left.
bool is_sound(const pfild_record& header, std::size_t left) {
    return header.hdrlen >= sizeof header && header.hdrlen <= left && header.caplen <= left - header.hdrlen &&
           header.caplen <= header.datalen && header.fraction >= 0 && header.fraction < kFractionEnd &&
           header.direction <= PFILD_RECORD_OUT;
}

} // namespace

core::Result<std::optional<Record>> RecordReader::next() {
    if (bytes_.empty()) {
        return std::nullopt;
    }
    pfild_record header{};
    if (bytes_.size() >= sizeof header) {
        std::memcpy(&header, bytes_.data(), sizeof header);
    }
    if (bytes_.size() < sizeof header || !is_sound(header, bytes_.size())) {
        bytes_ = {};
        return core::fail({"read", "", "a record of the daemon makes no sense",
                           "are this program and pfild of the same version?", EPROTO});
    }
    const Record record{.seconds = header.seconds,
                        .nanoseconds = static_cast<std::uint32_t>(header.fraction),
                        .length = header.datalen,
                        .bytes = bytes_.subspan(header.hdrlen, header.caplen),
                        .direction = static_cast<pfild_record_direction>(header.direction),
                        .ifindex = header.ifindex};
    const std::size_t whole = PFILD_RECORD_ALIGN(std::size_t{header.hdrlen} + header.caplen);
    bytes_ = bytes_.subspan(std::min(whole, bytes_.size())); // the padding of the last one may be missing (BD-26)
    return record;
}

} // namespace pfild::client
