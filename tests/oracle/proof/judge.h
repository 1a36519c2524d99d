// SPDX-License-Identifier: BSD-2-Clause
// Who runs the programs beside the interpreter, and must come to the same results.
//
//     native    our native code: one call, a batch, a set of 20 programs, and compiled without any pass
//     libpcap   its bpf_filter(), over the same bytes in one piece; not where a register shift by 32 or more was run
//     kernel    a socket with SO_ATTACH_FILTER; besides not where a load from X + k >= 2^31 was run (contract 3.5)
//
// The reference machine (reference.h) follows runs and says what they came to: every one for libpcap and kernel, one a
// program for native code. So there are always three. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "tests/oracle/proof/coverage.h"
#include "tests/oracle/proof/round.h"

namespace pfild::tests {

struct Tally {
    std::uint64_t programs = 0;
    std::uint64_t refused = 0;   ///< programs, by the judge
    std::uint64_t pairs = 0;     ///< of a program and a packet, that were compared
    std::uint64_t apart = 0;     ///< pairs that the contract says are seen otherwise there
    std::uint64_t nonzero = 0;   ///< pairs of which the result is not 0
    std::uint64_t undecided = 0; ///< pairs that native code without passes left to the interpreter
    Coverage coverage;
};

class Judge {
  public:
    Judge() = default;
    Judge(const Judge&) = delete;
    Judge& operator=(const Judge&) = delete;
    virtual ~Judge() = default;

    [[nodiscard]] virtual Scope scope() const { return Scope::kContract; }
    /// What of the coverage cannot be reached: beginnings, or parts that begin with a blank or a slash.
    [[nodiscard]] virtual std::vector<std::string_view> out_of_reach() const { return {}; }
    /// Compares all packets of a round; in words what differs.
    [[nodiscard]] virtual std::optional<std::string> differs(const Round& round, Tally& tally) = 0;
};

using MaybeJudge = tl::expected<std::unique_ptr<Judge>, std::string>;

/// A machine that is made to err, to see that it is noticed.
enum class Fault : std::uint8_t { kNone, kComparison };

/// Each, or why it cannot judge on this machine.
[[nodiscard]] MaybeJudge native_judge(Fault fault);
[[nodiscard]] MaybeJudge libpcap_judge();
[[nodiscard]] MaybeJudge kernel_judge();

} // namespace pfild::tests
