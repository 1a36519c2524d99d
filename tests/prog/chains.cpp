// SPDX-License-Identifier: BSD-2-Clause
// Chains against the engine: any hooks, any frames, the same verdict and the same counters. And heads that ask them.
//
// PFILD_PAIRS=100000 runs that many pairs of hooks and a frame, PFILD_SEED begins elsewhere.
#include <cstdlib>
#include <map>
#include <numeric>

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>

#include "cbpf/text.h"
#include "core/buffer_pool.h"
#include "core/chain/frame_look.h"
#include "core/chain/placement.h"
#include "core/pfil/cbpf_hook.h"
#include "core/pfil/run_heads.h"
#include "daemon/kernel/chain.h"
#include "pfild/chain.h"
#include "pfild/upper_layer.h"
#include "tests/prog/kernel_programs_test.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::HeadType;
using core::OnMatch;
using core::RunsIn;
using ebpf::Place;

static_assert(core::TcContext::kTagBeside == offsetof(__sk_buff, vlan_present));
static_assert(core::TcContext::kSegments == offsetof(__sk_buff, gso_segs));
static_assert(core::TcContext::kSegmentSize == offsetof(__sk_buff, gso_size));

constexpr std::uint32_t kFramesPerChain = 16;

class KeptSnapshot : public core::SnapshotPublisher {
  public:
    void publish(std::shared_ptr<const core::Snapshot> snapshot) override { snapshot_ = std::move(snapshot); }
    [[nodiscard]] const core::Snapshot& get() const { return *snapshot_; }

  private:
    std::shared_ptr<const core::Snapshot> snapshot_ = std::make_shared<core::Snapshot>();
};

/// The heads of an instance with one interface.
struct Instance {
    Instance() : registry(snapshot) {
        for (const HeadType type : core::kEachHeadType) {
            EXPECT_TRUE(registry.register_head({.name = std::string(name(type)), .type = type}));
        }
        EXPECT_TRUE(registry.register_head({.name = "eth0", .type = HeadType::kEthernet, .slot = kSlot}));
    }

    core::CbpfHook& add(const std::string& name, HeadType type, cbpf::Program program, OnMatch on_match,
                        RunsIn runs_in = RunsIn::kKernel) {
        auto hook = std::make_shared<core::CbpfHook>(
            core::CbpfHookSpec{.name = name, .type = type, .on_match = on_match, .filter = {}, .runs_in = runs_in},
            std::move(program));
        core::CbpfHook& added = *hook;
        EXPECT_TRUE(registry.add_hook(std::move(hook)));
        hooks.push_back(&added);
        return added;
    }
    void link(const std::string& hook, const std::string& head, Direction direction) {
        EXPECT_TRUE(registry.link(
            {.hook = hook, .head = head, .directions = {direction == Direction::kIn, direction == Direction::kOut}}));
    }

    KeptSnapshot snapshot;
    core::Registry registry;
    std::vector<core::CbpfHook*> hooks;
};

/// What the engine says of a frame.
core::Verdict ask_engine(const Instance& instance, Direction direction, const Bytes& bytes) {
    std::vector<std::uint8_t> memory(std::size_t{4} * 4096);
    core::BufferPool pool(memory, 4096);
    core::Frame frame = core::Frame::copy_of(pool, bytes);
    core::PacketView view = parse(frame);
    return run_heads(instance.snapshot.get(), {.interface_slot = kSlot, .direction = direction, .ifindex = 1}, frame,
                     view);
}

core::HookTally operator-(const core::HookTally& after, const core::HookTally& before) {
    return {.seen_packets = after.seen_packets - before.seen_packets,
            .seen_bytes = after.seen_bytes - before.seen_bytes,
            .matched_packets = after.matched_packets - before.matched_packets,
            .matched_bytes = after.matched_bytes - before.matched_bytes,
            .dropped_packets = after.dropped_packets - before.dropped_packets,
            .dropped_bytes = after.dropped_bytes - before.dropped_bytes};
}

