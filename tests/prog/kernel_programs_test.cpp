// SPDX-License-Identifier: BSD-2-Clause
#include "tests/prog/kernel_programs_test.h"

#include <cstdlib>
#include <string_view>

#include <sys/socket.h>

#include "daemon/net/links.h"
#include "daemon/sys/capabilities.h"
#include "daemon/sys/clock.h"

namespace pfild::tests {
namespace {

constexpr std::array<const char*, PFILD_COUNTERS> kCounterNames PFILD_COUNTER_NAMES;
constexpr std::uint64_t kLongestTestNs = 3'600'000'000'000;

bool all_required() {
    const char* const all = std::getenv("PFILD_REQUIRE_ALL"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    return all != nullptr && std::string_view(all) == "1";
}

} // namespace

void KernelProgramsTest::SetUp() {
    if (const auto allowed = sys::require_capabilities(); !allowed) {
        if (all_required()) {
            FAIL() << "PFILD_REQUIRE_ALL=1, and " << allowed.error().line();
        }
        GTEST_SKIP() << allowed.error().line();
    }
    ASSERT_NO_FATAL_FAILURE(make_interfaces());
    const auto identity = kernel::identity_of_run("prog", *here_, "/run");
    ASSERT_TRUE(identity) << identity.error().line();
    auto programs =
        kernel::Programs::load({.identity = *identity, .flows = 16, .pin_folder = {}, .tap_bytes = kTapBytes});
    ASSERT_TRUE(programs) << programs.error().line();
    programs_ = *std::move(programs);
    programs_->beat().told_ns = sys::now_ns(CLOCK_MONOTONIC_COARSE) + kLongestTestNs;
    auto heads = kernel::HeadPrograms::load(*programs_, kSlot, kNumber);
    ASSERT_TRUE(heads) << heads.error().line();
    heads_ = *std::move(heads);
    auto stage = Stage::build();
    ASSERT_TRUE(stage) << stage.error();
    stage_ = *std::move(stage);
    before_ = read_counters();
}

void KernelProgramsTest::make_interfaces() {
    here_.emplace(sys::NetNs::create_private().value());
    there_.emplace(sys::NetNs::create_private().value());
    auto visit = sys::NetNsVisit::begin(*here_);
    ASSERT_TRUE(visit) << visit.error().line();
    visit_.emplace(*std::move(visit));
    net::Links links = net::Links::open().value();
    for (const char* const name : {"watched", "other"}) {
        const auto made = links.make_pair({.name = name, .alias = "", .mtu = 1500, .peer_netns = there_->fd()});
        ASSERT_TRUE(made) << made.error().line();
    }
    watched_ = links.find("watched").value().ifindex;
    other_ = links.find("other").value().ifindex;
}

void KernelProgramsTest::attach(std::uint32_t flags, const core::AskedUpkeep& asked) {
    pfild_interface interface { .slot = kSlot, .flags = flags, .port_p = other_, .port_q = other_ };
    std::copy(kOurMac.begin(), kOurMac.end(), std::begin(interface.mac));
    interface.ifindex = watched_;
    interface.attachment = kNumber;
    std::copy(asked.begin(), asked.end(), std::begin(interface.asked));
    const auto set = programs_->set_interface(interface);
    ASSERT_TRUE(set) << set.error().line();
}

void KernelProgramsTest::attend(std::uint32_t lane) {
    sys::Fd socket(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    ASSERT_TRUE(socket) << "no AF_XDP socket";
    const auto set = programs_->set_socket(lane, socket.get());
    ASSERT_TRUE(set) << set.error().line();
    sockets_.push_back(std::move(socket));
}

void KernelProgramsTest::last_beat(std::uint64_t ago_ns) {
    programs_->beat().told_ns = sys::now_ns(CLOCK_MONOTONIC_COARSE) - ago_ns;
}

Verdict KernelProgramsTest::head(core::Direction direction, const Scene& scene) {
    (void)counted();
    auto verdict = stage_->verdict(heads_->fd(direction), scene);
    EXPECT_TRUE(verdict) << verdict.error();
    return std::move(verdict).value_or(Verdict{.action = PFILD_STAGE_EMPTY});
}

StageProps KernelProgramsTest::left_by_head(core::Direction direction, const Scene& scene) {
    const auto left = stage_->left_by(heads_->fd(direction), scene);
    EXPECT_TRUE(left) << left.error();
    return left.value_or(StageProps{});
}

Scene KernelProgramsTest::on_watched(Bytes frame) const { return {.frame = std::move(frame), .ifindex = watched_}; }

Scene KernelProgramsTest::back_again(core::Direction direction, Bytes frame, std::uint8_t slot) {
    EXPECT_TRUE(programs_->set_stack_port(other_, {.lane = kernel::lane(slot, direction), .interface = watched_}));
    Scene scene = on_watched(std::move(frame));
    scene.ifindex = other_;
    const auto stamp = stage_->left_by(programs_->reentry_fd(direction), scene);
    EXPECT_TRUE(stamp) << stamp.error();
    scene.before = stamp.value_or(StageProps{});
    scene.mark = scene.before.mark;
    scene.ifindex = watched_;
    scene.ingress_ifindex = direction == core::Direction::kOut ? other_ : watched_;
    return scene;
}

KernelProgramsTest::AllCounters KernelProgramsTest::read_counters() const {
    AllCounters all{};
    for (std::uint8_t slot = 0; slot < PFILD_MAX_INTERFACES; slot++) {
        all[PFILD_LANE_IN(slot)] = programs_->counters(slot, core::Direction::kIn);
        all[PFILD_LANE_OUT(slot)] = programs_->counters(slot, core::Direction::kOut);
    }
    return all;
}

std::string KernelProgramsTest::counted() {
    const AllCounters now = read_counters();
    std::string moved;
    for (std::uint32_t lane = 0; lane < PFILD_MAX_LANES; lane++) {
        for (std::uint32_t i = 0; i < PFILD_COUNTERS; i++) {
            const std::uint64_t by = now[lane].count[i] - before_[lane].count[i];
            if (by != 0) {
                const std::uint32_t slot = lane / 2;
                moved += moved.empty() ? "" : " ";
                moved += slot == kSlot ? "" : "slot" + std::to_string(slot) + '.';
                moved += lane % 2 == 0 ? "in." : "out.";
                moved += kCounterNames[i] + ('+' + std::to_string(by));
            }
        }
    }
    before_ = now;
    return moved;
}

} // namespace pfild::tests
