// SPDX-License-Identifier: BSD-2-Clause
// A chain (pfild/chain.h) in the kernel: its program and its counters. Where heads find it is Programs::set_chain.
//
// A program that heads can find lives on without this object, and without the daemon. Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/pfil/hook_tally.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/fd.h"
#include "ebpf/instruction.h"
#include "ebpf/place.h"

namespace pfild::kernel {

class Chain {
  public:
    /// => `code` is of core::chain_program(), for so many hooks; if there are heads at that place, they are loaded.
    /// E2BIG, EACCES, EINVAL: the verifier refuses it. EOPNOTSUPP: no head could call it.
    [[nodiscard]] static core::Result<std::unique_ptr<Chain>>
    load(const Programs& programs, std::span<const ebpf::Instruction> code, ebpf::Place place, std::size_t hooks);

    [[nodiscard]] int program_fd() const { return program_.get(); }
    /// By hook; sums over all processors.
    [[nodiscard]] std::vector<core::HookTally> tallies() const;
    /// By BPF_PROG_TEST_RUN: nanoseconds for each frame, by the kernel's own clock. Nothing: it does not run so.
    [[nodiscard]] std::optional<std::vector<std::uint32_t>>
    ns_of(std::span<const std::vector<std::uint8_t>> frames) const;

  private:
    Chain(sys::Fd program, sys::Fd counts, std::size_t hooks)
        : program_(std::move(program)), counts_(std::move(counts)), hooks_(hooks) {}

    sys::Fd program_;
    sys::Fd counts_;
    std::size_t hooks_;
};

/// Returns when every program has ended that was running before: what has been taken away from heads by then runs no
/// more, and its counters are the last.
void await_programs() noexcept;

} // namespace pfild::kernel
