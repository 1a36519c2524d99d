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
// A packet that the host's stack will see otherwise (folded.h) has several looks: as it is, and without what is taken
// out. A hook that drops on match drops it if any of them matches, and so does one that counts count it, once. One that
// passes on match passes it if the folded one matches, or the program asked for the very thing (cbpf/as_it_is.h).
//
// Its answer lasts for a flow (verdict.h) when the program depends on nothing but the flow (cbpf/flow_dependence.h). A
// hook that counts wants every packet that matches, so those answers do not last.
//
// Counters are written by the engine thread alone and read by any. They count what the hook was asked about, in the
// engine or, where it runs in the kernel (core/chain), there: packets of flows that the kernel knows are not among
// them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cbpf/as_it_is.h"
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

/// Where a hook is to run (core/chain/placement.h says where it does).
enum class RunsIn : std::uint8_t {
    automatic, ///< in the kernel where that helps and can be
    engine,    ///< in userspace
    kernel,    ///< in the kernel, or its link is refused
};
inline constexpr std::array<std::string_view, 3> kRunsInNames{"auto", "engine", "kernel"};
static_assert(static_cast<std::size_t>(RunsIn::kernel) + 1 == kRunsInNames.size());

/// How the program of a hook came about, as bpfctl said: for people, nothing depends on it.
enum class Compiled : std::uint8_t {
    optimised,   ///< by libpcap's optimiser, proved equal to the unoptimised program
    reduced,     ///< the unoptimised program, made shorter by pfild
    unoptimised, ///< as libpcap's grammar made it
    unverified,  ///< nobody has said that the text means the program, or there is no text
};
inline constexpr std::array<std::string_view, 4> kCompiledNames{"optimised", "reduced", "unoptimised", "unverified"};
static_assert(static_cast<std::size_t>(Compiled::unverified) + 1 == kCompiledNames.size());

/// What the program of a hook of that type is shown.
[[nodiscard]] cbpf::PacketForm form_of(HeadType type);

struct CbpfHookSpec {
    std::string name; ///< `module:ruleset`
    HeadType type = HeadType::inet;
    OnMatch on_match = OnMatch::drop;
    std::optional<std::string> filter; ///< the expression the program came from, for listings
    RunsIn runs_in = RunsIn::automatic;
    Compiled compiled = Compiled::unverified;
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

/// What a hook has counted where it runs in the kernel; packets and their bytes.
struct KernelTally {
    std::uint64_t seen_packets = 0;
    std::uint64_t seen_bytes = 0;
    std::uint64_t matched_packets = 0;
    std::uint64_t matched_bytes = 0;
    std::uint64_t dropped_packets = 0;
    std::uint64_t dropped_bytes = 0;

    KernelTally& operator+=(const KernelTally& other);
};

class CbpfHook final : public Hook {
  public:
    CbpfHook(CbpfHookSpec spec, cbpf::Program program);

    [[nodiscard]] std::string_view kind() const override { return "cbpf"; }
    /// on_match, filter (nothing when it came as bytecode), instructions; answers: "per flow" or "per packet", and
    /// because: why the latter; as_it_is: what the program asks for that is otherwise folded away, or nothing; run:
    /// kRunsInNames; compiled: kCompiledNames.
    [[nodiscard]] std::vector<HookDetail> details() const override;
    /// seen_, matched_ and dropped_, each with packets and bytes; bytes as the program saw them.
    [[nodiscard]] std::vector<HookCounter> counters() const override;
    [[nodiscard]] std::span<const cbpf::Instruction> bytecode() const override { return program().instructions(); }
    [[nodiscard]] Verdict run(Packet& packet) noexcept override;
    [[nodiscard]] Verdict foresee(const Packet& packet) const noexcept override;

    [[nodiscard]] const cbpf::Program& program() const { return machine_.program(); }
    [[nodiscard]] OnMatch on_match() const { return on_match_; }
    [[nodiscard]] RunsIn runs_in() const { return runs_in_; }
    /// Its answer may differ between the packets of a flow.
    [[nodiscard]] bool per_packet() const { return per_packet_.has_value(); }

    // What counters() adds to what the engine has counted. Control thread, as counters().

    /// In chains that run now.
    void set_running_tally(const KernelTally& tally) { running_ = tally; }
    /// In one that runs no more.
    void add_past_tally(const KernelTally& tally) { past_ += tally; }

  private:
    struct Judgement {
        bool matches;
        Verdict verdict;
    };
    [[nodiscard]] Judgement judge(const Packet& packet) const noexcept;
    [[nodiscard]] bool matches(const Packet& packet) const noexcept;
    [[nodiscard]] bool matches_some_look(const Packet& packet) const noexcept;

    cbpf::Machine machine_;
    std::optional<cbpf::PerPacket> per_packet_;
    cbpf::AsItIsQuestions questions_;
    OnMatch on_match_;
    std::optional<std::string> filter_;
    RunsIn runs_in_;
    Compiled compiled_;
    KernelTally running_;
    KernelTally past_;
    PacketTally seen_;
    PacketTally matched_;
    PacketTally dropped_;
};

} // namespace pfild::core
