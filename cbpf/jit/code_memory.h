// SPDX-License-Identifier: BSD-2-Clause
// Memory that holds native code, and is never writable and executable at once.
//
// The pages are mapped twice: once readable and writable, once readable and executable. Code is written through the
// first mapping, which is gone before make() returns; from then on nothing in the process can change the code. No
// mapping changes its rights, so this works where a process may not make memory executable that was writable
// (MemoryDenyWriteExecute= of systemd, prctl PR_SET_MDWE).
//
// Owns the pages; move-only; they go with it. Any thread may run the code while it lives.
#pragma once

#include <cstddef>
#include <span>

#include <tl/expected.hpp>

#include "cbpf/jit/refusal.h"

namespace pfild::cbpf::jit {

class CodeMemory {
  public:
    /// Copies the code, which must run wherever it lies. Fails with Refusal::kMemory.
    [[nodiscard]] static tl::expected<CodeMemory, Refusal> make(std::span<const std::byte> code);

    CodeMemory(CodeMemory&& other) noexcept;
    CodeMemory& operator=(CodeMemory&& other) noexcept;
    CodeMemory(const CodeMemory&) = delete;
    CodeMemory& operator=(const CodeMemory&) = delete;
    ~CodeMemory();

    /// The code from byte `offset` on as a function. => an entry point of that type lies there.
    template <typename Function>
    [[nodiscard]] Function* entry(std::size_t offset) const noexcept {
        return reinterpret_cast<Function*>(code_ + offset);
    }

  private:
    CodeMemory(std::byte* code, std::size_t size) noexcept : code_(code), size_(size) {}

    std::byte* code_; ///< null when moved from
    std::size_t size_;
};

} // namespace pfild::cbpf::jit
