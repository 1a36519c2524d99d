// SPDX-License-Identifier: BSD-2-Clause
// Attack packets in front of the heads: every row of the table, and random ones of the grammar, unattended, with
// hooks in the kernel, with hooks in the engine, and of flows that are known. Whatever reads a packet, what becomes of
// it is what the engine would have said, and rules on a port are not got past.
//
// PFILD_FRAMES=1000000 runs that many packets of the grammar, PFILD_SEED=2 others.
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sys/socket.h>

#include "core/chain/placement.h"
#include "core/flow/flow_entry.h"
#include "daemon/kernel/chain.h"
#include "daemon/kernel/flow_maps.h"
#include "daemon/xsk/engine_thread.h"
#include "pfild/flow_key.h"
#include "tests/frames/attack_table.h"
#include "tests/frames/engine_judge.h"
#include "tests/frames/grammar.h"
#include "tests/prog/kernel_programs_test.h"
#include "tests/prog/placed_xdp_head.h"

namespace pfild::tests {
namespace {

using core::Direction;
using ebpf::Place;
using frames::Seen;

/// What a head does with a frame, whether by TC or by XDP.
enum class Course : std::uint8_t { kPassed, kDropped, kDiverted, kOther };

/// How frames meet the head: as they are, with the outermost tag beside the packet, or in two buffers.
enum class Way : std::uint8_t { kTc, kTcTagBeside, kXdp, kXdpSplit };
constexpr std::array kEachWay{Way::kTc, Way::kTcTagBeside, Way::kXdp, Way::kXdpSplit};
constexpr std::array<const char*, 4> kWayNames{"tc", "tc with the tag beside", "xdp", "xdp in two buffers"};

std::uint32_t number_of_environment(const char* name, std::uint32_t otherwise) {
    const char* const text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets it
    std::uint32_t number = otherwise;
    if (text != nullptr) {
        (void)std::from_chars(text, text + std::strlen(text), number);
    }
    return number;
}

std::string hex_of(const Bytes& frame) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : frame) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

bool is_tagged(const Bytes& frame) {
    return frame.size() >= 18 && ((frame[12] == 0x81 && frame[13] == 0) || (frame[12] == 0x88 && frame[13] == 0xa8));
}

class SnapshotKeeper : public core::SnapshotPublisher {
  public:
    void publish(std::shared_ptr<const core::Snapshot> snapshot) override { snapshot_ = std::move(snapshot); }

  private:
    std::shared_ptr<const core::Snapshot> snapshot_;
};

class AttackFrames : public KernelProgramsTest {
  protected:
    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        ASSERT_NO_FATAL_FAILURE(xdp_.place(watched(), programs()));
    }

    /// What the IN head says; nothing: the kernel does not run it over this frame, or it cannot come that way.
    [[nodiscard]] std::optional<Course> course(const Bytes& frame, Way way) {
        if (way == Way::kXdp || way == Way::kXdpSplit) {
            // Anywhere behind the addresses and the first type, but the same for the same frame.
            const auto split = static_cast<std::uint32_t>(14 + frame.size() * 7 % 48);
            if (way == Way::kXdpSplit && split >= frame.size()) {
                return std::nullopt;
            }
            const auto verdict = Stage::xdp_verdict(xdp_.program_fd(), frame, watched(), way == Way::kXdp ? 0 : split);
            if (!verdict) {
                return std::nullopt;
            }
            return verdict->action == XDP_PASS       ? Course::kPassed
                   : verdict->action == XDP_DROP     ? Course::kDropped
                   : verdict->action == XDP_REDIRECT ? Course::kDiverted
                                                     : Course::kOther;
        }
        Scene scene = on_watched(frame);
        if (way == Way::kTcTagBeside) {
            if (!is_tagged(frame) || frame.size() < 34) {
                return std::nullopt;
            }
            scene.before = {.tagged = 1,
                            .tag_type = static_cast<std::uint32_t>(frame[12] << 8U | frame[13]),
                            .tag_value = static_cast<std::uint32_t>(frame[14] << 8U | frame[15])};
            scene.frame.erase(scene.frame.begin() + 12, scene.frame.begin() + 16);
        }
        const auto verdict = stage().verdict(heads().fd(Direction::kIn), scene);
        if (!verdict) {
            return std::nullopt;
        }
        return verdict->action == kPass             ? Course::kPassed
               : verdict->action == TC_ACT_SHOT     ? Course::kDropped
               : verdict->action == TC_ACT_REDIRECT ? Course::kDiverted
                                                    : Course::kOther;
    }

