// SPDX-License-Identifier: BSD-2-Clause
// The engine between two ports: which frames go where, what is counted, and that no buffer is lost on any way out.
#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "core/engine.h"
#include "core/label.h"
#include "tests/unit/core/flow_memory.h"
#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

// An end of a port as a table: what comes up, and room for what goes down.
class TablePort final : public FramePort {
  public:
    std::size_t receive(std::span<Frame> out) noexcept override {
        std::size_t count = 0;
        while (count < out.size() && !up_.empty()) {
            out[count++] = std::move(up_.front());
            up_.pop_front();
        }
        return count;
    }
    std::size_t transmit(std::span<Frame> frames) noexcept override {
        std::size_t count = 0;
        while (count < frames.size() && down_.size() < room_) {
            down_.push_back(bytes_of(frames[count]));
            frames[count++].reset();
        }
        return count;
    }
    void after_batch() noexcept override { batches_++; }

    void put(Frame frame) { up_.push_back(std::move(frame)); }
    void set_room(std::size_t room) { room_ = room; }
    [[nodiscard]] const std::vector<Bytes>& down() const { return down_; }
    [[nodiscard]] int batches() const { return batches_; }

  private:
    std::deque<Frame> up_;
    std::vector<Bytes> down_;
    std::size_t room_ = 1000;
    int batches_ = 0;
};

Bytes labelled(const Bytes& bytes, std::uint16_t label = PFILD_LABEL_MARK, std::uint16_t type = PFILD_LABEL_TYPE) {
    Bytes tag;
    put16(tag, type);
    put16(tag, label);
    const Bytes addresses(bytes.begin(), bytes.begin() + 12);
    return joined(joined(addresses, tag), Bytes(bytes.begin() + 12, bytes.end()));
}

class EngineRounds : public ::testing::Test {
  protected:
    static constexpr std::uint8_t kSlot = 5;

    EngineRounds() {
        for (const HeadType type : kEachHeadType) {
            expect_ok(registry_.register_head({.name = std::string(name(type)), .type = type}));
        }
        engine_.add({.slot = kSlot, .ifindex = 7, .p = &p_, .q = &q_});
    }
    ~EngineRounds() override { rules_.offline(); }

    void link_both(const std::string& hook_name, HeadType type, FunctionHook::Function function) {
        expect_ok(registry_.add_hook(hook(hook_name, type, std::move(function))));
        expect_ok(registry_.link({.hook = hook_name, .head = std::string(name(type)), .directions = kBoth}));
    }
    std::size_t round() {
        rules_.online();
        const std::size_t packets = engine_.round();
        rules_.offline();
        return packets;
    }
    std::uint64_t counted(Direction direction, EngineCounter which) {
        return engine_.counters(kSlot, direction)[static_cast<std::size_t>(which)].load();
    }
    void expect_accounted(Direction direction) {
        EXPECT_EQ(counted(direction, EngineCounter::kReceived),
                  counted(direction, EngineCounter::kPassed) + counted(direction, EngineCounter::kDropped) +
                      counted(direction, EngineCounter::kConsumed) + counted(direction, EngineCounter::kDroppedLabel) +
                      counted(direction, EngineCounter::kDroppedBacklog) +
                      counted(direction, EngineCounter::kDroppedCircling) +
                      counted(direction, EngineCounter::kDroppedStale));
        buffers_.expect_all_free();
    }

    Buffers buffers_{256};
    Publication rules_;
    Registry registry_{rules_};
    TablePort p_;
    TablePort q_;
    FlowMemoryOf flow_memory_{1}; // one entry is enough here
    std::span<pfild_flow> entries_ = flow_memory_.view().entries;
    FlowTable flows_{flow_memory_.view(), {}, 1};
    static inline std::uint64_t now_ns = 1'000'000'000'000;
    __u64 told_ = 0;
    Heartbeat heart_{told_, [] { return now_ns; }};
    Engine engine_{rules_, &flows_, {}, &heart_};
};

