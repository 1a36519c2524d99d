// SPDX-License-Identifier: BSD-2-Clause
// The confirmed model, for the next boot: STATE_DIR/NAME/confirmed. Writing waits for the disk, so it is done by a
// thread of its own, once a second at most. Beside it STATE_DIR/NAME/stopped has the boot in which the instance was
// stopped in order last.
//
// Control thread.
#pragma once

#include <future>
#include <optional>
#include <string>

#include "core/error.h"
#include "daemon/rules/kept_model.h"

namespace pfild::rules {

class Confirmed {
  public:
    /// The folder is made by the first write. If it cannot be, nothing outlives the boot, which is logged.
    Confirmed(const std::string& state_dir, const std::string& instance) : folder_(state_dir + '/' + instance) {}

    /// Nothing: there is none, or none that can be read, which is logged.
    [[nodiscard]] std::optional<KeptModel> read() const;
    /// The last daemon has stopped in order, in that boot.
    [[nodiscard]] bool stopped_in(const std::string& boot) const;
    void set_stopped_in(const std::string& boot) const;

    /// To be written by the next tick().
    void put(KeptModel kept) { next_ = std::move(kept); }
    /// Once a second.
    void tick();
    /// Writes what is to be written, now.
    void flush();
    /// Where `bpfctl config compile` puts its work.
    [[nodiscard]] std::string compiled_path() const { return folder_ + "/compiled"; }

  private:
    std::string folder_;
    std::optional<KeptModel> next_;
    std::future<core::Result<void>> writing_;
    std::string said_;
};

} // namespace pfild::rules