class Chains : public KernelProgramsTest {
  protected:
    struct Loaded {
        core::LanePlacement placement;
        std::unique_ptr<kernel::Chain> chain; ///< nothing: there is none
    };

    Loaded load(const Instance& instance, Direction direction, Place place) {
        Loaded loaded{place_lane(instance.registry.hooks_of(kSlot, direction), direction, place), nullptr};
        if (loaded.placement.chain) {
            const auto code = chain_program(*loaded.placement.chain);
            EXPECT_TRUE(code);
            auto chain = kernel::Chain::load(programs(), *code, place, loaded.placement.chain->size());
            EXPECT_TRUE(chain) << chain.error().line();
            loaded.chain = chain ? *std::move(chain) : nullptr;
        }
        return loaded;
    }

    static std::uint32_t ask(const kernel::Chain& chain, const Bytes& frame) {
        LIBBPF_OPTS(bpf_test_run_opts, run);
        run.data_in = frame.data();
        run.data_size_in = static_cast<__u32>(frame.size());
        const int error = bpf_prog_test_run_opts(chain.program_fd(), &run);
        EXPECT_EQ(error, 0) << "a frame of " << frame.size() << " bytes";
        return error == 0 ? run.retval : ~0U;
    }

    /// What a chain has counted, by hook.
    static std::map<const core::Hook*, core::HookTally> tallies(const Loaded& loaded) {
        std::map<const core::Hook*, core::HookTally> all;
        const auto counted = loaded.chain->tallies();
        for (std::size_t at = 0; at < counted.size(); ++at) {
            all[loaded.placement.counting[at]] += counted[at];
        }
        return all;
    }
};

/// A frame of IPv4, IPv6 or something else, with tags or without, lengths right or wrong, cut anywhere.
Bytes any_frame(AnyProgram& random) {
    Bytes frame(12);
    random.fill(frame);
    for (std::uint32_t tags = random.one_in(3) ? random.below(5) : 0; tags > 0; --tags) {
        put16(frame, random.one_in(2) ? kTypeVlan : kTypeServiceVlan);
        put16(frame, random.one_in(2) ? random.below(16) << 12U : random.below(65536));
    }
    Bytes packet(random.below(100));
    if (random.one_in(8)) {
        packet.resize(100 + random.below(3000));
    }
    random.fill(packet);
    constexpr std::uint16_t kTypes[] = {kTypeIpv4, kTypeIpv4, kTypeIpv6, kTypeIpv6, kTypeArp, 0x1234};
    const std::uint16_t type = kTypes[random.below(6)];
    put16(frame, type);
    if (!packet.empty() && !random.one_in(10)) {
        packet[0] = type == kTypeIpv6 ? 0x60 : static_cast<std::uint8_t>(0x45 + random.below(3));
    }
    const std::size_t at = type == kTypeIpv6 ? 4 : 2;
    if (packet.size() > 8 && !random.one_in(6)) {
        const std::size_t length = packet.size() - (type == kTypeIpv6 ? std::min<std::size_t>(packet.size(), 40) : 0);
        packet[at] = static_cast<std::uint8_t>(length >> 8U);
        packet[at + 1] = static_cast<std::uint8_t>(length);
    }
    if (type == kTypeIpv6 && packet.size() > 6 && random.one_in(3)) {
        constexpr std::uint8_t kNext[] = {0, 43, 44, 51, 60, 135, 139, 140, 6, 17, 50, 58, 59, 253};
        packet[6] = kNext[random.below(std::size(kNext))];
    }
    if (type == kTypeIpv4 && packet.size() > 9 && random.one_in(3)) {
        packet[6] = static_cast<std::uint8_t>(random.below(4) << 5U);
        packet[7] = static_cast<std::uint8_t>(random.below(3));
        packet[9] = random.one_in(2) ? 6 : 17;
    }
    frame = joined(std::move(frame), packet);
    if (frame.size() < 60 && random.one_in(2)) {
        frame.resize(60);
    }
    // The kernel's test run takes no IP packet without its header.
    const std::size_t least = type == kTypeIpv4 ? 34 : type == kTypeIpv6 ? 54 : 14;
    frame.resize(std::max(frame.size(), least));
    return frame;
}

