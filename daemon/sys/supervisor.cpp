// SPDX-License-Identifier: BSD-2-Clause
// libsystemd behind daemon/sys/supervisor.h. Failures are ignored: nobody is there to be told.
#include "daemon/sys/supervisor.h"

#include <chrono>

#include <systemd/sd-daemon.h>

namespace pfild::sys {
namespace {

void notify(const std::string& message) { (void)::sd_notify(0, message.c_str()); }

} // namespace

void notify_ready(const std::string& status) { notify("READY=1\nSTATUS=" + status); }

void notify_reloading() {
    // Type=notify-reload compares this with the moment of its SIGHUP.
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\nSTATUS=re-reading the configuration");
}

void notify_alive() { notify("WATCHDOG=1"); }

void notify_stopping() { notify("STOPPING=1\nSTATUS=detaching"); }

} // namespace pfild::sys
