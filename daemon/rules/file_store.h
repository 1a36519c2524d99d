// SPDX-License-Identifier: BSD-2-Clause
// The running model in a file, and another file of its size beside it, so that there is always space for the next one.
//
//     FOLDER/model         what is in force
//     FOLDER/model.next    the next one; after an exchange the one before
//
// Both are written in place, and change places by renameat2(RENAME_EXCHANGE), so the space of one is never given back.
// A file system that has become full refuses a model that is larger, and takes one that is not. Control thread.
#pragma once

#include <string>

#include "core/error.h"
#include "daemon/rules/kept_model.h"

namespace pfild::rules {

class FileStore final : public Store {
  public:
    /// => the folder is there.
    explicit FileStore(std::string folder) : folder_(std::move(folder)) {}

    /// Reserves space; what is there already stays. An error: the first change will be refused, most likely.
    [[nodiscard]] core::Result<void> reserve() const;
    /// What the last daemon left. ENOENT: nothing.
    [[nodiscard]] core::Result<std::string> read() const;
    [[nodiscard]] core::Result<void> put_next(const std::string& text) override;
    [[nodiscard]] core::Result<void> exchange() override;
    /// The instance stops in order.
    void remove() noexcept;

  private:
    [[nodiscard]] std::string path() const { return folder_ + "/model"; }
    [[nodiscard]] std::string next() const { return folder_ + "/model.next"; }

    std::string folder_;
};

} // namespace pfild::rules
