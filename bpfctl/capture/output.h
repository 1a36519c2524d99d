// SPDX-License-Identifier: BSD-2-Clause
// A file that packets are appended to, which knows how many of them are in it, whole, also when writing fails.
//
// Bytes are buffered; flush() hands them to the system. A failed write (the disk is full, the reader of a pipe is gone)
// is reported by the call that met it and by all later ones. Owns the descriptor. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/descriptor.h"
#include "core/error.h"

namespace pfild::bpfctl {

class Output {
  public:
    /// The file is made or emptied; "-" is standard output, EINVAL if that is a terminal.
    [[nodiscard]] static core::Result<Output> create(const std::string& path);

    /// Where the next bytes are to be appended. => commit() says when they are whole.
    [[nodiscard]] std::vector<std::uint8_t>& buffer() noexcept { return buffer_; }
    /// What is in the buffer now is whole; `is_packet`: its last part is one.
    [[nodiscard]] core::Result<void> commit(bool is_packet);
    [[nodiscard]] core::Result<void> flush();
    /// Packets that were committed; after a failure those that are whole in the file.
    [[nodiscard]] std::uint64_t kept() const noexcept { return failed_ ? kept_ : kept_ + ends_.size(); }
    /// Bytes of the file with all that was committed.
    [[nodiscard]] std::uint64_t size() const noexcept { return written_ + buffer_.size(); }

  private:
    Output(client::Descriptor descriptor, std::string name)
        : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

    void count(std::size_t bytes);

    client::Descriptor descriptor_;
    std::string name_; ///< for errors
    std::optional<core::Error> failed_;
    std::vector<std::uint8_t> buffer_; ///< not written yet
    std::uint64_t written_ = 0;        ///< bytes
    std::uint64_t kept_ = 0;           ///< packets that are written
    std::deque<std::uint64_t> ends_;   ///< of the others, in bytes from the file's start
};

} // namespace pfild::bpfctl
