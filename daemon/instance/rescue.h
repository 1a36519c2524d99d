// SPDX-License-Identifier: BSD-2-Clause
// `pfild --rescue`: removes what dead instances have left, without a daemon.
//
//     programs in the kernel -> runs -> the dead of them -> their heads and ports, in each network namespace
//                                                        -> their pins, and their folders in /run
//
// A run is dead when three things say so: nobody holds the lock of its instance, its last beat is 5 s old, and no
// socket map of it holds a socket. The kernel empties those maps when a daemon ends, whatever namespaces it was in. A
// lock of another mount namespace cannot be seen; then the other two decide. Whose a program is, it says itself.
#pragma once

#include <optional>
#include <string>

#include "config/settings.h"
#include "core/error.h"

namespace pfild {

struct RescueRequest {
    std::optional<std::string> instance; ///< only of instances of this name
    std::string interface; ///< only heads of the interface of this name or altname; empty: all that is left
    bool force = false;    ///< does not wait until the last beat is 5 s old
    std::string runtime_folder = config::Settings().runtime_dir;
    std::string state_folder = config::Settings().state_dir;
};

/// What was removed, what was kept and why, and warnings: a JSON object in one line. An interface is looked for in the
/// caller's network namespace, and in all if an instance is named. EBUSY: the interface is a living instance's; ENODEV:
/// there is none of that name; EAGAIN: a head of a dead one could not be removed.
[[nodiscard]] core::Result<std::string> rescue(const RescueRequest& request);

/// {"error": {..}}, as the control protocol writes errors.
[[nodiscard]] std::string rescue_error(const core::Error& error);

} // namespace pfild
