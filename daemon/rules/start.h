// SPDX-License-Identifier: BSD-2-Clause
// With which model a daemon begins. docs/configuration.md has the table. Pure; any thread.
//
//     running model of this boot   files                  begins with
//     yes                          as they were           the running model
//     yes                          changed                the running model, then the files' items instead of its own
//     yes                          bad                    the running model
//     yes, on trial                any                    the running model, still on trial
//     no                           good                   the files, and what others own in the confirmed model
//     no                           bad                    the confirmed model
//     no                           bad, none confirmed    nothing: the start fails
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/source.h"
#include "daemon/rules/kept_model.h"

namespace pfild::rules {

/// What is there when a daemon starts.
struct Found {
    std::optional<KeptModel> running; ///< of this boot
    config::FileResult<config::Source> files;
    std::optional<KeptModel> confirmed;
    bool stopped = false; ///< the last daemon of this boot has stopped in order: what bpfctl did has ended
};

struct Plan {
    std::optional<KeptModel> take_over; ///< first this, as far as it can be had
    std::optional<config::Model> then;  ///< then this, whole
    std::string files;                  ///< digest of the files that `then` is made of
    std::optional<KeptModel> failsafe;  ///< if that cannot be had, and nothing was taken over
    bool bad_files = false;
    std::string from; ///< for people: "running model"
};

/// The mistakes: there is nothing to begin with.
[[nodiscard]] config::FileResult<Plan> plan_start(Found found);

} // namespace pfild::rules