    /// The rule in the kernel, before heads that ask it; what they leave is for the engine. Beside a hook that is shown
    /// whole frames, chains look at tags in another way.
    void attach_rule(const frames::PortRule& rule, bool beside_frames = false) {
        SnapshotKeeper keeper;
        core::Registry registry(keeper);
        frames::register_heads(registry);
        frames::must(registry.register_head({.name = "watched", .type = core::HeadType::kEthernet, .slot = kSlot}));
        frames::link_rule(registry, rule, core::RunsIn::kKernel);
        if (beside_frames) {
            frames::link_counter(registry, core::RunsIn::kKernel);
        }
        for (const Place place : {Place::kTc, Place::kXdp}) {
            const auto placement = place_lane(registry.hooks_of(kSlot, Direction::kIn), Direction::kIn, place);
            ASSERT_TRUE(placement.chain);
            const auto code = core::chain_program(*placement.chain);
            ASSERT_TRUE(code);
            auto chain = kernel::Chain::load(programs(), *code, place, placement.chain->size());
            ASSERT_TRUE(chain) << chain.error().line();
            ASSERT_TRUE(programs().set_chain(place, kernel::lane(kSlot, Direction::kIn), (*chain)->program_fd()));
            chains_.push_back(*std::move(chain));
        }
        attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_CHAIN_IN);
        attend(PFILD_LANE_IN(kSlot));
        queue_socket_ = sys::Fd(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
        ASSERT_TRUE(programs().set_queue_socket(kSlot, 0, queue_socket_.get()));
    }

    /// Whether a frame gets through head and, where it is diverted, engine.
    [[nodiscard]] std::optional<bool> gets_through(frames::EngineJudge& engine, const Bytes& frame, Way way) {
        const auto found = course(frame, way);
        if (!found) {
            return std::nullopt;
        }
        courses_[*found]++;
        if (*found == Course::kDiverted) {
            return engine.passes(frame);
        }
        return *found == Course::kPassed;
    }

    /// Rules of this test over frames of one packet, which are to be stopped or not.
    void expect_stopped(frames::EngineJudge& engine, const std::vector<Bytes>& all, Way way, const std::string& what) {
        std::size_t through = 0;
        for (const Bytes& frame : all) {
            through += gets_through(engine, frame, way).value_or(false) ? 1 : 0;
        }
        EXPECT_LT(through, all.size()) << kWayNames[static_cast<std::size_t>(way)] << ": " << what;
    }

    std::map<Course, std::size_t> courses_;

  private:
    PlacedXdpHead xdp_;
    sys::Fd queue_socket_;
    std::vector<std::unique_ptr<kernel::Chain>> chains_;
};

TEST_F(AttackFrames, no_row_passes_unattended_where_unknown_packets_are_dropped) {
    attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN);
    for (const frames::Attack& attack : frames::attacks(frames::kBlockedPort)) {
        for (const Bytes& frame : build(attack.recipe)) {
            for (const Way way : kEachWay) {
                EXPECT_NE(course(frame, way).value_or(Course::kDropped), Course::kPassed)
                    << kWayNames[static_cast<std::size_t>(way)] << ": " << attack.sentence;
            }
        }
    }
}

TEST_F(AttackFrames, no_row_gets_past_rules_that_run_in_the_kernel) {
    for (const auto& [rule, beside_frames] : {std::pair(frames::kBlock, false), std::pair(frames::kBlock, true),
                                              std::pair(frames::kDeny, false), std::pair(frames::kDeny, true)}) {
        ASSERT_NO_FATAL_FAILURE(attach_rule(rule, beside_frames));
        frames::EngineJudge engine(rule);
        for (const frames::Attack& attack : frames::attacks(frames::kBlockedPort)) {
            for (const Way way : {Way::kTc, Way::kXdp, Way::kXdpSplit}) {
                if (attack.seen != Seen::kOpen) {
                    expect_stopped(engine, build(attack.recipe), way, attack.sentence);
                }
            }
            if (attack.seen != Seen::kOpen && is_tagged(build(attack.recipe).front())) {
                expect_stopped(engine, build(attack.recipe), Way::kTcTagBeside, attack.sentence);
            }
        }
    }
    EXPECT_GT(courses_[Course::kDropped], 300U) << "chains must have answered, too";
}

