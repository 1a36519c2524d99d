// SPDX-License-Identifier: BSD-2-Clause
// The running model as it is kept in a file: with what binds it to a boot, to the files of the configuration, and to
// the interfaces that are attached by it. The confirmed model has the same form. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"
#include "core/error.h"
#include "daemon/rules/world.h"
#include "describe/describe.h"

namespace pfild::rules {

/// A model that waits for its confirmation: unless that comes in time, the one before is in force again.
struct Trial {
    std::uint64_t ends_ns = 0; ///< since boot
    std::string files;         ///< digest, of `before`
    config::Model before;

    friend bool operator==(const Trial&, const Trial&) = default;
};

struct KeptModel {
    std::string boot;               ///< boot id of the kernel
    std::string files;              ///< digest of the files that the model's items of owner `file` came from
    std::vector<Attached> attached; ///< empty in a confirmed model
    config::Model model;
    std::optional<Trial> trial; ///< nothing in a confirmed model

    friend bool operator==(const KeptModel&, const KeptModel&) = default;
};

[[nodiscard]] std::string text_of(const KeptModel& kept);
/// EINVAL, as config::model_of().
[[nodiscard]] core::Result<KeptModel> kept_model_of(std::string_view text);

/// Where the running model is kept. One text is in force; the next one is put beside it and takes its place in one
/// step.
class Store {
  public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    Store(Store&&) = delete;
    Store& operator=(Store&&) = delete;
    virtual ~Store() = default;

    /// Puts the next text beside the one in force. After that exchange() needs no more space.
    [[nodiscard]] virtual core::Result<void> put_next(const std::string& text) = 0;
    /// The next one and the one in force change places; a second time they change back.
    [[nodiscard]] virtual core::Result<void> exchange() = 0;
};

} // namespace pfild::rules
