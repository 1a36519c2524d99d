// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/jit/code_memory.h"

#include <cstring>
#include <utility>

#include <asmjit/core.h>

namespace pfild::cbpf::jit {

namespace VirtMem = asmjit::VirtMem; // NOLINT(*-identifier-naming): asmjit's name

tl::expected<CodeMemory, Refusal> CodeMemory::make(std::span<const std::byte> code) {
    const std::size_t page = VirtMem::info().pageSize;
    const std::size_t size = (code.size() + page - 1) / page * page;
    VirtMem::DualMapping mapping{};
    if (VirtMem::allocDualMapping(&mapping, size, VirtMem::MemoryFlags::kAccessRWX) != asmjit::kErrorOk) {
        return tl::make_unexpected(Refusal::kMemory);
    }
    CodeMemory memory(static_cast<std::byte*>(mapping.rx), size);
    std::memcpy(mapping.rw, code.data(), code.size());
    if (VirtMem::release(mapping.rw, size) != asmjit::kErrorOk) { // the view alone; the pages stay for the other
        return tl::make_unexpected(Refusal::kMemory);
    }
    VirtMem::flushInstructionCache(mapping.rx, size);
    return memory;
}

CodeMemory::CodeMemory(CodeMemory&& other) noexcept
    : code_(std::exchange(other.code_, nullptr)), size_(std::exchange(other.size_, 0)) {}

CodeMemory& CodeMemory::operator=(CodeMemory&& other) noexcept {
    std::swap(code_, other.code_);
    std::swap(size_, other.size_);
    return *this;
}

CodeMemory::~CodeMemory() {
    if (code_ != nullptr) {
        (void)VirtMem::release(code_, size_);
    }
}

} // namespace pfild::cbpf::jit
