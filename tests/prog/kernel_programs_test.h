// SPDX-License-Identifier: BSD-2-Clause
// What every test of a kernel program stands on: the real programs, loaded as the daemon loads them, two interfaces in
// a network namespace of the test's own, and a count of what the programs counted.
//
//      private namespace (the test is in it)          another one
//           watched  ==veth==                          watched       attached as slot 3
//           other    ==veth==                          other         not attached
//
// Everything goes with the test. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/direction.h"
#include "core/upkeep.h"
#include "daemon/kernel/head_programs.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/netns.h"
#include "tests/prog/stage.h"

namespace pfild::tests {

inline constexpr std::uint8_t kSlot = 3;
inline constexpr std::uint8_t kOtherSlot = 5;
inline constexpr std::uint32_t kNumber = 7; ///< of the attachment

/// TC_ACT_UNSPEC as the kernel returns it: filters behind ours see the packet.
inline constexpr std::uint32_t kPass = 0xffffffff;

/// "in" or "out", as `counted` begins.
[[nodiscard]] inline std::string named(core::Direction direction) { return std::string(core::name(direction)); }

inline constexpr std::uint32_t kTapBytes = 65536; ///< of the tap's ring

class KernelProgramsTest : public ::testing::Test {
  protected:
    /// Skips where the rights are missing; any other obstacle is a failure.
    void SetUp() override;

    [[nodiscard]] std::uint32_t watched() const { return watched_; }
    [[nodiscard]] std::uint32_t other() const { return other_; }
    /// Where the other ends of the pairs are.
    [[nodiscard]] const sys::NetNs& far() const { return *there_; }
    [[nodiscard]] kernel::Programs& programs() { return *programs_; }
    /// Of the attachment kNumber in kSlot.
    [[nodiscard]] const kernel::HeadPrograms& heads() { return *heads_; }
    [[nodiscard]] Stage& stage() { return *stage_; }

    /// Attaches `watched` as far as the programs can tell. `flags`: PFILD_FAIL_DROP | PFILD_DIVERT_*.
    void attach(std::uint32_t flags, const core::AskedUpkeep& asked = {});
    /// An engine's socket in this lane, and its absence. Closing it is all that leaving takes: the kernel notices.
    void attend(std::uint32_t lane);
    void leave_unattended() { sockets_.clear(); }
    /// The engine's last beat is so long ago; without this it beats as long as a test takes.
    void last_beat(std::uint64_t ago_ns);

    /// Runs the head of a direction; forgets what was counted before. A packet that could not be run is a failure.
    [[nodiscard]] Verdict head(core::Direction direction, const Scene& scene);
    [[nodiscard]] StageProps left_by_head(core::Direction direction, const Scene& scene);

    /// A frame on `watched`.
    [[nodiscard]] Scene on_watched(Bytes frame) const;
    /// A frame on `watched` as the re-entry program of a lane leaves it, which runs once.
    [[nodiscard]] Scene back_again(core::Direction direction, Bytes frame, std::uint8_t slot = kSlot);

    /// What all counters of all lanes did since the last call, e.g. "in.diverted+1 slot5.out.reentered+2"; the lanes of
    /// kSlot without their slot; "" when nothing was counted.
    [[nodiscard]] std::string counted();

  private:
    using AllCounters = std::array<pfild_counters, PFILD_MAX_LANES>;
    [[nodiscard]] AllCounters read_counters() const;
    void make_interfaces();

    std::optional<sys::NetNs> here_;
    std::optional<sys::NetNs> there_;
    std::optional<sys::NetNsVisit> visit_;
    std::unique_ptr<kernel::Programs> programs_;
    std::optional<kernel::HeadPrograms> heads_;
    std::unique_ptr<Stage> stage_;
    std::vector<sys::Fd> sockets_;
    std::uint32_t watched_ = 0;
    std::uint32_t other_ = 0;
    AllCounters before_{};
};

} // namespace pfild::tests
