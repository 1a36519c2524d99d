// SPDX-License-Identifier: BSD-2-Clause
// What a service supervisor is told of the daemon's life (sd_notify(3)); nothing happens when there is none.
#pragma once

#include <string>

namespace pfild::sys {

/// `status` is one line for `systemctl status`.
void notify_ready(const std::string& status);
void notify_reloading();
void notify_stopping();
/// All threads that must not hang do not: to be said oftener than the unit's WatchdogSec=.
void notify_alive();

} // namespace pfild::sys
