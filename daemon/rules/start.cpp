// SPDX-License-Identifier: BSD-2-Clause
// See daemon/rules/start.h.
#include "daemon/rules/start.h"

#include <utility>

#include "config/edit.h"

namespace pfild::rules {

config::FileResult<Plan> plan_start(Found found) {
    Plan plan{.bad_files = !found.files};
    if (found.running) {
        const bool on_trial = found.running->trial.has_value(); // what comes after it, a reload has to read
        const bool changed = !on_trial && found.files && found.files->digest != found.running->files;
        if (changed) {
            plan.then = config::with_others(found.files->model, found.running->model);
            plan.files = found.files->digest;
        }
        plan.from = changed ? "running model, files changed" : on_trial ? "running model, on trial" : "running model";
        plan.take_over = std::move(found.running);
        return plan;
    }
    if (found.files) {
        const bool others = found.confirmed && !found.stopped;
        plan.then = others ? config::with_others(found.files->model, found.confirmed->model) : found.files->model;
        plan.files = found.files->digest;
        plan.failsafe = std::move(found.confirmed);
        plan.from = others ? "files and confirmed model" : "files";
        return plan;
    }
    if (!found.confirmed) {
        return tl::make_unexpected(std::move(found.files.error()));
    }
    plan.take_over = std::move(found.confirmed);
    plan.from = "confirmed model";
    return plan;
}

} // namespace pfild::rules
