// SPDX-License-Identifier: BSD-2-Clause
#include "core/buffer_shares.h"

#include <algorithm>

namespace pfild::core {

void BufferShares::set_sockets(std::size_t sockets) {
    sockets_ = static_cast<std::int64_t>(std::max<std::size_t>(sockets, 1));
    floor_ = std::max<std::int64_t>(kFewest, std::int64_t{budget_} * 3 / 8 / sockets_);
    set_busy(1);
}

void BufferShares::set_busy(std::size_t sockets) {
    even_ = std::int64_t{budget_} * 3 / 4 / static_cast<std::int64_t>(std::max<std::size_t>(sockets, 1));
}

// Three eighths of the budget are left to sockets that become busy.
std::uint32_t BufferShares::beginning(std::size_t sockets) const {
    const std::int64_t left = std::int64_t{budget_} * 5 / 8 - offered_;
    const std::int64_t each = left / 2 / static_cast<std::int64_t>(std::max<std::size_t>(sockets, 1));
    return static_cast<std::uint32_t>(std::max<std::int64_t>(each, kFewest));
}

std::int64_t BufferShares::floor() const { return spare() > -std::int64_t{budget_ / 2} ? floor_ : kFewest; }

std::int64_t BufferShares::least() const {
    if (spare() > -std::int64_t{budget_ / 4}) {
        return std::min<std::int64_t>(even_, budget_ / 16);
    }
    return spare() > -std::int64_t{budget_ / 2} ? std::min<std::int64_t>(even_, budget_ / sockets_) : kFewest;
}

std::int64_t BufferShares::cap(const Share& share) const {
    const std::int64_t more = share.offered + spare() / 2;
    if (spare() > budget_ / 4) {
        return more;
    }
    if (share.offered >= even_) {
        return even_; // it falls to this as packets come
    }
    return spare() > budget_ / 16 ? std::min(more, even_) : 0;
}

std::uint32_t BufferShares::wanted(const Share& share) const {
    const std::int64_t need = std::max(share.need, share.taken * 2);
    return static_cast<std::uint32_t>(std::max({floor(), need != 0 ? least() : 0, std::min(need, cap(share))}));
}

void BufferShares::offer(Share& share, std::uint32_t buffers) {
    share.offered += buffers;
    offered_ += buffers;
}

void BufferShares::take(Share& share, std::uint32_t buffers) {
    share.offered -= buffers;
    share.taken += buffers;
    offered_ -= buffers;
}

void BufferShares::leave(Share& share) {
    offered_ -= share.offered;
    share = {};
}

bool BufferShares::end_window(Share& share) {
    const bool busy = share.taken != 0;
    share.need = std::max(share.taken * 2, share.need - (share.need + 7) / 8);
    share.taken = 0;
    return busy;
}

} // namespace pfild::core
