// SPDX-License-Identifier: BSD-2-Clause
// What the control socket can ask for: one method for each verb of docs/control-protocol.md that changes something, and
// one for all that only look. Everything here runs on the control thread, one call at a time, and does not block longer
// than an attach takes.
//
// => Arguments have been checked for shape only: names are printable ASCII without blanks, enumerations are known
// words.
//    Whether an interface, head or hook of that name exists, and whether a program verifies, is the service's to say.
// => On an error nothing has changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/changed.h"
#include "control/deeds.h"
#include "control/models.h"
#include "control/peer.h"
#include "control/requests.h"
#include "control/views.h"
#include "core/error.h"
#include "describe/value.h"

namespace pfild::control {

/// Who asks for a change.
struct Asker {
    Peer peer;          ///< pid 0: nobody knows
    int pidfd = -1;     ///< of that process, taken when it connected
    bool force = false; ///< past the lock-out guard
};

class Service {
  public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    Service(Service&&) = delete;
    Service& operator=(Service&&) = delete;
    virtual ~Service() = default;

    /// What a verb that only looks is answered. => there is such a verb, `arguments` is a table.
    [[nodiscard]] virtual core::Result<describe::Value> look(std::string_view verb,
                                                             const describe::Value& arguments) = 0;

    /// ENODEV, EEXIST, EOPNOTSUPP (also: a hook that is to run in the kernel could not there), ENOBUFS.
    [[nodiscard]] virtual core::Result<InterfaceView> attach(const AttachRequest& request) = 0;
    /// ENODEV: no such interface, or not attached.
    [[nodiscard]] virtual core::Result<void> detach(std::string_view interface) = 0;
    /// EEXIST, EINVAL (the program does not verify, or is for another link type), ENOBUFS.
    [[nodiscard]] virtual core::Result<HookView> hook_add(const HookAddRequest& request) = 0;
    /// In the place of the one of that name; its links stay, its counters begin again. ENOENT, EINVAL: as above, or
    /// another type.
    [[nodiscard]] virtual core::Result<HookView> hook_replace(const HookAddRequest& request) = 0;
    /// ENOENT; EALREADY: it is.
    [[nodiscard]] virtual core::Result<HookView> hook_enable(std::string_view name, bool enabled) = 0;
    /// ENOENT. Unlinks it everywhere first; the hook never runs again after the return (PF-11).
    [[nodiscard]] virtual core::Result<void> hook_delete(std::string_view name) = 0;
    /// ENOENT, EINVAL, EEXIST, checked in this order before anything is inserted (PF-29). EOPNOTSUPP: a hook that is
    /// to run in the kernel could not.
    [[nodiscard]] virtual core::Result<HeadView> link(const core::LinkRequest& request) = 0;
    /// ENOENT only if linked in none of the requested directions (PF-30).
    [[nodiscard]] virtual core::Result<HeadView> unlink(const core::LinkRequest& request) = 0;
    /// From now on all packets of attached interfaces are dropped, or they meet the rules again. Never asks the
    /// lock-out guard.
    [[nodiscard]] virtual core::Result<void> panic(bool on) = 0;
    /// Forgets all known flows; their next packets go to the engine. Returns how many there were. EOPNOTSUPP: the
    /// daemon knows none (--no-cache).
    [[nodiscard]] virtual core::Result<std::uint64_t> flows_flush() = 0;
    /// EINVAL: nothing to set, or a usual size above the largest.
    [[nodiscard]] virtual core::Result<SysctlView> sysctl_set(const SysctlSetRequest& request) = 0;
    /// The files again: all of them or nothing of them. What others own stays. EINVAL: a mistake; ENOENT: no files.
    [[nodiscard]] virtual core::Result<ChangedView> reload() = 0;

    /// EBUSY, as for every other change but detach: the model in force waits for its confirmation.
    [[nodiscard]] virtual core::Result<ChangedView> config_apply(const ApplyRequest& request) = 0;
    /// By another connection than that of the apply, EPERM. ENOENT: nothing waits for it, as in the next.
    [[nodiscard]] virtual core::Result<void> config_confirm() = 0;
    [[nodiscard]] virtual core::Result<ChangedView> config_rollback() = 0;
    /// All of the changes or none. The error's object is the step, from 1.
    [[nodiscard]] virtual core::Result<ChangedView> batch(const BatchRequest& request) = 0;

    /// Why the last change is in force and will be forgotten; nothing: it is recorded.
    [[nodiscard]] virtual std::optional<std::string> unrecorded() const = 0;
    /// Who has changed what.
    [[nodiscard]] virtual Deeds& deeds() = 0;

    /// Of the calls up to the next one of this: a change that would cut the connection by which it is asked for is
    /// refused, ECONNABORTED.
    virtual void asked_by(const Asker& asker) = 0;
    /// What the asker is to know beside the answer to the last call; empty: nothing.
    [[nodiscard]] virtual std::string remark() const = 0;
};

} // namespace pfild::control
