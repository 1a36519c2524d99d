// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl capture` from the plan to the exit code: opens the device, finds the sink, announces, captures, and says at
// the end what was counted.
#pragma once

#include "bpfctl/capture/plan.h"
#include "bpfctl/console.h"
#include "bpfctl/failure.h"
#include "bpfctl/verb.h"

namespace pfild::bpfctl {

/// Until it ends; SIGINT, SIGTERM and SIGHUP end it with success. Exit::kUnreachable: no daemon, or it went away.
/// Exit::kRefused: the daemon refused, the interface is gone, or the packets could not be written.
[[nodiscard]] Outcome<void> perform_capture(const CapturePlan& plan, const Options& options, const Console& console);

} // namespace pfild::bpfctl
