// SPDX-License-Identifier: BSD-2-Clause
// A device against a model of two vectors of packet numbers: 100,000 random packets, reads, time-outs, signals, flushes
// and settings, the same ones every time. Every packet carries its number; after each operation counters, readiness and
// the numbers that were read are compared.
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/capture/device.h"

namespace pfild::capture {
namespace {

constexpr std::uint32_t kBuffer = 512;

/// A packet in a buffer of the model.
struct Kept {
    std::uint32_t number;
    std::uint32_t record; ///< bytes
};
using KeptList = std::vector<Kept>;

std::uint32_t bytes_of(const KeptList& list) {
    std::uint32_t bytes = 0;
    for (const Kept& kept : list) {
        bytes += kept.record;
    }
    return bytes;
}

/// What happened to a read: the numbers it got, or an errno.
struct Outcome {
    std::vector<std::uint32_t> numbers;
    int code = 0;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// The contract once more, as slowly and plainly as it can be said.
struct DeviceModel {
    KeptList store;
    KeptList hold;
    bool immediate = false;
    std::uint32_t snap = UINT32_MAX; ///< what the filter returns
    std::optional<std::uint64_t> timeout_ns;
    bool waits = false;
    std::optional<std::uint64_t> deadline_ns;
    bool faulty = false;
    bool gone = false;
    bool lending = false; ///< the read that waits, or the one that ends now
    bool lent = false;    ///< the hold's records are with a reader
    bool refused = false; ///< a packet, since then
    DeviceCounts counts;
    std::vector<Outcome> outcomes;

    void deliver() {
        waits = false;
        if (faulty) {
            return;
        }
        Outcome outcome;
        for (const Kept& kept : hold) {
            outcome.numbers.push_back(kept.number);
        }
        outcomes.push_back(outcome);
        counts.delivered += hold.size();
        lent = lending && !hold.empty();
        refused = false;
        hold.clear();
        if (!lent) {
            follow();
        }
    }
    void follow() {
        if (refused || bytes_of(store) == kBuffer || gone) {
            hold.swap(store);
        }
    }
    void take_back() {
        if (lent) {
            lent = false;
            follow();
        }
    }
    void end(int code) {
        waits = false;
        outcomes.push_back({.numbers = {}, .code = code});
    }
    void packet(std::uint32_t number, std::uint32_t wire) {
        counts.received++;
        if (snap == 0) {
            counts.filtered++;
            return;
        }
        counts.captured++;
        const std::uint32_t record = std::min(kBuffer, 32 + (std::min(snap, wire) + 7) / 8 * 8);
        const bool fits = bytes_of(store) + record <= kBuffer;
        if (!fits && (lent || !hold.empty())) {
            counts.dropped++;
            refused = lent;
            return;
        }
        if (!fits) {
            hold.swap(store);
        }
        store.push_back({number, record});
        bool wake = !fits;
        if (!lent && hold.empty() && bytes_of(store) == kBuffer) {
            hold.swap(store);
            wake = true;
        }
        if (wake && waits) {
            deliver();
        }
    }
    int read(bool nonblocking, bool lend, std::uint64_t now_ns) {
        if (waits) {
            return EIO;
        }
        take_back();
        if (gone && hold.empty()) {
            return EIO;
        }
        lending = lend;
        if (hold.empty() && (immediate || nonblocking)) {
            hold.swap(store);
        }
        if (!hold.empty()) {
            deliver();
            return 0;
        }
        if (nonblocking) {
            return EAGAIN;
        }
        waits = true;
        deadline_ns = timeout_ns ? std::optional(now_ns + *timeout_ns) : std::nullopt;
        return 0;
    }
    void announce() {
        if (waits && readable()) {
            wake();
        }
    }
    void wake() {
        if (hold.empty()) {
            hold.swap(store);
        }
        deliver();
    }
    void expire(std::uint64_t now_ns) {
        if (!waits || !deadline_ns || now_ns < *deadline_ns) {
            return;
        }
        hold.empty() && store.empty() ? end(EAGAIN) : wake();
    }
    void flush() {
        counts.flushed += store.size() + hold.size();
        store.clear();
        hold.clear();
        lent = false;
    }
    void orphan() {
        gone = true;
        if (!lent && hold.empty()) {
            hold.swap(store);
        }
        if (waits) {
            hold.empty() ? end(EIO) : deliver();
        }
    }
    [[nodiscard]] bool readable() const {
        const bool follows = lent && (refused || bytes_of(store) == kBuffer);
        return gone || !hold.empty() || follows || (immediate && !store.empty());
    }
};

/// Both, fed with the same.
class Pair {
  public:
    explicit Pair(std::mt19937& random) : random_(random) {
        EXPECT_TRUE(device_.attach().has_value());
        device_.announce();
    }

