// SPDX-License-Identifier: BSD-2-Clause
// Compiles a filter expression (pcap-filter(7)) to a classic BPF program, by libpcap.
//
//     expression, link type, names?  ->  libpcap  ->  is it a program for a head?  ->  instructions | what libpcap said
//
// Invariants:
//  - Names are numeric unless asked. With Names::kNumeric nothing leaves the process: no look-up, no socket. Names of
//    services and protocols come from /etc/services and /etc/protocols (see numeric_names.h). If this build cannot
//    keep libpcap from looking names up, it refuses to compile at all.
//  - An error never widens a filter: an empty expression is refused, and so is a program that asks the Linux kernel for
//    what no packet contains (`inbound`, `ifindex`), which would compile and then never match.
//  - What comes back is for cbpf::Program::verify() to judge; libpcap can make programs longer than it allows.
//
// Stateless; any thread, any number at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cbpf/instruction.h"
#include "cbpf/program.h"
#include "core/error.h"
#include "filter/link_type.h"

namespace pfild::filter {

/// What a compiled program returns for a packet that matches unless asked otherwise: all of it.
inline constexpr int kSnapLength = 262144;

/// May names of hosts and networks be looked up?
enum class Names : std::uint8_t {
    kNumeric, ///< no: they are errors
    kResolve, ///< yes, by the system's resolver, which may take long and ask the network
};

/// Does libpcap make the program short, or leave it as its grammar made it?
enum class Optimiser : std::uint8_t { kOn, kOff };

/// The program, which returns `snap_length` for a packet that matches, or an EINVAL whose `why` is libpcap's own
/// message and whose `object` is the expression. `netmask`: of the interface, in host byte order, which `ip broadcast`
/// needs. => snap_length is 1 to kSnapLength.
[[nodiscard]] core::Result<std::vector<cbpf::Instruction>> compile(const std::string& expression, LinkType link_type,
                                                                   Names names, int snap_length = kSnapLength,
                                                                   Optimiser optimiser = Optimiser::kOn,
                                                                   std::optional<std::uint32_t> netmask = std::nullopt);

/// What helps where the program of an expression does not verify. `shorter`: how it can be made so, here.
[[nodiscard]] std::string advice_on(const cbpf::Rejection& rejection, std::string shorter);

} // namespace pfild::filter
