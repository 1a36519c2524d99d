// SPDX-License-Identifier: BSD-2-Clause
#include "capture/device.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string>
#include <utility>

namespace pfild::capture {
namespace {

constexpr std::int64_t kLongestTimeoutSeconds = 0x7fffffff;
constexpr std::int64_t kLongestWaitSeconds = 300;
constexpr std::int64_t kMicroseconds = 1'000'000;
constexpr std::uint64_t kNanoseconds = 1'000'000'000;
constexpr std::uint64_t kNanosecondsOfMicro = 1000;

constexpr const char* kRead = "read";
constexpr const char* kWrite = "write";

std::uint64_t after(ReadTimeout timeout, std::uint64_t now_ns) {
    return now_ns + static_cast<std::uint64_t>(timeout.seconds) * kNanoseconds +
           static_cast<std::uint64_t>(timeout.microseconds) * kNanosecondsOfMicro;
}

std::optional<std::uint64_t> deadline(ReadTimeout timeout, std::uint64_t now_ns) {
    return timeout == ReadTimeout{} ? std::nullopt : std::optional(after(timeout, now_ns));
}

core::Result<void> check_time(const char* what, ReadTimeout timeout) {
    if (timeout.seconds < 0 || timeout.microseconds < 0 || timeout.microseconds >= kMicroseconds) {
        return core::fail(
            {what, "", "not a time", "give seconds from 0 on, and microseconds from 0 to 999999", EINVAL});
    }
    return {};
}

} // namespace

Device::Device(Access access, BufferSizes sizes, DeviceClient& client)
    : client_(client), access_(access), sizes_(sizes), size_(sizes.usual) {}

// ---- settings

core::Result<void> Device::set_directions(core::Directions directions) {
    if (directions.empty()) {
        return core::fail({"set direction", "", "a device that sees nothing", "give in, out or both", EINVAL});
    }
    directions_ = directions;
    return {};
}

core::Result<void> Device::set_read_timeout(ReadTimeout timeout) {
    constexpr const char* kWhat = "set read timeout";
    if (auto checked = check_time(kWhat, timeout); !checked) {
        return checked;
    }
    if (timeout.seconds > kLongestTimeoutSeconds) {
        return core::fail({kWhat, "", "too long", "give 0 to wait for ever", EDOM});
    }
    timeout_ = timeout;
    return {};
}

core::Result<void> Device::set_wait_timeout(std::optional<ReadTimeout> timeout) {
    constexpr const char* kWhat = "set wait timeout";
    if (timeout) {
        if (auto checked = check_time(kWhat, *timeout); !checked) {
            return checked;
        }
        if (timeout->seconds > kLongestWaitSeconds ||
            (timeout->seconds == kLongestWaitSeconds && timeout->microseconds != 0)) {
            return core::fail({kWhat, "", "too long", "give at most 300 seconds", EINVAL});
        }
    }
    wait_timeout_ = timeout;
    wait_anew();
    return {};
}

/// What is in the store now, or comes next, has not been waited for.
void Device::wait_anew() noexcept {
    ripe_at_ns_.reset();
    ripe_ = false;
}

core::Result<std::uint32_t> Device::set_buffer_size(std::uint32_t wanted) {
    if (hold_) {
        return core::fail({"set buffer size", "", "the buffers are in use", "set it before the interface", EINVAL});
    }
    // The largest size is a multiple of the alignment, so rounding up does not lead past it.
    size_ = PFILD_RECORD_ALIGN(std::clamp(wanted, Hold::kSmallest, sizes_.largest));
    return size_;
}

void Device::set_filter(std::optional<cbpf::Program> filter) {
    replace_filter(std::move(filter));
    flush();
}

void Device::replace_filter(std::optional<cbpf::Program> filter) {
    needed_ = filter ? needed_length(*filter) : NeededLength{.to_judge = 0, .to_keep = kWholePacket};
    filter_.reset();
    ++filter_version_;
    if (filter) {
        filter_.emplace(std::move(*filter));
    }
}

void Device::flush() {
    lifetime_.flushed += buffered();
    flushed_at_ = lifetime_;
    if (hold_) {
        hold_->flush();
    }
}

core::Result<void> Device::admit_ioctl() const {
    if (reading_) {
        return core::fail({"ioctl", "", "a read of the same device waits", "end the read first", EIO});
    }
    return {};
}

// ---- writing

void Device::set_write_filter(std::optional<cbpf::Program> filter) {
    write_filter_.reset();
    if (filter) {
        write_filter_.emplace(std::move(*filter));
    }
}

core::Result<void> Device::admit_write(std::span<const std::uint8_t> frame) const {
    if (access_ == Access::kRead) {
        return core::fail({kWrite, "", "the device was opened for reading", "", EBADF});
    }
    if (state_ != DeviceState::kAttached) {
        const int code = settings_.personality == Personality::kFreebsd ? ENXIO : EINVAL;
        return core::fail({kWrite, "",
                           state_ == DeviceState::kOrphaned ? "the interface is gone" : "the device has no interface",
                           state_ == DeviceState::kOrphaned ? "open the device again" : "set one first", code});
    }
    if (write_filter_ && !frame.empty() && write_filter_->run(cbpf::Packet(frame)) < frame.size()) {
        return core::fail({kWrite, "", "the write filter does not let this frame go", "", EPERM});
    }
    return {};
}

// ---- life

core::Result<void> Device::attach() {
    constexpr const char* kWhat = "set interface";
    if (hold_) {
        return core::fail({kWhat, "", "the device has or had one", "open another device", EINVAL});
    }
    auto memory = client_.take_memory(std::size_t{2} * size_);
    if (memory == nullptr) {
        return core::fail({kWhat, "", "no memory for the buffers", "ask for smaller ones", ENOBUFS});
    }
    hold_.emplace(size_, std::move(memory));
    state_ = DeviceState::kAttached;
    return {};
}

void Device::orphan() {
    assert(state_ == DeviceState::kAttached);
    state_ = DeviceState::kOrphaned;
    if (hold_->is_empty()) {
        hold_->rotate();
    }
    if (!hold_->held().empty()) {
        deliver_to_waiting();
    } else {
        fail_waiting(gone());
    }
}

void Device::close() {
    fail_waiting({kRead, "", "the device was closed", "", EBADF});
    flush();
}

core::Error Device::gone() const {
    const int code = settings_.personality == Personality::kFreebsd ? ENXIO : EIO;
    return {kRead, "", "the interface is gone", "open the device again", code};
}

// ---- packets

void Device::offer(const TappedPacket& packet) noexcept {
    const std::uint32_t wire_length = packet.facts().wire_length;
    const std::uint32_t taken = packet.view().captured_length();
    if (taken < std::min(needed_.to_judge, wire_length)) { // tapped for a filter that needed less
        charge_lost(1);
        return;
    }
    ++lifetime_.received;
    const std::uint32_t wanted = filter_ ? filter_->run(packet.view()) : kWholePacket;
    if (wanted == 0) {
        ++lifetime_.filtered;
        return;
    }
    ++lifetime_.captured;
    switch (hold_->append(header_of(packet, std::min({wanted, wire_length, taken})), packet.pieces())) {
    case Placed::kStored:
        break;
    case Placed::kRotated:
        wait_anew();
        deliver_to_waiting();
        break;
    case Placed::kDropped:
        ++lifetime_.dropped;
        break;
    }
}

pfild_record Device::header_of(const TappedPacket& packet, std::uint32_t wanted) const noexcept {
    const TapFacts& facts = packet.facts();
    const std::uint64_t below_second = facts.realtime_ns % kNanoseconds;
    pfild_record header{};
    header.seconds = static_cast<std::int64_t>(facts.realtime_ns / kNanoseconds);
    header.fraction = static_cast<std::int64_t>(
        settings_.precision == Precision::kNano ? below_second : below_second / kNanosecondsOfMicro);
    header.caplen = wanted;
    header.datalen = facts.wire_length;
    if (settings_.origins) {
        header.direction = facts.direction == core::Direction::kIn ? PFILD_RECORD_IN : PFILD_RECORD_OUT;
        header.ifindex = facts.ifindex;
    }
    return header;
}

bool Device::pause() noexcept {
    if (pauses_ == kMostPauses || !hold_ || hold_->is_empty() || hold_->stored_bytes() <= size_ / 2) {
        return false;
    }
    ++pauses_;
    return true;
}

void Device::charge_lost(std::uint64_t count) noexcept {
    lifetime_.received += count;
    lifetime_.captured += count;
    lifetime_.dropped += count;
    lifetime_.lost += count;
}

void Device::charge_filtered(std::uint64_t count) noexcept {
    if (filter_) {
        lifetime_.received += count;
        lifetime_.filtered += count;
    }
}

TapWish Device::tap_wish() const {
    if (state_ != DeviceState::kAttached || access_ == Access::kWrite) {
        return {};
    }
    const auto header = static_cast<std::uint32_t>(sizeof(pfild_record));
    return {.directions = directions_, .length = std::max(needed_.to_judge, std::min(needed_.to_keep, size_ - header))};
}

// ---- reading

core::Result<void> Device::read(const ReadRequest& request, std::uint64_t now_ns) {
    if (access_ == Access::kWrite) {
        return core::fail({kRead, "", "the device was opened for writing", "", EBADF});
    }
    if (reading_) {
        return core::fail({kRead, "", "another read of the same device waits", "read from one place", EIO});
    }
    if (state_ == DeviceState::kUnattached) {
        const bool freebsd = settings_.personality == Personality::kFreebsd && request.size == size_;
        return core::fail({kRead, "", "the device has no interface", "set one first", freebsd ? ENXIO : EINVAL});
    }
    if (request.size != size_) {
        return core::fail(
            {kRead, "", "a read takes a whole buffer", "read " + std::to_string(size_) + " bytes", EINVAL});
    }
    pauses_ = 0;
    take_back();
    if (state_ == DeviceState::kOrphaned && hold_->held().empty()) {
        return core::fail(gone());
    }
    const bool nonblocking = request.nonblocking || settings_.nonblocking;
    if (hold_->held().empty() && (nonblocking || store_counts())) {
        hold_->rotate();
    }
    if (!hold_->held().empty()) {
        deliver(request.id, request.lend);
        return {};
    }
    if (nonblocking) {
        return core::fail({kRead, "", "no packet yet", "", EAGAIN});
    }
    reading_ = Reading{.id = request.id, .deadline_ns = deadline(timeout_, now_ns), .lend = request.lend};
    return {};
}

std::optional<std::uint64_t> Device::deadline_ns(std::uint64_t now_ns) {
    if (wait_timeout_ && !ripe_ && !ripe_at_ns_ && hold_ && hold_->stored_bytes() != 0) {
        ripe_at_ns_ = after(*wait_timeout_, now_ns);
    }
    const std::optional<std::uint64_t> read_ends = reading_ ? reading_->deadline_ns : std::nullopt;
    return read_ends && ripe_at_ns_ ? std::min(read_ends, ripe_at_ns_) : read_ends ? read_ends : ripe_at_ns_;
}

void Device::expire(std::uint64_t now_ns) {
    if (ripe_at_ns_ && *ripe_at_ns_ <= now_ns) {
        ripe_at_ns_.reset();
        ripe_ = true;
    }
    if (!reading_ || !reading_->deadline_ns || *reading_->deadline_ns > now_ns) {
        return;
    }
    if (hold_->held().empty()) {
        hold_->rotate();
    }
    if (hold_->held().empty() && settings_.personality == Personality::kMinix) {
        fail_waiting({kRead, "", "timed out, no packet yet", "", EAGAIN});
    } else {
        deliver_to_waiting();
    }
}

bool Device::cancel_read(ReadId id) {
    if (!reading_ || reading_->id != id) {
        return false;
    }
    fail_waiting({kRead, "", "interrupted", "", EINTR});
    return true;
}

void Device::announce() {
    if (reading_ && readable_now()) {
        if (hold_->held().empty()) {
            hold_->rotate();
        }
        deliver_to_waiting();
    }
    if (hold_ && hold_->stored_bytes() == 0) {
        wait_anew();
    }
    const Readiness now = readiness();
    if (now != told_) {
        told_ = now;
        client_.set_readiness(now);
    }
}

/// Hands the hold to a reader. A buffer that is full, or will never be, follows at once (BD-21, BD-24, BD-D1).
void Device::deliver(ReadId id, bool lend) noexcept {
    const std::span<const std::uint8_t> records = hold_->held();
    const std::uint32_t count = hold_->held_records();
    if (!(lend ? client_.lend(id, records) : client_.deliver(id, records))) {
        return;
    }
    lifetime_.delivered += count;
    if (lend && !records.empty()) {
        hold_->lend();
    } else {
        release();
    }
}

void Device::release() noexcept {
    hold_->release();
    if (state_ == DeviceState::kOrphaned && hold_->held().empty()) {
        hold_->rotate();
    }
}

/// A reader that comes again is done with what it was lent.
void Device::take_back() noexcept {
    if (hold_->lent()) {
        release();
    }
}

void Device::deliver_to_waiting() noexcept {
    if (reading_) {
        const Reading reading = *std::exchange(reading_, std::nullopt);
        deliver(reading.id, reading.lend);
    }
}

void Device::fail_waiting(const core::Error& error) {
    if (reading_) {
        client_.fail(std::exchange(reading_, std::nullopt)->id, error);
    }
}

/// Whether a read that starts now finds records. => attached or orphaned.
bool Device::readable_now() const noexcept {
    return !hold_->held().empty() || hold_->follows_lent() || (store_counts() && hold_->stored_bytes() != 0);
}

Readiness Device::readiness() const {
    return {.readable = state_ != DeviceState::kAttached || readable_now(), .hangup = state_ == DeviceState::kOrphaned};
}

std::uint64_t Device::readable_bytes() const {
    if (!hold_) {
        return 0;
    }
    const std::uint64_t held = hold_->held().size();
    const std::uint64_t stored = hold_->stored_bytes();
    if (settings_.personality == Personality::kFreebsd) {
        return held + stored;
    }
    return held != 0 || !(store_counts() || hold_->follows_lent()) ? held : stored;
}

std::uint64_t Device::buffered() const {
    return hold_ ? std::uint64_t{hold_->held_records()} + hold_->stored_records() : 0;
}

} // namespace pfild::capture
