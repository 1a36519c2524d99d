// SPDX-License-Identifier: BSD-2-Clause
// See control/changed.h.
#include "control/changed.h"

#include "describe/describe.h"

namespace pfild::control {

using namespace describe;

void describe(Fields& fields, ChangedView& view) {
    constexpr std::size_t kMost = 262'144; // of a model with as much as it can have
    fields.called("changed", "What became of the model.");
    fields.required("changes", view.changes, list(text(), kMost), "Each item that is another one now.");
    fields.required("needs_restart", view.needs_restart, list(text(), kMost),
                    "Settings that are wanted, and that only a restart puts in force.");
    fields.optional("confirm_within_s", view.confirm_within_s, whole("s"),
                    "Unless it is confirmed within this time, the model before is in force again.");
}

} // namespace pfild::control
