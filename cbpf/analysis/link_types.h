// SPDX-License-Identifier: BSD-2-Clause
// Which link types a program makes sense for: read from the places at which it looks for the protocol.
//
//    EN10MB        type at 12                    | destination | source | type |
//    RAW           version in byte 0             | version ...
//    LINUX_SLL     type at 14                    | packet type, address ... | type |
//    LINUX_SLL2    type at 0                     | type | ...
//    NULL          family in 0-3                 | family |
//
// The number of an Ethernet type compared with bytes 12-13 is looked for in Ethernet frames, and so on. A program that
// compares nothing like that (`greater 100`) makes sense for all. One that is compiled for a type is never found to be
// foreign to it, as long as it does not ask for MAC addresses that look like another type's header. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "cbpf/program.h"

namespace pfild::cbpf {

/// How a program and a link type get on.
enum class Fit : std::uint8_t {
    kMeant,   ///< it looks for the protocol where this type has it
    kOpen,    ///< it looks for no protocol; any type will do
    kForeign, ///< it looks for it where another type has it, and nowhere else
};
inline constexpr std::array<std::string_view, 3> kFitNames{"meant", "open", "foreign"};
static_assert(static_cast<std::size_t>(Fit::kForeign) + 1 == kFitNames.size());

/// The link types that are told apart, in the order of the table above.
enum class LinkForm : std::uint8_t { kEthernet, kRaw, kCooked, kCooked2, kLoopback };
inline constexpr std::size_t kLinkForms = 5;

struct LinkFormInfo {
    LinkForm form;
    int number;              ///< DLT
    std::string_view name;   ///< libpcap's
    std::string_view phrase; ///< "Ethernet frames"
};
inline constexpr std::array<LinkFormInfo, kLinkForms> kLinkFormTable{{
    {LinkForm::kEthernet, 1, "EN10MB", "Ethernet frames"},
    {LinkForm::kRaw, 12, "RAW", "IP packets"},
    {LinkForm::kCooked, 113, "LINUX_SLL", "Linux cooked captures"},
    {LinkForm::kCooked2, 276, "LINUX_SLL2", "Linux cooked captures, version 2"},
    {LinkForm::kLoopback, 0, "NULL", "BSD loopback captures"},
}};

/// By link form.
using LinkFits = std::array<Fit, kLinkForms>;

[[nodiscard]] LinkFits link_fits_of(const Program& program);

} // namespace pfild::cbpf