const Bytes kPacket = ethernet({}, kTypeIpv4, ipv4(udp(53)));
const Bytes kTagged = ethernet({kTypeServiceVlan, kTypeVlan}, kTypeIpv6, ipv6(udp(53)));

TEST_F(EngineRounds, incoming_packets_come_up_q_and_go_down_p_without_their_label) {
    q_.put(buffers_.frame(labelled(kPacket)));
    q_.put(buffers_.frame(labelled(kTagged)));
    EXPECT_EQ(round(), 2U);
    EXPECT_EQ(p_.down(), (std::vector<Bytes>{kPacket, kTagged}));
    EXPECT_TRUE(q_.down().empty());
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kReceivedBytes), kPacket.size() + kTagged.size());
    EXPECT_EQ(counted(Direction::kOut, EngineCounter::kReceived), 0U);
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, an_answer_that_lasts_is_published_by_the_key_of_the_packet_as_it_came) {
    link_both("t:lasting", HeadType::kInet, [](Packet& packet) {
        packet.frame.head()[37]++; // the destination port's last byte
        return Verdict::dropped().lasting(true);
    });
    q_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 1U);
    const auto key = read_flow_key(buffers_.frame(kPacket), 7, Direction::kIn);
    ASSERT_TRUE(key.has_value());
    const pfild_flow* flow = flows_.find(*key);
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(PFILD_FLOW_ANSWER(flow->decision, 0), PFILD_FLOW_DROP);
    EXPECT_EQ(PFILD_FLOW_ANSWER(flow->decision, 1), PFILD_FLOW_ASK);
    EXPECT_NE(PFILD_FLOW_GENERATION(flow->decision), 0U) << "of the rules that said so";
}

TEST_F(EngineRounds, a_pass_is_published_with_a_packet_that_the_head_counted) {
    link_both("t:lasting", HeadType::kInet, [](Packet&) { return Verdict::pass().lasting(true); });
    q_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 1U);
    const pfild_flow& flow = entries_[0];
    EXPECT_EQ(PFILD_FLOW_ANSWER(flow.decision, 0), PFILD_FLOW_ASK);
    const auto incarnation = static_cast<std::uint16_t>(flow.incarnation << 1U);
    q_.put(buffers_.frame(labelled(kPacket, PFILD_LABEL_MARK | incarnation)));
    EXPECT_EQ(round(), 1U);
    EXPECT_EQ(PFILD_FLOW_ANSWER(flow.decision, 0), PFILD_FLOW_PASS);
}

TEST_F(EngineRounds, outgoing_packets_come_up_p_and_go_down_q) {
    p_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 1U);
    EXPECT_EQ(q_.down(), std::vector<Bytes>{kPacket});
    EXPECT_TRUE(p_.down().empty());
    expect_accounted(Direction::kOut);
}

