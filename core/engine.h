// SPDX-License-Identifier: BSD-2-Clause
// The engine: takes the packets that the heads divert, runs the hooks over them and sends on what passes.
// One thread runs it and owns what it touches; counters may be read by any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/circling.h"
#include "core/direction.h"
#include "core/flow/flow_table.h"
#include "core/frame.h"
#include "core/heartbeat.h"
#include "core/odd_packets.h"
#include "core/pfil/publication.h"
#include "core/pfil/run_heads.h"
#include "core/ports.h"
#include "pfild/abi.h"

namespace pfild::core {

/// What the engine counts, per interface and direction; packets unless the name says otherwise.
enum class EngineCounter : std::uint8_t {
    kReceived,
    kReceivedBytes,
    kPassed,
    kDropped,          ///< by a hook
    kConsumed,         ///< kept by a hook
    kDroppedExtension, ///< by its extension headers: bad ones, or none are wanted
    kDroppedFragment,  ///< a fragment that could lead a hook past its ports, or none is wanted
    kDroppedLabel,     ///< came without a readable label
    kDroppedBacklog,   ///< passed, but the way back had no room: the receiver is slower than the sender
    kDroppedCircling,  ///< passed, but it came back again and again (circling.h)
    kDroppedStale,     ///< the engine had overslept, and it lay there (heartbeat.h)
    kChecksumsCompleted,
};
inline constexpr std::array<std::string_view, 12> kEngineCounterNames{
    "received",        "received_bytes",    "passed",           "dropped",
    "consumed",        "dropped_extension", "dropped_fragment", "dropped_label",
    "dropped_backlog", "dropped_circling",  "dropped_stale",    "checksums_completed"};

/// An attached interface as the engine sees it.
struct EngineInterface {
    std::uint8_t slot = 0; ///< below PFILD_MAX_INTERFACES
    std::uint32_t ifindex = 0;
    FramePort* p = nullptr; ///< carries OUT up and IN down
    FramePort* q = nullptr; ///< carries IN up and OUT down
    /// Where XDP is the IN head: carry IN up too, each from one receive queue of the interface.
    std::vector<FramePort*> queues;
    bool complete_checksums = false; ///< of what comes from `queues`: a virtual peer leaves them unfinished
};

class Engine {
  public:
    using Counters = std::array<std::atomic<std::uint64_t>, kEngineCounterNames.size()>;

    /// => `rules` outlives the engine; this thread becomes its reader. With a flow table, which outlives the engine
    /// too, answers that last are published to the heads. With a heartbeat, which outlives it, it beats between
    /// batches.
    explicit Engine(Publication& rules, FlowTable* flows = nullptr, OddPackets odd = {}, Heartbeat* heart = nullptr)
        : rules_(rules), flows_(flows), odd_(odd), heart_(heart) {}

    /// From the next round on, packets of the interface are taken. => the ports outlive their interface here.
    void add(EngineInterface interface);
    /// Other queues of an interface that is here. => as above.
    void set_queues(std::uint8_t slot, std::vector<FramePort*> queues, bool complete_checksums);
    void remove(std::uint8_t slot);
    /// Whether packets of a lane seem to come back to it: those that do are ended.
    void suspect(std::uint8_t slot, Direction direction, bool circling);

    /// One batch of every interface in each direction, at that time of CLOCK_MONOTONIC_COARSE. Returns the number of
    /// packets taken; 0: nothing to do, may sleep.
    [[nodiscard]] std::size_t round(std::uint64_t now_ns = 0) noexcept;

    /// Any thread. They start at 0 when the interface is added.
    [[nodiscard]] const Counters& counters(std::uint8_t slot, Direction direction) const {
        return counters_[slot][index(direction)];
    }

  private:
    static constexpr std::size_t kBatch = 64;

    /// One batch from one port. down: where what passes goes.
    struct Lane {
        FramePort& up;
        FramePort& down;
        Direction direction;
        bool complete_checksums = false;
    };
    void drop_stale() noexcept;
    void drop_stale(FramePort& up, Counters& counters) noexcept;
    std::size_t carry(const Snapshot& rules, const EngineInterface& interface, const Lane& lane) noexcept;
    /// Why the packet ends here; nothing: it passes.
    std::optional<EngineCounter> decide(const Snapshot& rules, const Passage& passage, Frame& frame,
                                        std::uint16_t incarnation) noexcept;
    [[nodiscard]] std::optional<EngineCounter> odd_end(const Frame& frame, const PacketView& view) const noexcept;

    Publication& rules_;
    FlowTable* flows_;
    OddPackets odd_;
    Heartbeat* heart_;
    std::uint64_t now_ns_ = 0;
    std::array<std::optional<EngineInterface>, PFILD_MAX_INTERFACES> interfaces_;
    std::array<std::array<Counters, kDirections>, PFILD_MAX_INTERFACES> counters_{};
    std::array<std::array<std::unique_ptr<Circling>, kDirections>, PFILD_MAX_INTERFACES> suspects_;
    std::array<Frame, kBatch> batch_;
};

} // namespace pfild::core
