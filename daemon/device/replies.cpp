// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/replies.h.
#include "daemon/device/replies.h"

#include <algorithm>
#include <string>

#include "daemon/device/message.h"

namespace pfild::device {
namespace {

constexpr std::size_t kMostPayload = PFILD_WIRE_REPLY_MAX - sizeof(pfild_reply);

} // namespace

bool Replies::answer(const pfild_reply& reply, std::span<const std::uint8_t> payload, std::optional<int> fd) noexcept {
    broken_ = broken_ || !send(socket_, reply, payload, fd);
    return !broken_;
}

bool Replies::answer_read(pfild_reply reply, std::span<const std::uint8_t> records) noexcept {
    reply.flags = PFILD_REPLY_MORE;
    while (records.size() > kMostPayload) {
        if (!answer(reply, records.first(kMostPayload))) {
            return false;
        }
        records = records.subspan(kMostPayload);
    }
    reply.flags = 0;
    return answer(reply, records);
}

void Replies::refuse(pfild_reply reply, const core::Error& error) {
    reply.error = static_cast<__u32>(error.code);
    const std::string line = error.line().substr(0, kMostPayload);
    answer(reply, {reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
}

} // namespace pfild::device
