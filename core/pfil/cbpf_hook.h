// SPDX-License-Identifier: BSD-2-Clause
// A hook that asks a classic BPF program: does this packet match?
//
// The program sees the packet from the header that the head's type names, without Ethernet padding; it matches when it
// returns anything but 0. What a match means:
//
//     on_match   packets that match    all others
//     drop       dropped, EACCES       go on
//     pass       go on                 dropped, EACCES
//     count      go on                 go on
//
// Its answer lasts for a flow (verdict.h) when the program depends on nothing but the flow (cbpf/flow_dependence.h). A
// hook that counts wants every packet that matches, so those answers do not last.
//
// Counters are written by the engine thread alone and read by any. They count what the hook was asked about: packets of
// flows that the kernel answers are not among them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cbpf/flow_dependence.h"
#include "cbpf/machine.h"
#include "cbpf/program.h"
#include "core/pfil/hook.h"

namespace pfild::core {

enum class OnMatch : std::uint8_t { drop, pass, count };

inline constexpr std::size_t kOnMatches = 3;
inline constexpr std::array<std::string_view, kOnMatches> kOnMatchNames{"drop", "pass", "count"};
static_assert(static_cast<std::size_t>(OnMatch::count) + 1 == kOnMatches);

[[nodiscard]] constexpr std::string_view name(OnMatch on_match) {
    return kOnMatchNames[static_cast<std::size_t>(on_match)];
}
/// The value called `text`, or nothing.
[[nodiscard]] std::optional<OnMatch> on_match_named(std::string_view text);

struct CbpfHookSpec {
    std::string name; ///< `module:ruleset`
    HeadType type = HeadType::inet;
    OnMatch on_match = OnMatch::drop;
    std::optional<std::string> filter; ///< the expression the program came from, for listings
};

/// Packets and their bytes, counted by one thread and read by any: a load and a store, no locked instruction.
class PacketTally {
  public:
    void add(std::uint32_t bytes) noexcept {
        packets_.store(packets_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        bytes_.store(bytes_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> packets_{0};
    std::atomic<std::uint64_t> bytes_{0};
};

class CbpfHook final : public Hook {
  public:
    CbpfHook(CbpfHookSpec spec, cbpf::Program program);

    [[nodiscard]] std::string_view kind() const override { return "cbpf"; }
    /// on_match, filter (nothing when it came as bytecode), instructions; answers: "per flow" or "per packet", and
    /// because: why the latter.
    [[nodiscard]] std::vector<HookDetail> details() const override;
    /// seen_, matched_ and dropped_, each with packets and bytes; bytes as the program saw them.
    [[nodiscard]] std::vector<HookCounter> counters() const override;
    [[nodiscard]] Verdict run(Packet& packet) noexcept override;
    [[nodiscard]] Verdict foresee(const Packet& packet) const noexcept override;

    [[nodiscard]] const cbpf::Program& program() const { return machine_.program(); }

  private:
    struct Judgement {
        bool matches;
        Verdict verdict;
    };
    [[nodiscard]] Judgement judge(const Packet& packet) const noexcept;

    cbpf::Machine machine_;
    std::optional<cbpf::PerPacket> per_packet_;
    OnMatch on_match_;
    std::optional<std::string> filter_;
    PacketTally seen_;
    PacketTally matched_;
    PacketTally dropped_;
};

} // namespace pfild::core
