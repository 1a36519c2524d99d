// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/xsk/socket.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include <linux/if_xdp.h>
#include <sys/socket.h>

#include "daemon/sys/failure.h"

#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0) // linux/if_xdp.h, kernel 6.6: the frame goes on in the next descriptor
#endif

namespace pfild::xsk {
namespace {

// In copy mode a sent packet is charged to the socket until somebody downstream takes it; a shaped interface may keep
// many. The qdisc is what limits them, not this.
constexpr int kSendBuffer = 16 << 20; // bytes

// One writer, the engine: a load and a store.
void note(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

int create_patiently(const auto& create) {
    using namespace std::chrono_literals;
    const auto deadline = std::chrono::steady_clock::now() + 1s;
    int error = create();
    while (error == -EBUSY && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(5ms);
        error = create();
    }
    return error;
}

} // namespace

core::Result<std::unique_ptr<Socket>> Socket::open(Umem& umem, const std::string& device, core::Holder holder,
                                                   std::uint32_t queue) {
    std::unique_ptr<Socket> socket(new Socket(umem, holder));
    const xsk_socket_config config{
        .rx_size = umem.ring(),
        .tx_size = umem.ring(),
        .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
        .xdp_flags = 0,
        .bind_flags = 0, // shared with the anchor
    };
    const int error = create_patiently([&] {
        const std::lock_guard lock(umem.sockets());
        return xsk_socket__create_shared(&socket->socket_, device.c_str(), queue, umem.handle(), &socket->rx_,
                                         &socket->tx_, &socket->fill_, &socket->completion_, &config);
    });
    if (error != 0) {
        socket->socket_ = nullptr;
        return core::fail({"open an AF_XDP socket on", device, sys::errno_text(-error), "", -error});
    }
    if (::setsockopt(socket->fd(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof(kSendBuffer)) != 0) {
        return core::fail({"set the send buffer of", device, sys::errno_text(errno), "", errno});
    }
    return socket;
}

Socket::~Socket() { shut(); }

void Socket::shut() noexcept {
    if (socket_ != nullptr) {
        const std::lock_guard lock(umem_.sockets());
        xsk_socket__delete(socket_);
        socket_ = nullptr;
    }
}

void Socket::reclaim() noexcept {
    partial_.reset();
    umem_.shares().leave(share_);
    umem_.pool().reclaim(holder_);
}

void Socket::prime(std::uint32_t buffers) noexcept {
    primed_ = true;
    refill(std::min(buffers, umem_.ring()));
}

std::size_t Socket::receive(std::span<core::Frame> out) noexcept {
    core::BufferPool& pool = umem_.pool();
    std::uint32_t position = 0;
    const auto ready = static_cast<std::uint32_t>(xsk_ring_cons__peek(&rx_, static_cast<__u32>(out.size()), &position));
    // Another CPU wrote these bytes: fetched all at once they are waited for once, not once a packet.
    for (std::uint32_t i = 0; i < ready; i++) {
        __builtin_prefetch(pool.start(0) + xsk_ring_cons__rx_desc(&rx_, position + i)->addr, 1);
    }
    umem_.shares().take(share_, ready);
    std::size_t frames = 0;
    for (std::uint32_t i = 0; i < ready; i++) {
        const xdp_desc& descriptor = *xsk_ring_cons__rx_desc(&rx_, position + i);
        const core::BufferIndex buffer = pool.at(descriptor.addr);
        if (!pool.collect(buffer, holder_)) {
            note(foreign_buffers_, 1);
            continue;
        }
        const bool last = (descriptor.options & XDP_PKT_CONTD) == 0;
        if (skipping_ || partial_.buffer_count() == core::kMaxFrameBuffers) {
            note(dropped_buffers_, last ? 1 : 0);
            pool.hand(buffer, core::kHeldByPool);
            partial_.reset();
            skipping_ = !last;
            continue;
        }
        partial_.append(pool, buffer, static_cast<std::uint8_t*>(pool.start(0)) + descriptor.addr, descriptor.len);
        if (last) {
            out[frames++] = std::move(partial_);
        }
    }
    xsk_ring_cons__release(&rx_, ready);
    return frames;
}

// Writes the descriptors of one frame; the ring has room for them.
void Socket::send_one(core::Frame& frame, std::uint32_t& position) noexcept {
    core::BufferPool& pool = umem_.pool();
    for (core::BufferIndex buffer = frame.first(); buffer != core::kNoBuffer;) {
        const core::BufferPool::Contents contents = pool.contents(buffer);
        xdp_desc& descriptor = *xsk_ring_prod__tx_desc(&tx_, position++);
        descriptor.addr = static_cast<std::uint64_t>(contents.data - pool.start(0));
        descriptor.len = contents.length;
        descriptor.options = contents.next == core::kNoBuffer ? 0 : XDP_PKT_CONTD;
        pool.hand(buffer, holder_);
        buffer = contents.next;
    }
    frame.release();
}

std::size_t Socket::transmit(std::span<core::Frame> frames) noexcept {
    const std::uint32_t room = xsk_prod_nb_free(&tx_, umem_.ring());
    std::uint32_t descriptors = 0;
    std::size_t count = 0;
    // A completion ring as long as the TX ring takes everything back only if no more than that is on its way.
    while (count < frames.size() && descriptors + frames[count].buffer_count() <= room &&
           sent_ + descriptors + frames[count].buffer_count() <= umem_.ring()) {
        descriptors += frames[count++].buffer_count();
    }
    std::uint32_t position = 0;
    if (descriptors == 0 || xsk_ring_prod__reserve(&tx_, descriptors, &position) != descriptors) {
        return 0;
    }
    for (std::size_t i = 0; i < count; i++) {
        send_one(frames[i], position);
    }
    xsk_ring_prod__submit(&tx_, descriptors);
    sent_ += descriptors;
    backlogged_ = true;
    return count;
}

void Socket::after_batch() noexcept {
    if (backlogged_) {
        kick();
    }
    if (sent_ != 0) {
        complete();
    }
    if (const std::uint32_t wanted = std::min(umem_.shares().wanted(share_), umem_.ring()); share_.offered < wanted) {
        refill(wanted);
    }
}

// The kernel takes at most 32 descriptors a call in copy mode and says EAGAIN while there are more, but also when the
// receiving side has no room: so it is asked again only as long as that helps, and the rest is left to the next round.
void Socket::kick() noexcept {
    std::uint32_t free_before = xsk_prod_nb_free(&tx_, umem_.ring());
    while (free_before < umem_.ring()) {
        const ssize_t result = ::sendto(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
        const std::uint32_t free_now = xsk_prod_nb_free(&tx_, umem_.ring());
        const bool helped = free_now != free_before;
        free_before = free_now;
        if (result < 0 && !helped) {
            break;
        }
    }
    backlogged_ = free_before < umem_.ring();
}

void Socket::complete() noexcept {
    std::uint32_t position = 0;
    const auto done = static_cast<std::uint32_t>(xsk_ring_cons__peek(&completion_, umem_.ring(), &position));
    for (std::uint32_t i = 0; i < done; i++) {
        const std::uint64_t address = *xsk_ring_cons__comp_addr(&completion_, position + i);
        note(foreign_buffers_, umem_.pool().restore(umem_.pool().at(address), holder_) ? 0 : 1);
    }
    xsk_ring_cons__release(&completion_, done);
    sent_ -= done;
}

// A frame is completed when the stack has freed its packet, or has taken it for a socket.
bool Socket::out() noexcept {
    if (sent_ != 0) {
        complete();
    }
    return sent_ != 0;
}

void Socket::refill(std::uint32_t wanted) noexcept {
    constexpr std::size_t kChunk = 64;
    std::array<core::BufferIndex, kChunk> buffers;
    while (share_.offered < wanted) {
        const std::size_t count = std::min<std::size_t>(kChunk, wanted - share_.offered);
        const std::size_t got = umem_.pool().lend(std::span(buffers).first(count), holder_);
        std::uint32_t position = 0;
        if (got == 0 || xsk_ring_prod__reserve(&fill_, static_cast<__u32>(got), &position) != got) {
            for (std::size_t i = 0; i < got; i++) { // the ring is as long as `wanted` may be: cannot happen
                note(foreign_buffers_, umem_.pool().restore(buffers[i], holder_) ? 0 : 1);
            }
            return;
        }
        for (std::size_t i = 0; i < got; i++) {
            *xsk_ring_prod__fill_addr(&fill_, position++) = umem_.pool().offset(buffers[i]);
        }
        xsk_ring_prod__submit(&fill_, static_cast<__u32>(got));
        umem_.shares().offer(share_, static_cast<std::uint32_t>(got));
        if (got < count) {
            return;
        }
    }
}

SocketCounters& SocketCounters::operator+=(const SocketCounters& other) {
    rx_ring_full += other.rx_ring_full;
    rx_fill_ring_empty += other.rx_fill_ring_empty;
    rx_invalid += other.rx_invalid;
    tx_invalid += other.tx_invalid;
    dropped_buffers += other.dropped_buffers;
    foreign_buffers += other.foreign_buffers;
    return *this;
}

SocketCounters Socket::counters() const {
    SocketCounters counters;
    counters.dropped_buffers = dropped_buffers_.load(std::memory_order_relaxed);
    counters.foreign_buffers = foreign_buffers_.load(std::memory_order_relaxed);
    xdp_statistics kernel{};
    socklen_t size = sizeof(kernel);
    if (socket_ != nullptr && ::getsockopt(fd(), SOL_XDP, XDP_STATISTICS, &kernel, &size) == 0) {
        counters.rx_ring_full = kernel.rx_ring_full;
        counters.rx_fill_ring_empty = kernel.rx_fill_ring_empty_descs;
        counters.rx_invalid = kernel.rx_dropped;
        counters.tx_invalid = kernel.tx_invalid_descs;
    }
    return counters;
}

} // namespace pfild::xsk