TEST_F(AttackFrames, heads_chains_and_engine_say_the_same_of_every_packet_of_the_grammar) {
    const std::uint32_t count = number_of_environment("PFILD_FRAMES", 10'000);
    const std::uint32_t seed = number_of_environment("PFILD_SEED", 1);
    frames::Grammar grammar(seed, {frames::kBlockedPort, frames::kAllowedPort});
    std::size_t run = 0;
    for (const frames::PortRule& rule : {frames::kBlock, frames::kDeny}) {
        ASSERT_NO_FATAL_FAILURE(attach_rule(rule, rule.port == frames::kBlockedPort));
        frames::EngineJudge engine(rule);
        for (std::uint32_t number = 0; number < count; number++) {
            const frames::Sentence sentence = grammar.sentence(number);
            for (const Bytes& frame : sentence.frames) {
                const bool passes = engine.passes(frame);
                for (const Way way : kEachWay) {
                    const auto through = gets_through(engine, frame, way);
                    run += through ? 1 : 0;
                    // A head may pass what the engine is not asked about: neighbours.
                    ASSERT_EQ(through.value_or(passes), passes)
                        << kWayNames[static_cast<std::size_t>(way)] << ", seed " << seed << ", number " << number
                        << ": " << hex_of(frame);
                }
                if (sentence.as_port) {
                    ASSERT_EQ(passes, sentence.recipe.port == frames::kAllowedPort) << number << ": " << hex_of(frame);
                }
            }
        }
    }
    EXPECT_GT(run, 4U * count);
    EXPECT_GT(courses_[Course::kPassed], count / 20);
    EXPECT_GT(courses_[Course::kDropped], count / 20);
    EXPECT_GT(courses_[Course::kDiverted], count / 20);
    RecordProperty("runs", static_cast<int>(run));
}

class AttackFramesOfKnownFlows : public AttackFrames {
  protected:
    void SetUp() override {
        AttackFrames::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        auto mapped = kernel::FlowMaps::map(programs(), 16);
        ASSERT_TRUE(mapped) << mapped.error().line();
        maps_ = std::move(*mapped);
        index_.emplace(maps_->memory(), 42);
        maps_->state().generation = kGeneration;
        attach(PFILD_DIVERT_IN); // what is not known passes
    }

    /// From here on packets of that flow are dropped, until it is forgotten.
    void know(const core::FlowKey& key) {
        pfild_flow& flow = maps_->entries()[kPlaceOfFlow];
        flow = {};
        flow.key = key;
        flow.idle_ns = 60'000'000'000;
        flow.engine_ns = xsk::now_ns();
        flow.decision = PFILD_FLOW_DECISION(kGeneration, PFILD_FLOW_DROP, PFILD_FLOW_DROP);
        ASSERT_TRUE(index_->insert(flow.key, kPlaceOfFlow));
    }
    void forget(const core::FlowKey& key) { index_->erase(key); }

    /// A head knows the flow if the engine reads its key from the frame, and not otherwise. Whether there was a key.
    bool expect_known_as_the_engine_reads_it(frames::EngineJudge& engine, const Bytes& frame, const Bytes& plain,
                                             const std::string& what) {
        const auto key = engine.key(frame, watched());
        const auto other = engine.key(plain, watched());
        const core::FlowKey known = key.value_or(other.value());
        know(known);
        for (const Way way : kEachWay) {
            const Course found = course(frame, way).value_or(key ? Course::kDropped : Course::kPassed);
            if (way == Way::kXdpSplit && found != Course::kDropped) {
                continue; // what is not in the first buffer is left to the engine
            }
            EXPECT_EQ(found == Course::kDropped, key.has_value())
                << kWayNames[static_cast<std::size_t>(way)] << ": " << what;
        }
        forget(known);
        return key.has_value();
    }

  private:
    static constexpr std::uint32_t kGeneration = 10;
    static constexpr std::uint32_t kPlaceOfFlow = 5;
    std::unique_ptr<kernel::FlowMaps> maps_;
    std::optional<core::FlowIndex> index_;
};

/// A packet that has a key, of the same addresses and ports.
frames::Recipe plain_of(const frames::Recipe& recipe) {
    return {.inet6 = recipe.inet6,
            .protocol = recipe.protocol == frames::kTcp ? frames::kTcp : frames::kUdp,
            .source_port = recipe.source_port,
            .port = recipe.port};
}

TEST_F(AttackFramesOfKnownFlows, no_row_is_taken_for_a_packet_of_another_flow) {
    frames::EngineJudge engine(frames::kBlock);
    std::size_t keys = 0;
    for (const frames::Attack& attack : frames::attacks(frames::kBlockedPort)) {
        frames::Recipe plain = plain_of(attack.recipe);
        plain.port = frames::kAllowedPort;
        for (const Bytes& frame : build(attack.recipe)) {
            const auto key = engine.key(frame, watched());
            if (key && attack.seen == Seen::kAsPort && attack.recipe.pieces.empty()) {
                EXPECT_EQ(PFILD_BE16(key->local_port), frames::kBlockedPort) << attack.sentence;
            }
            keys += expect_known_as_the_engine_reads_it(engine, frame, build(plain).front(), attack.sentence) ? 1 : 0;
        }
    }
    EXPECT_GT(keys, 50U);
}

TEST_F(AttackFramesOfKnownFlows, heads_and_engine_read_the_same_key_from_every_packet_of_the_grammar) {
    const std::uint32_t count = number_of_environment("PFILD_FRAMES", 10'000);
    const std::uint32_t seed = number_of_environment("PFILD_SEED", 1);
    frames::Grammar grammar(seed, {frames::kBlockedPort, frames::kAllowedPort});
    frames::EngineJudge engine(frames::kBlock);
    std::size_t keys = 0;
    for (std::uint32_t number = 0; number < count && !HasFailure(); number++) {
        const frames::Sentence sentence = grammar.sentence(number);
        const Bytes plain = build(plain_of(sentence.recipe)).front();
        for (const Bytes& frame : sentence.frames) {
            const std::string what =
                "seed " + std::to_string(seed) + ", number " + std::to_string(number) + ": " + hex_of(frame);
            keys += expect_known_as_the_engine_reads_it(engine, frame, plain, what) ? 1 : 0;
        }
    }
    EXPECT_GT(keys, count / 10);
}

} // namespace
} // namespace pfild::tests
