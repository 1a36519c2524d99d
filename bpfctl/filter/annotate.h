// SPDX-License-Identifier: BSD-2-Clause
// What each instruction of a program does, in words: "A = IPv4 protocol", "TCP?".
//
// One pass forward: what a jump has asked about the packet is known behind it, so that byte 20 is called "IPv6 next
// header" on one way and "IPv4 flags and fragment offset" on the other. Where nothing is known, bytes have numbers.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cbpf/analysis/link_types.h"
#include "cbpf/program.h"

namespace pfild::bpfctl {

struct Note {
    std::string text;  ///< what the instruction does; empty if no packet comes to it
    std::string field; ///< of a load: what it brings in; empty if that has no name
};

/// By instruction. Without a link type of which something is known, bytes have numbers only.
[[nodiscard]] std::vector<Note> annotate(const cbpf::Program& program, std::optional<cbpf::LinkForm> form);

} // namespace pfild::bpfctl
