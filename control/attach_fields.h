// SPDX-License-Identifier: BSD-2-Clause
// What an attach asks for, described once: as the verb, and as a step of a batch.
#pragma once

#include "core/fail_mode.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "describe/describe.h"
#include "describe/terms.h"

namespace pfild::control {

/// `Attach` is AttachRequest, or BatchAttach, whose members may be nothing.
template <typename Attach>
void describe_attach(describe::Fields& fields, Attach& attach) {
    fields.required("interface", attach.interface, describe::interface_name(), "The interface.");
    fields.optional("unknown", attach.unknown, describe::word(core::kFailModeNames),
                    "What becomes of packets that only the engine could decide, when it is not there.");
    fields.optional("silent", attach.silent, describe::word(core::kFailModeNames),
                    "The same when it is there and does not answer.");
    fields.optional("mode", attach.mode, describe::word(core::kHeadModeNames), "Where incoming packets are decided.");
    fields.optional("position", attach.position, describe::word(core::kHeadPositionNames),
                    "Whether the heads go in front again when a program comes before them.");
    fields.optional("strict", attach.strict, describe::flag(),
                    "Whether one that is made while pfild runs is set down until it is guarded.");
}

} // namespace pfild::control
