// SPDX-License-Identifier: BSD-2-Clause
// Which link types programs are found to be meant for; tests/unit/filter tries it on what libpcap compiles.
#include "cbpf/analysis/link_types.h"

#include <string>

#include <gtest/gtest.h>

#include "cbpf/text.h"

namespace pfild::cbpf {
namespace {

/// "EN10MB RAW": those that a program is meant for; "any" if it is open.
std::string meant_for(const char* text) {
    const auto program = assemble(text);
    EXPECT_TRUE(program) << text << program.error().message();
    const LinkFits fits = link_fits_of(*program);
    std::string names;
    for (const LinkFormInfo& row : kLinkFormTable) {
        const Fit fit = fits.at(static_cast<std::size_t>(row.form));
        if (fit == Fit::kOpen) {
            return "any";
        }
        names += fit == Fit::kMeant ? (names.empty() ? "" : " ") + std::string(row.name) : "";
    }
    return names;
}

TEST(LinkFits, follow_from_where_a_program_looks_for_the_protocol) {
    struct Row {
        const char* what;
        const char* text;
        const char* meant_for;
    };
    const Row rows[] = {
        {"an Ethernet type", "ldh [12]\njeq #0x800,0,1\nret #1\nret #0", "EN10MB"},
        {"a VLAN tag", "ldh [12]\njeq #0x8100,0,1\nret #1\nret #0", "EN10MB"},
        {"a length of 802.3", "ldh [12]\njgt #1500,1,0\nret #1\nret #0", "EN10MB"},
        {"a MAC address", "ld [8]\njeq #0x2b000001,0,3\nldh [6]\njeq #0x800,0,1\nret #1\nret #0", "EN10MB"},
        {"one that begins like a type", "ld [2]\njeq #0x2b000001,0,3\nldh [0]\njeq #0x800,0,1\nret #1\nret #0",
         "EN10MB"},
        {"a version of IP", "ldb [0]\nand #0xf0\njeq #0x60,0,1\nret #1\nret #0", "RAW"},
        {"a type behind 14 bytes", "ldh [14]\njeq #0x86dd,0,1\nret #1\nret #0", "LINUX_SLL"},
        {"a type at once", "ldh [0]\njeq #0x806,0,1\nret #1\nret #0", "LINUX_SLL2"},
        {"a family", "ld [0]\njeq #0x2000000,0,1\nret #1\nret #0", "NULL"},
        {"either of two", "ldh [12]\njeq #0x800,3,0\nldh [14]\njeq #0x800,1,0\nret #0\nret #1", "EN10MB LINUX_SLL"},
        {"nothing", "ret #1", "any"},
        {"the length", "ld len\njge #100,0,1\nret #1\nret #0", "any"},
        {"another byte", "ldb [9]\njeq #6,0,1\nret #1\nret #0", "any"},
        {"a type that is none", "ldh [12]\njeq #0x801,0,1\nret #1\nret #0", "any"},
        {"a part of a type", "ldh [12]\nand #0xff00\njeq #0x800,0,1\nret #1\nret #0", "any"},
        {"a word where a type begins", "ld [12]\njeq #0x800,0,1\nret #1\nret #0", "any"},
        {"what is calculated from a type", "ldh [12]\nadd #1\njeq #0x800,0,1\nret #1\nret #0", "any"},
        {"a type that is read, then something else", "ldh [12]\nldh [16]\njeq #0x800,0,1\nret #1\nret #0", "any"},
        {"a question that no packet comes to", "ret #1\nldh [12]\njeq #0x800,0,1\nret #1\nret #0", "any"},
        {"a type that was kept in memory", "ldh [12]\nst M[0]\nld #0\nld M[0]\njeq #0x800,0,1\nret #1\nret #0",
         "EN10MB"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(meant_for(row.text), row.meant_for) << row.what;
    }
}

} // namespace
} // namespace pfild::cbpf
