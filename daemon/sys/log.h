// SPDX-License-Identifier: BSD-2-Clause
// Where the daemon's log goes: to stderr, a line each.
#pragma once

namespace pfild::sys {

/// With the time and the level; or, if the journal reads it, with the priority that systemd takes from the beginning of
/// a line (sd-daemon(3)). => no thread has been started.
void set_up_log();

} // namespace pfild::sys