    void step() {
        switch (below(40)) {
        case 0:
            if (below(8) == 0) {
                device_.flush();
                model_.flush();
            }
            break;
        case 1:
            change_filter();
            break;
        case 2:
            change_settings();
            break;
        case 3:
            if (device_.cancel_read(0)) {
                model_.end(EINTR);
            }
            break;
        case 4:
            device_.charge_lost(2);
            model_.counts.add({.received = 2, .captured = 2, .dropped = 2, .lost = 2});
            break;
        case 5:
        case 6:
        case 7:
            now_ns_ += below(5000);
            device_.expire(now_ns_);
            model_.expire(now_ns_);
            break;
        case 8:
        case 9:
        case 10:
        case 11:
            read();
            break;
        case 12:
        case 13:
        case 14:
            announce();
            break;
        default:
            packet();
        }
    }
    void orphan() {
        device_.orphan();
        model_.orphan();
    }
    void announce() {
        device_.announce();
        model_.announce();
        const Readiness told = client_.told.empty() ? Readiness{.readable = true} : client_.told.back();
        ASSERT_EQ(told, (Readiness{.readable = model_.readable(), .hangup = model_.gone}));
    }
    void read() {
        const bool nonblocking = below(3) == 0;
        const bool lend = below(2) == 0;
        const auto result = device_.read({.id = 0, .size = kBuffer, .nonblocking = nonblocking, .lend = lend}, now_ns_);
        ASSERT_EQ(result ? 0 : result.error().code, model_.read(nonblocking, lend, now_ns_));
    }
    void compare() {
        ASSERT_EQ(device_.lifetime(), model_.counts);
        ASSERT_EQ(device_.buffered(), model_.store.size() + model_.hold.size());
        ASSERT_TRUE(device_.lifetime().balanced(device_.buffered()));
        ASSERT_TRUE(device_.stats().balanced(device_.buffered()));
        ASSERT_EQ(device_.waits(), model_.waits);
        ASSERT_EQ(client_.answers.size(), model_.outcomes.size());
        for (std::size_t i = 0; i < client_.answers.size(); i++) {
            ASSERT_EQ(outcome_of(client_.answers[i]), model_.outcomes[i]);
            lent_ = client_.answers[i].bytes;
        }
        if (model_.lent) {
            lent_checks_++;
            ASSERT_TRUE(std::equal(lent_.begin(), lent_.end(), client_.lent.begin(), client_.lent.end()))
                << "a reader looks at it";
        }
        client_.answers.clear();
        model_.outcomes.clear();
    }
    [[nodiscard]] std::uint32_t delivered() const { return delivered_; }
    [[nodiscard]] std::uint32_t lent_checks() const { return lent_checks_; }
    [[nodiscard]] std::uint64_t dropped() const { return model_.counts.dropped - model_.counts.lost; }

  private:
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

    void packet() {
        const std::uint32_t number = ++packets_;
        const std::uint32_t wire = 4 + below(below(10) == 0 ? 1000 : 60);
        core::Bytes bytes(wire, 0x55);
        std::memcpy(bytes.data(), &number, sizeof(number));
        device_.offer(TestPacket(std::move(bytes)).tapped());
        model_.packet(number, wire);
    }
    void change_filter() {
        static constexpr std::array<std::uint32_t, 5> kSnaps{0, 4, 20, 100, UINT32_MAX};
        const std::uint32_t snap = kSnaps[below(kSnaps.size())];
        const bool keep = below(2) == 0;
        const std::optional<cbpf::Program> filter = snap == UINT32_MAX ? std::nullopt : std::optional(returning(snap));
        keep ? device_.replace_filter(filter) : device_.set_filter(filter);
        model_.snap = snap;
        if (!keep) {
            model_.flush();
        }
    }
    void change_settings() {
        model_.immediate = below(2) == 0;
        device_.set_settings({.immediate = model_.immediate});
        client_.faulty = model_.faulty = below(4) == 0;
        const std::uint32_t timeout_us = below(3);
        EXPECT_TRUE(device_.set_read_timeout({.microseconds = timeout_us}).has_value());
        model_.timeout_ns = timeout_us == 0 ? std::nullopt : std::optional<std::uint64_t>(timeout_us * 1000);
    }
    Outcome outcome_of(const Answer& answer) {
        Outcome outcome{.numbers = {}, .code = answer.code};
        for (const ReadRecord& record : records_in(answer.bytes)) {
            std::uint32_t number = 0;
            EXPECT_GE(record.packet.size(), sizeof(number));
            std::memcpy(&number, record.packet.data(), sizeof(number));
            EXPECT_GT(number, last_read_) << "nothing overtakes, nothing comes twice";
            last_read_ = number;
            delivered_++;
            outcome.numbers.push_back(number);
        }
        return outcome;
    }

    std::mt19937& random_;
    ListClient client_;
    Device device_{Access::kBoth, BufferSizes{.usual = kBuffer, .largest = kBuffer}, client_};
    DeviceModel model_;
    std::uint64_t now_ns_ = 0;
    std::uint32_t packets_ = 0;
    std::uint32_t last_read_ = 0;
    std::uint32_t delivered_ = 0;
    core::Bytes lent_; ///< what the last answer was
    std::uint32_t lent_checks_ = 0;
};

TEST(DeviceModelled, BD_28_BD_61_does_the_same_as_two_vectors_of_packets) {
    std::mt19937 random(2004); // NOLINT: the same numbers every time
    std::uint64_t dropped = 0;
    for (int round = 0; round < 100; round++) {
        Pair pair(random);
        for (int i = 0; i < 1'000; i++) {
            ASSERT_NO_FATAL_FAILURE(pair.step()) << "round " << round << ", operation " << i;
            ASSERT_NO_FATAL_FAILURE(pair.compare()) << "round " << round << ", operation " << i;
        }
        EXPECT_GT(pair.delivered(), 20U) << "or little was tried";
        EXPECT_GT(pair.lent_checks(), 20U) << "or little was lent";
        dropped += pair.dropped();
        pair.orphan();
        ASSERT_NO_FATAL_FAILURE(pair.announce());
        for (int i = 0; i < 5; i++) {
            ASSERT_NO_FATAL_FAILURE(pair.read());
            ASSERT_NO_FATAL_FAILURE(pair.compare()) << "after the interface went";
        }
    }
    EXPECT_GT(dropped, 1'000U) << "or the buffers were never full";
}

} // namespace
} // namespace pfild::capture