TEST_F(EngineRounds, a_packet_without_our_label_is_dropped_and_counted) {
    struct Row {
        const char* sentence;
        Bytes bytes;
    };
    const std::vector<Row> rows{
        {"no label at all", kPacket},
        {"another tag type", labelled(kPacket, PFILD_LABEL_MARK, kTypeVlan)},
        {"another mark", labelled(kPacket, 0x5000)},
        {"too short for a label", Bytes(15, 0)},
        {"nothing", {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.sentence);
        const std::uint64_t before = counted(Direction::kIn, EngineCounter::kDroppedLabel);
        q_.put(buffers_.frame(row.bytes));
        EXPECT_EQ(round(), 1U);
        EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDroppedLabel), before + 1);
    }
    EXPECT_TRUE(p_.down().empty());
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, incoming_packets_come_from_queues_of_the_interface_too_and_those_are_completed) {
    constexpr std::size_t kField = 14 + 20 + 6;
    constexpr std::uint32_t kPseudo = 0xc000 + 0x0201 + 0xc633 + 0x6402 + 17 + 16; // addresses, UDP, its length
    Bytes unfinished = kPacket;
    unfinished[kField] = static_cast<std::uint8_t>(((kPseudo & 0xffffU) + (kPseudo >> 16U)) >> 8U);
    unfinished[kField + 1] = static_cast<std::uint8_t>((kPseudo & 0xffffU) + (kPseudo >> 16U));
    TablePort queue;
    engine_.set_queues(kSlot, {&queue}, true);
    q_.put(buffers_.frame(labelled(unfinished)));
    queue.put(buffers_.frame(labelled(unfinished)));
    queue.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 3U);
    ASSERT_EQ(p_.down().size(), 3U);
    EXPECT_EQ(p_.down()[0], unfinished) << "from a port: nothing to complete there";
    EXPECT_NE(p_.down()[1], unfinished);
    EXPECT_EQ(p_.down()[2], kPacket) << "a UDP packet without checksum";
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kChecksumsCompleted), 1U);
    EXPECT_GT(queue.batches(), 0);
    engine_.set_queues(kSlot, {}, false);
    const int batches = queue.batches();
    EXPECT_EQ(round(), 0U);
    EXPECT_EQ(queue.batches(), batches) << "it is not touched any more";
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, PF_15_hooks_see_the_label_s_forwarded_bit_on_output_only) {
    std::vector<bool> forwarded;
    link_both("t:see", HeadType::kEthernet, [&](Packet& packet) {
        forwarded.push_back(packet.forwarded);
        return Verdict::pass();
    });
    p_.put(buffers_.frame(labelled(kPacket, PFILD_LABEL_MARK | PFILD_LABEL_FWD)));
    p_.put(buffers_.frame(labelled(kPacket)));
    (void)round();
    q_.put(buffers_.frame(labelled(kPacket, PFILD_LABEL_MARK | PFILD_LABEL_FWD)));
    (void)round();
    EXPECT_EQ(forwarded, (std::vector<bool>{true, false, false}));
}

TEST_F(EngineRounds, every_verdict_is_counted_and_only_what_passes_goes_on_in_order) {
    Frame kept;
    int seen = 0;
    link_both("t:every", HeadType::kInet, [&](Packet& packet) {
        switch (seen++) {
        case 0:
            return Verdict::pass();
        case 1:
            return Verdict::dropped();
        case 2:
            kept = std::move(packet.frame);
            return Verdict::consumed();
        case 3:
            packet.frame = buffers_.frame(kTagged);
            return Verdict::reallocated();
        default:
            return Verdict::pass();
        }
    });
    for (int i = 0; i < 5; i++) {
        q_.put(buffers_.frame(labelled(kPacket)));
    }
    EXPECT_EQ(round(), 5U);
    EXPECT_EQ(p_.down(), (std::vector<Bytes>{kPacket, kTagged, kPacket}));
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kPassed), 3U);
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDropped), 1U);
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kConsumed), 1U);
    EXPECT_EQ(bytes_of(kept), kPacket);
    kept.reset();
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, what_the_way_back_has_no_room_for_is_dropped_and_counted) {
    p_.set_room(3);
    for (int i = 0; i < 10; i++) {
        q_.put(buffers_.frame(labelled(kPacket)));
    }
    EXPECT_EQ(round(), 10U);
    EXPECT_EQ(p_.down().size(), 3U);
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kPassed), 3U);
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDroppedBacklog), 7U);
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, a_round_takes_one_batch_of_a_lane_and_leaves_the_rest_for_the_next) {
    for (int i = 0; i < 100; i++) {
        q_.put(buffers_.frame(labelled(kPacket)));
    }
    p_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 65U) << "64 of one lane, and the other lane is not made to wait";
    EXPECT_EQ(round(), 36U);
    EXPECT_EQ(round(), 0U) << "now it may sleep";
    EXPECT_EQ(p_.down().size(), 100U);
}

TEST_F(EngineRounds, ports_are_looked_after_every_round_so_that_unsent_frames_are_tried_again) {
    EXPECT_EQ(round(), 0U);
    EXPECT_GT(p_.batches(), 0);
    EXPECT_GT(q_.batches(), 0);
}

