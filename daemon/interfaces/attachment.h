// SPDX-License-Identifier: BSD-2-Clause
// One attached interface, as their owner (interfaces.h) needs it: heads, a port pair, sockets of the engine. In the
// kernel it is a KernelAttachment, in tests a table. An interface that is only tapped has heads, and nothing of the
// rest.
//
// Control thread, but for PortWork.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control/views.h"
#include "core/direction.h"
#include "core/error.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "daemon/net/links.h"

namespace pfild::interfaces {

struct AttachmentSpec {
    net::Link link;
    std::uint8_t slot = 0;
    core::FailModes fail;
    core::HeadMode mode = core::HeadMode::kAutomatic;
    core::HeadPosition position = core::HeadPosition::kAnywhere;
    std::vector<std::string> turned_off; ///< offloads that a run before turned off on it
    core::Directions divert;             ///< in which directions a hook is linked
    core::AskedUpkeep asked{};           ///< what keeps the link up, and they are asked about
    core::Directions chained;            ///< in which directions hooks run in the kernel
    bool heads_later = false;            ///< everything but the heads: go_live() attaches them
    bool heads_first = false;            ///< nothing but the heads: go_on() makes the rest
    bool strict = false;                 ///< it is down until then
    bool tc_will_do = false;             ///< until then also where mode xdp is wanted and cannot be had
};

/// A port pair that is made for an attachment, which may have ended when it is done.
class PortWork {
  public:
    PortWork() = default;
    PortWork(const PortWork&) = delete;
    PortWork& operator=(const PortWork&) = delete;
    PortWork(PortWork&&) = delete;
    PortWork& operator=(PortWork&&) = delete;
    /// Any thread; it waits long if there is a port pair.
    virtual ~PortWork() = default;
    /// Any thread; it waits long.
    virtual void make() = 0;
};

/// What becomes of an attachment that cannot get its heads.
enum class WithoutHeads : std::uint8_t {
    kGoes, ///< what was there before is there again
    kStays ///< with the head that it can get; the rest is tried again each second
};

class Attachment {
  public:
    using Work = std::function<void()>;

    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;
    Attachment(Attachment&&) = delete;
    Attachment& operator=(Attachment&&) = delete;
    /// Detaches; also when the interface is gone.
    virtual ~Attachment() = default;

    [[nodiscard]] const net::Link& link() const { return spec_.link; } ///< as it was when it was last followed
    [[nodiscard]] std::uint8_t slot() const { return spec_.slot; }
    [[nodiscard]] core::HeadMode mode() const { return spec_.mode; } ///< as it was asked for
    [[nodiscard]] bool only_tapped() const { return spec_.mode == core::HeadMode::kTap; }

    /// No other attachment of this run has it.
    [[nodiscard]] virtual std::uint32_t number() const = 0;
    /// Index, in the engine's namespace, of the end of its port pair from which IN packets go on; 0: none (yet).
    [[nodiscard]] virtual std::uint32_t way_in() const = 0;
    /// Whether there is an XDP head.
    [[nodiscard]] virtual bool has_xdp_head() const = 0;
    /// Whether it has gone live.
    [[nodiscard]] virtual bool has_heads() const = 0;
    /// Whether both heads are there, as far as is known.
    [[nodiscard]] virtual bool is_live() const = 0;
    /// Whether that interface is an end of its port pair.
    [[nodiscard]] virtual bool owns_port(std::uint32_t ifindex) const = 0;
    /// Offloads of the interface that are off because of the attachment.
    [[nodiscard]] virtual std::vector<std::string> turned_off() const = 0;
    [[nodiscard]] virtual control::InterfaceView view() const = 0;
    [[nodiscard]] virtual control::Counters counters(core::Direction direction) const = 0;

    /// Attaches the heads, if they were to come later.
    [[nodiscard]] virtual core::Result<void> go_live(WithoutHeads then) = 0;
    /// From now on it stays: what its heads took the place of is let go.
    virtual void keep() noexcept = 0;
    /// Which directions divert from now on, in which heads ask hooks in the kernel first, and what of that which keeps
    /// the link up is diverted, too.
    [[nodiscard]] virtual core::Result<void> set_divert(core::Directions divert, core::Directions chained,
                                                        const core::AskedUpkeep& asked) = 0;
    /// What else was asked for, from now on.
    [[nodiscard]] virtual core::Result<void> set_manner(core::FailModes fail, core::HeadPosition position) = 0;

    /// Whether it has nothing but heads yet, which drop what they would divert.
    [[nodiscard]] virtual bool is_coming() const = 0;
    /// Whether it waits for a port pair to go on.
    [[nodiscard]] virtual bool needs_port() const = 0;
    [[nodiscard]] virtual std::shared_ptr<PortWork> port_work() const = 0;
    /// => `work` is one of its own, and done.
    [[nodiscard]] virtual core::Result<void> take_port(PortWork& work) = 0;
    /// A step towards the rest of it; after an error repair() tries all of it.
    /// => it needs no port pair.
    [[nodiscard]] virtual core::Result<void> go_on() = 0;

    /// Whether the interface is in this namespace: no other one with its index is.
    [[nodiscard]] virtual bool is_there() = 0;
    /// The interface has left this namespace or is no more: its heads do nothing from now on, wherever they are.
    virtual void let_go() noexcept = 0;
    /// It is here after all.
    [[nodiscard]] virtual core::Result<void> take_back() = 0;
    /// Of one that has been let go: what waits long for the kernel, for another thread, which may do it after the end
    /// of this. To that there is little then.
    [[nodiscard]] virtual Work clear_up() = 0;
    /// The interface is now so: takes over what changed.
    [[nodiscard]] virtual core::Result<void> follow(const net::Link& link) = 0;
    /// Looks whether port pair and heads are as they were made, and makes anew what is not. True: something was
    /// repaired.
    [[nodiscard]] virtual core::Result<bool> repair() = 0;
    /// Once a second: whether what the engine sent on gets where it belongs.
    virtual void watch_lanes() = 0;

  protected:
    explicit Attachment(AttachmentSpec spec) : spec_(std::move(spec)) {}

    AttachmentSpec spec_; // NOLINT(*-non-private-member-variables-in-classes): each kind of it changes it
};

} // namespace pfild::interfaces
