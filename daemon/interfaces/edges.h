// SPDX-License-Identifier: BSD-2-Clause
// What the owner of attachments (interfaces.h) stands between: the host with its kernel, what depends on which
// interfaces are attached, and time and threads. In tests each is a table.
//
// Control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/direction.h"
#include "core/error.h"
#include "core/head_mode.h"
#include "core/pfil/registry.h"
#include "daemon/interfaces/attachment.h"
#include "daemon/net/links.h"

namespace pfild::interfaces {

/// Interfaces of this network namespace, and heads on them.
class Host {
  public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    Host(Host&&) = delete;
    Host& operator=(Host&&) = delete;
    virtual ~Host() = default;

    [[nodiscard]] virtual core::Result<std::vector<net::Link>> all() = 0;
    /// ENODEV: there is none of that name or alternative name, or with that index.
    [[nodiscard]] virtual core::Result<net::Link> find(const std::string& name) = 0;
    [[nodiscard]] virtual core::Result<net::Link> find(std::uint32_t ifindex) = 0;

    /// EOPNOTSUPP: pfild cannot be attached to such an interface in that mode, and why.
    [[nodiscard]] virtual core::Result<void> attachable(const net::Link& link, core::HeadMode mode) = 0;
    /// EBUSY: a head of another living instance is there. Else what heads would be taken over, in words.
    [[nodiscard]] virtual core::Result<std::vector<std::string>> may_attach(const net::Link& link) = 0;
    /// Whether so many interfaces can be served at once, by packet memory.
    [[nodiscard]] virtual bool has_buffers_for(std::size_t interfaces) = 0;
    [[nodiscard]] virtual core::Result<std::unique_ptr<Attachment>> attach(AttachmentSpec spec) = 0;
    /// Detaches all at once. => they are of attach().
    virtual void detach(std::vector<std::unique_ptr<Attachment>> all) noexcept = 0;

    /// Slots for which heads are loaded already, so that who takes one waits less.
    [[nodiscard]] virtual std::vector<std::uint8_t> ready_slots() const = 0;
    /// Interfaces may come: heads are loaded beside, for slots that are not used. used: a bit a slot.
    virtual void make_ready(std::uint64_t used) = 0;
    /// None are awaited.
    virtual void make_unready() = 0;

    /// Whether heads of a killed daemon of this instance are there.
    [[nodiscard]] virtual bool has_left_heads(std::uint32_t ifindex) const = 0;
    /// Removes heads of this instance that no attachment has. Returns what was removed, in words.
    virtual std::vector<std::string> sweep(std::uint32_t ifindex) = 0;
};

/// Rules and captures: what depends on which interfaces are attached.
class Dependents {
  public:
    Dependents() = default;
    Dependents(const Dependents&) = delete;
    Dependents& operator=(const Dependents&) = delete;
    Dependents(Dependents&&) = delete;
    Dependents& operator=(Dependents&&) = delete;
    virtual ~Dependents() = default;

    /// Before an interface is attached that is to be filtered, and after it is detached: hooks can be linked to it.
    [[nodiscard]] virtual core::Result<void> register_head(const core::HeadSpec& head) = 0;
    virtual void unregister_head(const std::string& name) = 0;
    [[nodiscard]] virtual core::Result<void> rename_head(const std::string& from, const std::string& to) = 0;
    /// It has been attached.
    virtual void came(const Attachment& attachment) = 0;
    /// It has another name or MTU, an XDP head that it had not, or another port pair.
    virtual void changed(const Attachment& attachment) = 0;
    /// It is about to be detached.
    virtual void leaves(std::uint32_t ifindex) = 0;
    /// Attachments are others than before: which hooks run where follows, and Interfaces::set_diverts() with it.
    virtual void place_hooks() = 0;
    /// In which directions hooks are linked, and run in the kernel.
    [[nodiscard]] virtual core::Directions diverted(std::uint8_t slot) const = 0;
    [[nodiscard]] virtual core::Directions chained(std::uint8_t slot) const = 0;
    /// What keeps the link up, and a hook is asked about.
    [[nodiscard]] virtual core::AskedUpkeep asked_upkeep(std::uint8_t slot) const = 0;
};

class Schedule {
  public:
    using Clock = std::chrono::steady_clock;
    using Work = std::function<void()>;

    Schedule() = default;
    Schedule(const Schedule&) = delete;
    Schedule& operator=(const Schedule&) = delete;
    Schedule(Schedule&&) = delete;
    Schedule& operator=(Schedule&&) = delete;
    virtual ~Schedule() = default;

    [[nodiscard]] virtual Clock::time_point now() const = 0;
    /// Calls once, in place of what was to be called before.
    virtual void call_after(std::chrono::nanoseconds wait, Work work) = 0;
    virtual void call_no_more() = 0;
    /// Does `work` on another thread, one after another, and `then` on this one. Work is destroyed there.
    virtual void do_beside(Work work, Work then) = 0;
    /// Returns when all is done that was to be done beside; what is to follow still does.
    virtual void await_beside() = 0;
};

} // namespace pfild::interfaces