TEST_F(EngineRounds, a_removed_interface_is_not_touched_and_a_new_one_starts_at_zero) {
    q_.put(buffers_.frame(labelled(kPacket)));
    (void)round();
    engine_.remove(kSlot);
    q_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 0U);
    engine_.add({.slot = kSlot, .ifindex = 8, .p = &p_, .q = &q_});
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kReceived), 0U);
    EXPECT_EQ(round(), 1U);
}

TEST_F(EngineRounds, frames_in_many_buffers_pass_as_they_came) {
    const Bytes jumbo = ethernet({}, kTypeIpv4, ipv4(udp(53, 9000)));
    q_.put(buffers_.cut(labelled(jumbo), {2000, 2000, 2000, 2000}));
    (void)round();
    EXPECT_EQ(p_.down(), std::vector<Bytes>{jumbo});
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, what_circles_on_a_suspected_lane_is_ended_and_nothing_on_others) {
    engine_.suspect(kSlot, Direction::kIn, true);
    const auto carry_twenty = [&] {
        for (int i = 0; i < 20; i++) {
            q_.put(buffers_.frame(labelled(kPacket)));
            p_.put(buffers_.frame(labelled(kPacket)));
            (void)round();
        }
    };
    carry_twenty();
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDroppedCircling), 1U);
    EXPECT_EQ(p_.down().size(), 19U);
    EXPECT_EQ(counted(Direction::kOut, EngineCounter::kDroppedCircling), 0U);
    EXPECT_EQ(q_.down().size(), 20U);
    expect_accounted(Direction::kIn);
    engine_.suspect(kSlot, Direction::kIn, false);
    carry_twenty();
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDroppedCircling), 1U) << "no more";
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, what_lay_there_while_the_engine_overslept_ends_and_what_comes_then_passes) {
    for (int i = 0; i < 150; i++) {
        q_.put(buffers_.frame(labelled(kPacket)));
        p_.put(buffers_.frame(labelled(kPacket)));
    }
    now_ns += Heartbeat::kOversleptNs + 1;
    EXPECT_EQ(round(), 0U);
    EXPECT_TRUE(p_.down().empty());
    EXPECT_TRUE(q_.down().empty());
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDroppedStale), 150U);
    EXPECT_EQ(counted(Direction::kOut, EngineCounter::kDroppedStale), 150U);
    q_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 1U);
    EXPECT_EQ(p_.down().size(), 1U);
    expect_accounted(Direction::kIn);
    expect_accounted(Direction::kOut);
}

TEST_F(EngineRounds, a_second_of_waiting_is_no_oversleeping) {
    q_.put(buffers_.frame(labelled(kPacket)));
    now_ns += Heartbeat::kOversleptNs;
    EXPECT_EQ(round(), 1U);
    EXPECT_EQ(p_.down().size(), 1U);
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, stopped_between_a_verdict_and_its_sending_what_passed_is_stale) {
    link_both("t:slow", HeadType::kInet, [](Packet&) {
        now_ns += 2 * Heartbeat::kOversleptNs;
        return Verdict::pass();
    });
    q_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 1U);
    EXPECT_TRUE(p_.down().empty());
    EXPECT_EQ(counted(Direction::kIn, EngineCounter::kDroppedStale), 1U);
    expect_accounted(Direction::kIn);
}

TEST_F(EngineRounds, the_engine_beats_between_batches) {
    link_both("t:slow", HeadType::kInet, [](Packet&) {
        now_ns += Heartbeat::kApartNs;
        return Verdict::pass();
    });
    q_.put(buffers_.frame(labelled(kPacket)));
    p_.put(buffers_.frame(labelled(kPacket)));
    EXPECT_EQ(round(), 2U);
    EXPECT_EQ(told_, now_ns);
    EXPECT_EQ(heart_.longest_ns(), Heartbeat::kApartNs);
}

} // namespace
} // namespace pfild::core
