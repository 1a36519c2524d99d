// SPDX-License-Identifier: BSD-2-Clause
// What the kernel makes of a classic filter, as a program that can be timed.
//
// A filter of SO_ATTACH_FILTER has no descriptor, so BPF_PROG_TEST_RUN cannot run it. This emits for each instruction
// the eBPF that the kernel's own converter emits (bpf_convert_filter(), net/core/filter.c) in the same registers, loads
// it for tc, and lets the kernel's JIT compile it. Two things are not the same, and both cost some tenths of a
// nanosecond at most: a load is checked against the end of the data instead of its length, as the verifier wants it;
// and a load from [x+k] calls the helper that looks up data and length again, which the converter's hands over.
//
// Translates what the filters of the bench are made of: absolute and indirect loads, `ldx 4*([k]&0xf)`, `and #k`, jumps
// with a constant, `ret #k`. Owns the program; move-only. Needs CAP_BPF and CAP_NET_ADMIN.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "cbpf/program.h"

namespace pfild::bench {

class KernelCode {
  public:
    /// Or why not: "ld len is not translated", or what the kernel says.
    [[nodiscard]] static tl::expected<KernelCode, std::string> load(const cbpf::Program& program);
    /// A program that only returns: what the time of a run is without a filter.
    [[nodiscard]] static tl::expected<KernelCode, std::string> nothing();

    KernelCode(KernelCode&& other) noexcept;
    KernelCode& operator=(KernelCode&& other) = delete;
    KernelCode(const KernelCode&) = delete;
    KernelCode& operator=(const KernelCode&) = delete;
    ~KernelCode();

    /// Runs it `times` over the same frame; the result of the last run, or nothing if the kernel would not.
    [[nodiscard]] std::optional<std::uint32_t> run(std::span<const std::uint8_t> frame, std::uint32_t times) const;

  private:
    explicit KernelCode(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

} // namespace pfild::bench
