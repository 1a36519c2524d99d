// SPDX-License-Identifier: BSD-2-Clause
// What every test of the tap stands on: the programs, their ring, and what came out of it. All of every packet is
// wanted, in both directions, until a test says otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/kernel/tap_ring.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {

/// A packet as the tap has brought it.
struct TapCopy {
    Bytes bytes;
    capture::TapFacts facts;
};

class TapTest : public KernelProgramsTest, private kernel::TapReader {
  protected:
    static constexpr std::uint32_t kWhole = 0xffffffff;

    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        auto opened = kernel::TapRing::open(programs(), *this);
        ASSERT_TRUE(opened) << opened.error().line();
        ring_ = std::move(*opened);
        attach(0);
        want(kWhole);
    }
    [[nodiscard]] static std::uint32_t lane(core::Direction direction) { return kernel::lane(kSlot, direction); }
    [[nodiscard]] kernel::TapRing& ring() { return *ring_; }
    void want(std::uint32_t bytes) {
        for (const core::Direction direction : core::kEachDirection) {
            ring_->want(lane(direction), bytes);
        }
    }
    [[nodiscard]] std::uint64_t lost(core::Direction direction) const { return ring_->lost(lane(direction)); }
    /// What is in the ring, which is empty then.
    std::vector<TapCopy> take() {
        shown_.clear();
        while (ring_->take()) {
        }
        return std::move(shown_);
    }
    /// What the tap has of this packet, after a head has met it.
    std::vector<TapCopy> tapped(core::Direction direction, const Scene& scene) {
        (void)head(direction, scene);
        return take();
    }

  private:
    void show(const capture::TappedPacket& packet) noexcept override {
        TapCopy one{.bytes = {}, .facts = packet.facts()};
        for (const cbpf::Piece& piece : packet.pieces()) {
            one.bytes.insert(one.bytes.end(), piece.data, piece.data + piece.length);
        }
        shown_.push_back(std::move(one));
    }

    std::unique_ptr<kernel::TapRing> ring_;
    std::vector<TapCopy> shown_;
};

} // namespace pfild::tests
