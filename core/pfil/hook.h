// SPDX-License-Identifier: BSD-2-Clause
// A hook: a named filter that can be linked to heads (contract PF-10, PF-22 to PF-25, PF-28, PF-31).
//
// Ownership of the frame, in run(): the hook may read and change it in place; keep it (move it out: the packet is
// consumed); put another one in its place (assign: later hooks and the caller see the new one); or end it (reset, or
// just say dropped). After a verdict that stops, nobody else touches the packet. A hook that put another frame in place
// or changed where headers are says reallocated; without it only another first buffer or length is noticed.
//
// Threads: run() is called by the engine thread only, one packet at a time, never again once the unlink or removal of
// the hook has returned. Everything else is called by the control thread. So a counter has one writer, the engine, and
// must be readable by another thread meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cbpf/flow_dependence.h"
#include "cbpf/instruction.h"
#include "cbpf/program.h"
#include "core/direction.h"
#include "core/frame.h"
#include "core/packet_view.h"
#include "core/pfil/head_type.h"
#include "core/pfil/hook_cost.h"
#include "core/pfil/hook_tally.h"
#include "core/pfil/on_match.h"
#include "core/pfil/verdict.h"
#include "core/upkeep.h"

namespace pfild::core {

/// A packet as a hook is shown it. The header that the head's type names begins at byte `offset` of the frame, and
/// `length` bytes from there belong to it (Ethernet padding does not). Network byte order, nothing stripped (PF-24):
/// what the host's stack will take out is there, and a hook that guards ports must look behind it.
struct Packet {
    Frame& frame;
    const PacketView& view; ///< of this frame; says what may be folded (core/pfil/folded.h)
    std::uint32_t offset;
    std::uint32_t length;
    Direction direction;
    bool forwarded;        ///< PFIL_FWD: leaves for another host than the one it came from; never set on input (PF-15)
    std::uint32_t ifindex; ///< receiving interface for in, sending interface for out (PF-25)
};

/// For which packets one answer of a hook holds (Verdict::lasts says it of each).
struct Answers {
    enum class Hold : std::uint8_t { kPerPacket, kPerFlow };

    Hold hold = Hold::kPerPacket;
    std::optional<std::string> because; ///< why not for a flow, or not for all flows

    friend bool operator==(const Answers&, const Answers&) = default;
};
inline constexpr std::array<std::string_view, 2> kHoldNames{"per packet", "per flow"};
static_assert(static_cast<std::size_t>(Answers::Hold::kPerFlow) + 1 == kHoldNames.size());

/// Where a hook is to run (core/chain/placement.h says where it does).
enum class RunsIn : std::uint8_t {
    kAutomatic, ///< in the kernel where that helps and can be
    kEngine,    ///< in userspace
    kKernel,    ///< in the kernel, or its link is refused
};
inline constexpr std::array<std::string_view, 3> kRunsInNames{"auto", "engine", "kernel"};
static_assert(static_cast<std::size_t>(RunsIn::kKernel) + 1 == kRunsInNames.size());

/// What a chain needs to say of each packet what the hook says.
struct Lowering {
    const cbpf::Program* program; ///< lives as long as the hook
    cbpf::PacketForm form;        ///< what it is shown
    OnMatch on_match;
};

/// How the program of a hook came about, as bpfctl said: for people, nothing depends on it.
enum class Compiled : std::uint8_t {
    kOptimised,   ///< by libpcap's optimiser, proved equal to the unoptimised program
    kReduced,     ///< the unoptimised program, made shorter by pfild
    kUnoptimised, ///< as libpcap's grammar made it
    kUnverified,  ///< nobody has said that the text means the program, or there is no text
};
inline constexpr std::array<std::string_view, 4> kCompiledNames{"optimised", "reduced", "unoptimised", "unverified"};
static_assert(static_cast<std::size_t>(Compiled::kUnverified) + 1 == kCompiledNames.size());

/// What a listing says of the program that a hook runs.
struct ProgramInfo {
    OnMatch on_match = OnMatch::kDrop;
    std::optional<std::string> filter; ///< the expression it came from; nothing when it came as bytecode
    Compiled compiled = Compiled::kUnverified;
    std::optional<std::string> as_it_is;            ///< what it asks for that is otherwise folded away: "tags"
    Neighbours neighbours = Neighbours::kAutomatic; ///< as it was asked for
    bool matches_nothing = false;                   ///< no packet of its type, as far as can be found out
    std::vector<cbpf::Instruction> instructions;
};

class Hook {
  public:
    /// `name` is `MODULE:NAME`; the registry is who checks it. upkeep: what of that it is asked about.
    Hook(std::string name, HeadType type, UpkeepClasses upkeep = kAllUpkeep)
        : name_(std::move(name)), type_(type), upkeep_(upkeep) {}
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;
    virtual ~Hook() = default;

    [[nodiscard]] const std::string& name() const { return name_; }
    /// The type of head it can be linked to.
    [[nodiscard]] HeadType type() const { return type_; }

    /// What keeps the link up, and is not among these classes, passes without asking it.
    [[nodiscard]] UpkeepClasses upkeep() const { return upkeep_; }
    /// Whether it is asked about packets of that class; PFILD_NO_UPKEEP: of none.
    [[nodiscard]] bool is_asked_about(std::uint32_t upkeep_class) const noexcept {
        return upkeep_class == PFILD_NO_UPKEEP || (upkeep_ & PFILD_UPKEEP_BIT(upkeep_class)) != 0;
    }

    /// Who implements it, the first half of its name: "cbpf".
    [[nodiscard]] virtual std::string_view module() const = 0;
    /// For which packets an answer of run() holds.
    [[nodiscard]] virtual Answers answers() const { return {}; }
    [[nodiscard]] virtual RunsIn runs_in() const { return RunsIn::kAutomatic; }
    /// What goes into a chain; nothing: it cannot run in the kernel.
    [[nodiscard]] virtual std::optional<Lowering> lowering() const { return std::nullopt; }
    /// Nothing if it runs no program.
    [[nodiscard]] virtual std::optional<ProgramInfo> program_info() const { return std::nullopt; }

    /// What it has counted in the engine and in chains. Packets of known flows are not among them. Any thread if it is
    /// in no chain.
    [[nodiscard]] HookTally tally() const { return engine_tally() + past_ + running_; }
    /// What it has counted in chains that run now, and in one that runs no more.
    void set_running_tally(const HookTally& tally) { running_ = tally; }
    void add_past_tally(const HookTally& tally) { past_ += tally; }

    /// What has been measured of it so far.
    [[nodiscard]] const HookCost& cost() const { return cost_; }
    void set_cost(const HookCost& cost) { cost_ = cost; }

    /// Decides about one packet. Neither allocates, locks nor logs. Engine thread.
    [[nodiscard]] virtual Verdict run(Packet& packet) noexcept = 0;
    /// What run() would say, with no consequence: nothing is counted, the packet stays as it is. Any thread. A hook
    /// that cannot tell says a pass that does not last.
    [[nodiscard]] virtual Verdict foresee(const Packet& packet) const noexcept {
        (void)packet;
        return Verdict::pass();
    }

  protected:
    [[nodiscard]] virtual HookTally engine_tally() const { return {}; }

  private:
    std::string name_;
    HeadType type_;
    UpkeepClasses upkeep_;
    HookTally running_;
    HookTally past_;
    HookCost cost_;
};

} // namespace pfild::core