std::uint64_t number_in_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets it
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// One to six hooks anywhere; programs that look at little are made often enough to be lowered under TC.
void add_any_hooks(AnyProgram& random, Instance& instance, Direction direction) {
    const std::uint32_t count = 1 + random.below(6);
    for (std::uint32_t number = 0; number < count; ++number) {
        auto program = cbpf::Program::verify(random.program());
        ASSERT_TRUE(program);
        const auto type = static_cast<HeadType>(random.below(3));
        const auto on_match = static_cast<OnMatch>(random.below(3));
        const auto runs_in = random.one_in(8) ? RunsIn::kEngine : RunsIn::kKernel;
        const std::string name = "cbpf:" + std::to_string(number);
        instance.add(name, type, *std::move(program), on_match, runs_in);
        const bool of_interface = type == HeadType::kEthernet && random.one_in(2);
        instance.link(name, of_interface ? "eth0" : std::string(core::name(type)), direction);
    }
}

/// Chains answer for nothing that the engine would drop by itself, or look through.
void expect_plain(const Bytes& frame) {
    pfild_packet packet{};
    const std::uint8_t* end = frame.data() + frame.size();
    const std::uint8_t* at = pfild_read_link(&packet, frame.data(), end, 1);
    ASSERT_NE(at, nullptr);
    pfild_read_network(&packet, at, end, static_cast<std::uint32_t>(frame.size()) - packet.network);
    ASSERT_EQ(packet.oddity, PFILD_NOT_ODD);
    ASSERT_EQ(packet.extensions, 0);
    ASSERT_LE(packet.tags + packet.transparent, 2U);
}

TEST_F(Chains, of_any_hooks_say_and_count_what_the_engine_does_about_any_frame) {
    const std::uint64_t rounds = number_in_environment("PFILD_PAIRS", 30000) / kFramesPerChain;
    const auto first_seed = static_cast<std::uint32_t>(number_in_environment("PFILD_SEED", 1));
    std::map<std::uint32_t, std::size_t> answers;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const std::uint32_t seed = first_seed + round;
        SCOPED_TRACE("seed " + std::to_string(seed));
        AnyProgram random(seed);
        const Direction direction = random.one_in(2) ? Direction::kIn : Direction::kOut;
        const Place place = random.one_in(2) ? Place::kXdp : Place::kTc;
        Instance instance;
        ASSERT_NO_FATAL_FAILURE(add_any_hooks(random, instance, direction));
        const Loaded loaded = load(instance, direction, place);
        if (!loaded.chain) {
            continue;
        }
        for (std::uint32_t number = 0; number < kFramesPerChain; ++number) {
            const Bytes frame = any_frame(random);
            auto expected = tallies(loaded);
            const std::uint32_t answer = ask(*loaded.chain, frame);
            ++answers[answer];
            std::map<const core::Hook*, core::HookTally> before;
            for (const core::CbpfHook* hook : instance.hooks) {
                before[hook] = hook->tally();
            }
            const core::Verdict verdict = ask_engine(instance, direction, frame);
            if (answer != PFILD_CHAIN_NONE) {
                ASSERT_EQ(answer == PFILD_CHAIN_DROP, verdict.stops()) << "frame " << number;
                ASSERT_NO_FATAL_FAILURE(expect_plain(frame)) << "frame " << number;
                for (const core::CbpfHook* hook : instance.hooks) {
                    expected[hook] += hook->tally() - before[hook];
                }
            }
            auto counted = tallies(loaded);
            for (const core::CbpfHook* hook : instance.hooks) {
                ASSERT_EQ(counted[hook], expected[hook]) << hook->name();
            }
        }
    }
    const std::size_t all = answers[PFILD_CHAIN_NONE] + answers[PFILD_CHAIN_PASS] + answers[PFILD_CHAIN_DROP];
    EXPECT_EQ(answers.size(), 3U);
    EXPECT_GT(answers[PFILD_CHAIN_PASS], all / 20);
    EXPECT_GT(answers[PFILD_CHAIN_DROP], all / 20);
    RecordProperty("frames", static_cast<int>(all));
    RecordProperty("passed", static_cast<int>(answers[PFILD_CHAIN_PASS]));
    RecordProperty("dropped", static_cast<int>(answers[PFILD_CHAIN_DROP]));
}

