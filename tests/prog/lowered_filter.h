// SPDX-License-Identifier: BSD-2-Clause
// One classic BPF program lowered, loaded into the kernel and run over packets by BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "cbpf/lower/lower.h"
#include "daemon/sys/fd.h"

namespace pfild::tests {

/// What the program is shown of a frame.
enum class Shown : std::uint8_t {
    kWhole,  ///< all of it; the kernel runs nothing shorter than 14 bytes
    kBehind, ///< what is behind 14 bytes of link header, as heads show IP packets
};

/// eBPF as a program of XDP or TC, in the kernel.
struct LoadedCode {
    sys::Fd program;
    std::string verifier; ///< the last of what it said, if there is no program

    [[nodiscard]] static LoadedCode load(std::span<const ebpf::Instruction> code, ebpf::Place place);
    /// What it returns. A packet that the kernel does not run is an error.
    [[nodiscard]] tl::expected<std::uint32_t, std::string> run(std::span<const std::uint8_t> frame) const;
};

class LoweredFilter {
  public:
    [[nodiscard]] static tl::expected<LoweredFilter, std::string> load(const cbpf::Program& program, ebpf::Place place,
                                                                       Shown shown);

    /// What the program returns. A packet that the kernel does not run is an error.
    [[nodiscard]] tl::expected<std::uint32_t, std::string> run(std::span<const std::uint8_t> packet) const;

  private:
    LoweredFilter(LoadedCode code, Shown shown) : code_(std::move(code)), shown_(shown) {}

    LoadedCode code_;
    Shown shown_;
};

} // namespace pfild::tests
