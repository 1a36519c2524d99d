// SPDX-License-Identifier: BSD-2-Clause
// Store and hold against a model that could not be simpler: two vectors of records, and lengths that are added up anew
// for every question. 100,000 random operations on buffers of several sizes, the same ones every time.
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "capture/hold.h"
#include "tests/unit/capture/records.h"

namespace pfild::capture {
namespace {

using Records = std::vector<core::Bytes>;

std::size_t total(const Records& records) {
    std::size_t bytes = 0;
    for (const core::Bytes& record : records) {
        bytes += record.size();
    }
    return bytes;
}

class HoldModel {
  public:
    explicit HoldModel(std::size_t size) : size_(size) {}

    Placed append(const core::Bytes& packet, std::size_t wanted) {
        core::Bytes record = written(packet, wanted);
        const bool fits = total(store_) + record.size() <= size_;
        if (!fits && !hold_.empty()) {
            return Placed::kDropped;
        }
        if (!fits) {
            rotate();
        }
        store_.push_back(std::move(record));
        const bool full = total(store_) == size_ && hold_.empty();
        if (full) {
            rotate();
        }
        return !fits || full ? Placed::kRotated : Placed::kStored;
    }
    void rotate() { hold_.swap(store_); }
    void release() {
        hold_.clear();
        if (total(store_) == size_) {
            rotate();
        }
    }
    void flush() {
        hold_.clear();
        store_.clear();
    }

    [[nodiscard]] const Records& store() const { return store_; }
    [[nodiscard]] const Records& hold() const { return hold_; }

  private:
    /// What a record looks like in memory, byte by byte.
    [[nodiscard]] core::Bytes written(const core::Bytes& packet, std::size_t wanted) const {
        while ((32 + wanted + 7) / 8 * 8 > size_) {
            wanted--;
        }
        core::Bytes record(32, 0);
        for (std::size_t i = 0; i < 4; i++) { // this machine's byte order is little endian
            record[16 + i] = static_cast<std::uint8_t>(wanted >> (8 * i));
            record[20 + i] = static_cast<std::uint8_t>(packet.size() >> (8 * i));
        }
        record[24] = 32;
        for (std::size_t i = 0; i < wanted; i++) {
            record.push_back(packet[i]);
        }
        while (record.size() % 8 != 0) {
            record.push_back(0);
        }
        return record;
    }

    std::size_t size_;
    Records store_;
    Records hold_;
};

void expect_equal(const Hold& hold, const HoldModel& model) {
    ASSERT_EQ(hold.stored_bytes(), total(model.store()));
    ASSERT_EQ(hold.stored_records(), model.store().size());
    ASSERT_EQ(hold.held_records(), model.hold().size());
    core::Bytes held;
    for (const core::Bytes& record : model.hold()) {
        held.insert(held.end(), record.begin(), record.end());
    }
    ASSERT_TRUE(std::equal(held.begin(), held.end(), hold.held().begin(), hold.held().end()));
}

void run(std::uint32_t size, unsigned operations, std::mt19937& random) {
    Hold hold(size, private_memory(std::size_t{2} * size));
    HoldModel model(size);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    for (unsigned i = 0; i < operations; i++) {
        switch (below(16)) {
        case 0:
            hold.flush();
            model.flush();
            break;
        case 1:
        case 2:
            hold.release();
            model.release();
            break;
        case 3:
            if (model.hold().empty()) {
                hold.rotate();
                model.rotate();
            }
            break;
        default: {
            core::Bytes packet(below(below(8) == 0 ? 2 * size : 60));
            for (std::uint8_t& byte : packet) {
                byte = static_cast<std::uint8_t>(random() | 1U); // never 0: padding would not be seen
            }
            const auto wanted = static_cast<std::uint32_t>(below(2) == 0 ? packet.size() : below(packet.size() + 1));
            pfild_record header{};
            header.caplen = wanted;
            header.datalen = static_cast<std::uint32_t>(packet.size());
            ASSERT_EQ(hold.append(header, pieces_of(packet, {below(70), below(70)})), model.append(packet, wanted));
        }
        }
        ASSERT_NO_FATAL_FAILURE(expect_equal(hold, model)) << "after operation " << i << " on buffers of " << size;
    }
}

TEST(HoldModelled, does_the_same_as_two_vectors_of_records) {
    std::mt19937 random(1992); // NOLINT: the same numbers every time
    for (const std::uint32_t size : {32U, 40U, 64U, 96U, 160U, 256U, 512U, 1024U}) {
        ASSERT_NO_FATAL_FAILURE(run(size, 12'500, random));
    }
}

} // namespace
} // namespace pfild::capture