/// A program that returns what it loads.
cbpf::Program returning(std::vector<cbpf::Instruction> loads) {
    loads.push_back({0x16, 0, 0, 0});
    return cbpf::Program::verify(loads).value();
}

/// Matches where the time to live is not 0: finished, whatever the kernel does later.
cbpf::Program time_to_live() { return returning({{0x30, 0, 0, 8}}); }
/// Matches where the packet has a length.
cbpf::Program length() { return returning({{0x80, 0, 0, 0}}); }

class ChainsOfHeads : public Chains {
  protected:
    void SetUp() override {
        Chains::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        attach(PFILD_DIVERT_IN | PFILD_DIVERT_OUT | PFILD_CHAIN_IN | PFILD_CHAIN_OUT);
        attend(PFILD_LANE_IN(kSlot));
        attend(PFILD_LANE_OUT(kSlot));
    }

    /// One hook, both directions.
    void hook(HeadType type, cbpf::Program program, OnMatch on_match) {
        instance_.add("cbpf:one", type, std::move(program), on_match);
        for (const Direction direction : core::kEachDirection) {
            instance_.link("cbpf:one", std::string(core::name(type)), direction);
            loaded_.push_back(load(instance_, direction, Place::kTc));
            ASSERT_TRUE(loaded_.back().chain);
            ASSERT_TRUE(
                programs().set_chain(Place::kTc, kernel::lane(kSlot, direction), loaded_.back().chain->program_fd()));
        }
    }

    core::HookTally tally(Direction direction) { return loaded_.at(core::index(direction)).chain->tallies().front(); }

  private:
    Instance instance_;
    std::vector<Loaded> loaded_;
};

TEST_F(ChainsOfHeads, answer_by_tail_call_and_heads_go_by_it) {
    hook(HeadType::kInet, time_to_live(), OnMatch::kDrop);
    for (const Direction direction : core::kEachDirection) {
        EXPECT_EQ(head(direction, on_watched(ethernet(kTypeIpv4, ipv4(17)))).action, TC_ACT_SHOT);
        EXPECT_EQ(counted(), named(direction) + ".dropped_lowered+1");
        EXPECT_EQ(head(direction, on_watched(ethernet(kTypeIpv6, ipv6(17, 64, ipv4(17))))).action, kPass);
        EXPECT_EQ(counted(), named(direction) + ".passed_lowered+1");
    }
}

TEST_F(ChainsOfHeads, are_asked_unattended_too) {
    hook(HeadType::kInet, time_to_live(), OnMatch::kPass);
    leave_unattended();
    EXPECT_EQ(head(Direction::kIn, on_watched(ethernet(kTypeIpv4, ipv4(17)))).action, kPass);
    EXPECT_EQ(counted(), "in.passed_lowered+1");
}

TEST_F(ChainsOfHeads, that_are_not_there_leave_the_packet_to_the_engine) {
    EXPECT_EQ(head(Direction::kIn, on_watched(ethernet(kTypeIpv4, ipv4(17)))).action, TC_ACT_REDIRECT);
    EXPECT_EQ(counted(), "in.diverted+1");
}

