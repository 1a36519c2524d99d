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

#include <optional>
#include <string>
#include <string_view>

#include "cbpf/as_it_is.h"
#include "cbpf/flow_dependence.h"
#include "cbpf/machine.h"
#include "cbpf/program.h"
#include "core/pfil/hook.h"
#include "core/pfil/hook_tally.h"

namespace pfild::core {

/// What the program of a hook of that type is shown.
[[nodiscard]] cbpf::PacketForm form_of(HeadType type);

struct CbpfHookSpec {
    std::string name; ///< `MODULE:NAME`
    HeadType type = HeadType::kInet;
    OnMatch on_match = OnMatch::kDrop;
    std::optional<std::string> filter; ///< the expression the program came from, for listings
    RunsIn runs_in = RunsIn::kAutomatic;
    Compiled compiled = Compiled::kUnverified;
    Neighbours neighbours = Neighbours::kAutomatic;
};

class CbpfHook final : public Hook {
  public:
    CbpfHook(CbpfHookSpec spec, cbpf::Program program);

    [[nodiscard]] std::string_view module() const override { return "cbpf"; }
    [[nodiscard]] Answers answers() const override;
    [[nodiscard]] RunsIn runs_in() const override { return runs_in_; }
    [[nodiscard]] std::optional<Lowering> lowering() const override {
        return Lowering{&program(), form_of(type()), on_match_};
    }
    [[nodiscard]] std::optional<ProgramInfo> program_info() const override;
    [[nodiscard]] Verdict run(Packet& packet) noexcept override;
    [[nodiscard]] Verdict foresee(const Packet& packet) const noexcept override;

    [[nodiscard]] const cbpf::Program& program() const { return machine_.program(); }

  protected:
    [[nodiscard]] HookTally engine_tally() const override;

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
    Neighbours neighbours_;
    bool matches_nothing_;
    PacketTally seen_;
    PacketTally matched_;
    PacketTally dropped_;
};

} // namespace pfild::core
