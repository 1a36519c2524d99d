// SPDX-License-Identifier: BSD-2-Clause
// Compiles an expression to a program that does what its text means, whatever the optimiser of libpcap makes of it.
//
//     expression --libpcap, optimised----> short ------proved equal to the plain one?-- yes --> the optimised one
//                --libpcap, unoptimised--> plain --reduced()--proved equal to it?------ yes --> the reduced one
//                                                                                     no ---> the plain one
//
// libpcap's optimiser forgets parts of some expressions: `not ((host A or host B) and icmp) and not (host A or host C)`
// comes out without the second exception. So what its grammar makes is what counts, and its optimiser is believed only
// where cbpf/analysis proves for every packet that nothing has changed. The reduced program is right by construction
// and proved all the same; without a proof it is used only where the plain one does not fit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filter/expression.h"

namespace pfild::filter {

/// How a program came about.
enum class Origin : std::uint8_t {
    kOptimised, ///< libpcap's optimiser, proved equal to the unoptimised program
    kReduced,   ///< the unoptimised program, made shorter by pfild, and proved equal where `is_proved`
    kPlain,     ///< the unoptimised program
};
inline constexpr std::array<std::string_view, 3> kOriginNames{"optimised", "reduced", "unoptimised"};
static_assert(static_cast<std::size_t>(Origin::kPlain) + 1 == kOriginNames.size());

[[nodiscard]] constexpr std::string_view name(Origin origin) { return kOriginNames[static_cast<std::size_t>(origin)]; }

struct Proved {
    std::vector<cbpf::Instruction> program; ///< verifies, unless it is too long (CF-01)
    Origin origin = Origin::kPlain;
    bool is_proved = true;                     ///< it is the unoptimised program, or the prover finds it equal
    std::size_t plain_length = 0;              ///< instructions of the unoptimised program
    std::optional<std::size_t> short_length{}; ///< of the optimised one; nothing: libpcap has made none

    /// "optimiser of libpcap proved equal", or what else was used and why; parts are divided by "; ".
    [[nodiscard]] std::string because() const;
};

/// As compile(): the errors are those, and also where nothing that is certainly right fits into a program.
[[nodiscard]] core::Result<Proved> compile_proved(const std::string& expression, LinkType link_type, Names names,
                                                  int snap_length = kSnapLength,
                                                  std::optional<std::uint32_t> netmask = std::nullopt);

} // namespace pfild::filter
