// SPDX-License-Identifier: BSD-2-Clause
// See control/models.h.
#include "control/models.h"

#include "config/described.h"
#include "control/attach_fields.h"
#include "describe/terms.h"

namespace pfild::control {

using namespace describe;

void describe(Fields& fields, ModelView& view) {
    fields.called("model_in_force", "The model in force, and where it came from.");
    fields.required("model", view.model, object(), "The model.");
    fields.required("digest", view.digest, text(64), "Of the model.");
    fields.required("files", view.files, text(64), "Digest of the files that items of owner `file` came from.");
    fields.optional("file", view.file, text(4096), "The first of the files.");
    fields.optional("confirm_within_s", view.confirm_within_s, whole("s"),
                    "Unless it is confirmed within this time, the model before is in force again.");
}

void describe(Fields& fields, ApplyRequest& request) {
    fields.called("apply_request", "A model that is to be in force.");
    fields.required("model", request.model, object(), "The model; its hooks have programs.");
    fields.optional("whole", request.whole, flag(),
                    "It has the items of all owners; else it is what a file says, and what bpfctl did stays.");
    fields.optional("confirm_s", request.confirm_s, whole(1, kLongestConfirm, "s"),
                    "Unless it is confirmed within this time, the model before is in force again.");
}

void describe(Fields& fields, BatchAttach& attach) {
    fields.called("batch_attach", "An interface that gets heads; what is left out is as the configuration says.");
    describe_attach(fields, attach);
}

void describe(Fields& fields, BatchStep& step) {
    fields.called("batch_step", "One change: exactly one of these.");
    fields.optional("attach", step.attach, object(), "As the verb.");
    fields.optional("detach", step.detach, object(), "As the verb.");
    fields.optional("hook-add", step.hook_add, object(), "As the verb.");
    fields.optional("hook-delete", step.hook_delete, object(), "As the verb.");
    fields.optional("link", step.link, object(), "As the verb.");
    fields.optional("unlink", step.unlink, object(), "As the verb.");
}

void describe(Fields& fields, BatchRequest& request) {
    constexpr std::size_t kMost = 65536;
    fields.called("batch_request", "Changes that are one: all of them or none.");
    fields.required("steps", request.steps, list(object(), kMost), "In this order.");
}

} // namespace pfild::control
