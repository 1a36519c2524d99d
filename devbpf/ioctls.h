// SPDX-License-Identifier: BSD-2-Clause
// The ioctls of /dev/bpf as requests of the device socket: a table, and nothing else. Pure.
//
//     number, argument of a program --question()--> op, payload  +  where in the program's memory to look
//     payload of the answer         --answer()----> argument     +  what to write there
//
// The argument has the size that is in the ioctl's number; the kernel has copied it, and will copy it back. Two kinds
// have pointers in it: programs of instructions, and the list of link types. Whoever calls reads and writes that
// memory. Numbers that are not in the table are ENOTTY (contract 2.8).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::devbpf {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// What one read(2) of a FUSE file can have: 256 pages, less one as memory need not begin at one. BIOCSBLEN is clamped
/// to it.
inline constexpr std::uint32_t kLargestBuffer = 1'044'480;
inline constexpr std::uint32_t kMostInstructions = 512;
inline constexpr std::uint32_t kMostLinkTypes = 64;

/// Memory of the program: the struct bpf_insn of a struct bpf_program.
struct ProgramAt {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0; ///< at most kMostInstructions of them
};

/// Memory of the program: the room of a struct bpf_dltlist.
struct LinkTypesAt {
    std::uint64_t address = 0; ///< 0: only how many there are is asked
    std::uint32_t room = 0;    ///< u_ints
};

struct Question {
    std::uint32_t number = 0; ///< of the ioctl
    pfild_op op = PFILD_OPS;
    Bytes payload;
    std::optional<ProgramAt> program; ///< what is there is the payload
    LinkTypesAt link_types;           ///< of BIOCGDLTLIST
};

/// What to ask. ENOTTY: there is no such ioctl. EINVAL: the argument is none that it can have.
[[nodiscard]] core::Result<Question> question(std::uint32_t number, ByteView argument);

struct Answer {
    Bytes argument;   ///< goes back to the program
    Bytes link_types; ///< to be written to Question::link_types.address, before the ioctl is answered; may be empty
};

/// What the program gets. ENOMEM: there is no room for all link types. EIO: the daemon's answer is none to this.
/// => `asked` is what question() has made.
[[nodiscard]] core::Result<Answer> answer(const Question& asked, ByteView payload);

} // namespace pfild::devbpf
