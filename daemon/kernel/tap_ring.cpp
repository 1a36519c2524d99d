// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/tap_ring.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/failure.h"

namespace pfild::kernel {
namespace {

constexpr std::uint32_t kAddresses = 12; ///< bytes in front of a VLAN tag
constexpr std::uint32_t kTag = 4;        ///< bytes

std::size_t state_bytes() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (sizeof(pfild_tap_state) + page - 1) / page * page;
}

} // namespace

core::Result<std::unique_ptr<TapRing>> TapRing::open(const Programs& programs, TapReader& reader) {
    std::unique_ptr<TapRing> self(new TapRing(reader));
    self->fd_ = programs.tap_ring_fd();
    self->bytes_ = programs.tap_ring_bytes();
    self->ring_ = ring_buffer__new(self->fd_, took, self.get(), nullptr);
    if (self->ring_ == nullptr) {
        return sys::failed("map the kernel's table", "tap_ring", errno);
    }
    void* memory = ::mmap(nullptr, state_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, programs.tap_state_fd(), 0);
    if (memory == MAP_FAILED) {
        return sys::failed("map the kernel's table", "tap_state", errno);
    }
    self->state_ = static_cast<pfild_tap_state*>(memory);
    return self;
}

TapRing::~TapRing() {
    if (state_ != nullptr) {
        // Heads outlive the daemon.
        std::fill(std::begin(state_->wanted), std::end(state_->wanted), 0U);
        std::fill(std::begin(state_->filtered), std::end(state_->filtered), 0U);
        ::munmap(state_, state_bytes());
    }
    ring_buffer__free(ring_);
}

bool TapRing::take() {
    set_offset();
    taken_ = 0;
    taken_bytes_ = 0;
    return ring_buffer__consume(ring_) < 0; // nothing in it can fail but took(), to make an end
}

// Read between two looks at the other clock, so that being interrupted does not shift the times of a whole batch.
void TapRing::set_offset() {
    constexpr std::uint64_t kUninterruptedNs = 5'000;
    constexpr int kTries = 4;
    for (int i = 0; i < kTries; i++) {
        const std::uint64_t before = sys::now_ns();
        realtime_offset_ns_ = sys::now_ns(CLOCK_REALTIME) - before;
        if (sys::now_ns() - before < kUninterruptedNs) {
            return;
        }
    }
}

int TapRing::took(void* self, void* record, std::size_t size) {
    auto& ring = *static_cast<TapRing*>(self);
    const auto& about = *static_cast<const pfild_tap_packet*>(record);
    if (size >= sizeof(about) && about.taken <= size - sizeof(about)) { // programs of ours wrote it
        ring.show(about);
    }
    ring.taken_bytes_ += size;
    return ++ring.taken_ < kMostPackets && ring.taken_bytes_ < kMostBytes ? 0 : -EAGAIN;
}

// A tag that is beside the packet is shown where it would be in it.
void TapRing::show(const pfild_tap_packet& about) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&about + 1);
    const bool tagged = about.tag_type != 0 && about.taken >= kAddresses;
    const std::array<__be16, 2> tag{about.tag_type, about.tag_tci};
    const std::array<cbpf::Piece, 3> pieces{
        {{bytes, tagged ? kAddresses : about.taken},
         {reinterpret_cast<const std::uint8_t*>(tag.data()), tagged ? kTag : 0},
         {bytes + (tagged ? kAddresses : 0), tagged ? about.taken - kAddresses : 0}}};
    reader_.show({std::span(pieces).first(tagged ? 3 : 1),
                  {.wire_length = about.length + (about.tag_type != 0 ? kTag : 0),
                   .ifindex = about.ifindex,
                   .direction = (about.flags & PFILD_TAP_OUTGOING) != 0 ? core::Direction::kOut : core::Direction::kIn,
                   .realtime_ns = about.time_ns + realtime_offset_ns_}});
}

void TapRing::set_sleeping(bool sleeping) noexcept {
    std::atomic_ref(state_->sleeping).store(sleeping ? 1U : 0U, std::memory_order_seq_cst);
}

void TapRing::want(std::uint32_t lane, std::uint32_t bytes) noexcept {
    std::atomic_ref(state_->wanted[lane]).store(bytes, std::memory_order_relaxed);
}

void TapRing::set_filtered(std::uint32_t lane, bool filtered) noexcept {
    std::atomic_ref(state_->filtered[lane]).store(filtered ? 1U : 0U, std::memory_order_relaxed);
}

std::uint64_t TapRing::lost(std::uint32_t lane) const noexcept {
    return std::atomic_ref(state_->lost[lane]).load(std::memory_order_relaxed);
}

} // namespace pfild::kernel