TEST_F(ChainsOfHeads, leave_neighbour_traffic_alone) {
    hook(HeadType::kEthernet, length(), OnMatch::kDrop);
    for (const Bytes& frame : {ethernet(kTypeArp, arp()), ethernet(kTypeIpv6, icmpv6(135)),
                               ethernet(kTypeArp, arp(), {{kTypeServiceVlan, 1}, {kTypeVlan, 2}})}) {
        EXPECT_EQ(head(Direction::kIn, on_watched(frame)).action, kPass);
        EXPECT_EQ(counted(), "in.passed_neighbour+1");
    }
    EXPECT_EQ(tally(Direction::kIn).seen_packets, 0U);
}

/// A packet of protocol 6 or 17, with that fragment field.
Bytes ipv4_fragment(std::uint8_t protocol, std::uint16_t fragment, std::size_t bytes) {
    Bytes packet = ipv4(protocol, Bytes(bytes, 0xaa));
    packet[6] = static_cast<std::uint8_t>(fragment >> 8U);
    packet[7] = static_cast<std::uint8_t>(fragment);
    return ethernet(kTypeIpv4, packet);
}

TEST_F(ChainsOfHeads, leave_what_the_engine_looks_through_or_drops) {
    hook(HeadType::kEthernet, returning({{0x30, 0, 0, 0}}), OnMatch::kDrop); // by the first byte of the frame
    struct Row {
        const char* sentence;
        Bytes frame;
        bool answered;
    };
    const Tag zero{kTypeVlan, 0xe000};
    const std::vector<Row> rows{
        {"IPv4", ethernet(kTypeIpv4, ipv4(kUdp)), true},
        {"a tag", ethernet(kTypeIpv4, ipv4(kUdp), {{kTypeVlan, 7}}), true},
        {"a tag of VLAN 0", ethernet(kTypeIpv4, ipv4(kUdp), {zero}), false},
        {"one behind another tag", ethernet(kTypeIpv4, ipv4(kUdp), {{kTypeServiceVlan, 7}, zero}), false},
        {"three tags", ethernet(kTypeIpv4, ipv4(kUdp), {zero, zero, zero}), false},
        {"IPv6", ethernet(kTypeIpv6, ipv6(kUdp, 64, Bytes(16))), true},
        {"hop-by-hop", ethernet(kTypeIpv6, ipv6(0, 64, Bytes(16))), false},
        {"routing", ethernet(kTypeIpv6, ipv6(43, 64, Bytes(16))), false},
        {"an IPv6 fragment", ethernet(kTypeIpv6, ipv6(44, 64, Bytes(16))), false},
        {"ESP", ethernet(kTypeIpv6, ipv6(50, 64, Bytes(16))), true},
        {"authentication", ethernet(kTypeIpv6, ipv6(51, 64, Bytes(16))), false},
        {"no next header", ethernet(kTypeIpv6, ipv6(59, 64, Bytes(16))), true},
        {"destination options", ethernet(kTypeIpv6, ipv6(60, 64, Bytes(16))), false},
        {"mobility", ethernet(kTypeIpv6, ipv6(135, 64, Bytes(16))), false},
        {"HIP", ethernet(kTypeIpv6, ipv6(139, 64, Bytes(16))), false},
        {"shim6", ethernet(kTypeIpv6, ipv6(140, 64, Bytes(16))), false},
        {"an experiment", ethernet(kTypeIpv6, ipv6(253, 64, Bytes(16))), true},
        {"a long first fragment", ipv4_fragment(6, 0x2000, 80), true},
        {"a short first fragment", ipv4_fragment(6, 0x2000, 8), false},
        {"a fragment at offset 1", ipv4_fragment(6, 0x2001, 80), false},
        {"a later fragment", ipv4_fragment(6, 0x0002, 80), true},
        {"an unfragmented packet that is short", ipv4_fragment(6, 0x4000, 8), true},
    };
    for (const Row& row : rows) {
        const std::uint32_t action = head(Direction::kIn, on_watched(row.frame)).action;
        EXPECT_EQ(action, row.answered ? std::uint32_t{TC_ACT_SHOT} : std::uint32_t{TC_ACT_REDIRECT}) << row.sentence;
    }
}

