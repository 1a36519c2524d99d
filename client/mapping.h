// SPDX-License-Identifier: BSD-2-Clause
// A file's memory, mapped for reading, with one owner: unmapped when the owner goes; moved, never copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

#include "client/descriptor.h"

namespace pfild::client {

class Mapping {
  public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() {
        if (!bytes_.empty()) {
            munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size()); // NOLINT(*-const-cast): how it takes it
        }
    }

    /// The first bytes of a file. Nothing: it does not have so many, there are none, or it cannot be mapped.
    [[nodiscard]] static std::optional<Mapping> of(const Descriptor& file, std::size_t bytes) noexcept {
        struct stat status {};
        if (bytes == 0 || fstat(file.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < bytes) {
            return std::nullopt;
        }
        void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.get(), 0);
        if (mapped == MAP_FAILED) {
            return std::nullopt;
        }
        Mapping mapping;
        mapping.bytes_ = {static_cast<const std::uint8_t*>(mapped), bytes};
        return mapping;
    }

    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }

  private:
    std::span<const std::uint8_t> bytes_;
};

} // namespace pfild::client