TEST_F(ChainsOfHeads, leave_frames_with_a_tag_beside_them_to_the_engine_if_hooks_see_frames) {
    Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
    scene.before = {.tagged = 1, .tag_type = kTypeVlan, .tag_value = 7};
    hook(HeadType::kEthernet, returning({{0x30, 0, 0, 0}}), OnMatch::kDrop);
    EXPECT_EQ(head(Direction::kIn, scene).action, TC_ACT_REDIRECT);
    EXPECT_EQ(counted(), "in.diverted+1");
}

TEST_F(ChainsOfHeads, see_the_packet_behind_a_tag_beside_it_if_hooks_see_packets) {
    Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17), {{kTypeVlan, 8}}));
    scene.before = {.tagged = 1, .tag_type = kTypeServiceVlan, .tag_value = 7};
    hook(HeadType::kInet, time_to_live(), OnMatch::kDrop);
    EXPECT_EQ(head(Direction::kIn, scene).action, TC_ACT_SHOT);
    EXPECT_EQ(counted(), "in.dropped_lowered+1");
    scene.frame = ethernet(kTypeIpv4, ipv4(17), {{kTypeVlan, 8}, {kTypeVlan, 9}}); // three: the engine sees no packet
    EXPECT_EQ(head(Direction::kIn, scene).action, TC_ACT_REDIRECT);
    EXPECT_EQ(counted(), "in.diverted+1");
}

/// 12 packets of TCP in one buffer, with 40 bytes of headers and 100 of payload each.
Scene uncut(Scene scene, std::uint32_t segments) {
    Bytes tcp(20);
    tcp[12] = 5 << 4;
    tcp.resize(20 + 12 * 100);
    scene.frame = ethernet(kTypeIpv4, ipv4(6, tcp));
    scene.segments = segments;
    scene.segment_size = 100;
    return scene;
}

TEST_F(ChainsOfHeads, answer_uncut_packets_as_the_packets_they_become_if_programs_see_no_difference) {
    hook(HeadType::kInet, time_to_live(), OnMatch::kDrop);
    for (const Direction direction : core::kEachDirection) {
        EXPECT_EQ(head(direction, uncut(on_watched({}), 12)).action, TC_ACT_SHOT);
        EXPECT_EQ(counted(), named(direction) + ".dropped_lowered+12");
        EXPECT_EQ(tally(direction).dropped_packets, 12U);
        EXPECT_EQ(tally(direction).dropped_bytes, 12U * (40 + 100));
        EXPECT_EQ(head(direction, uncut(on_watched({}), 0)).action, TC_ACT_REDIRECT) << "nobody has counted them";
        EXPECT_EQ(counted(), named(direction) + ".diverted+12");
    }
}

TEST_F(ChainsOfHeads, leave_uncut_packets_to_the_engine_if_a_program_looks_at_what_they_differ_in) {
    hook(HeadType::kInet, length(), OnMatch::kDrop);
    EXPECT_EQ(head(Direction::kIn, uncut(on_watched({}), 12)).action, TC_ACT_REDIRECT);
    EXPECT_EQ(counted(), "in.diverted+12");
    Scene cut = uncut(on_watched({}), 0);
    cut.segment_size = 0;
    EXPECT_EQ(head(Direction::kIn, cut).action, TC_ACT_SHOT);
    EXPECT_EQ(counted(), "in.dropped_lowered+1");
}

} // namespace
} // namespace pfild::tests
