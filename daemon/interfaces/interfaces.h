// SPDX-License-Identifier: BSD-2-Clause
// The interfaces that are attached: which, in which slots, what becomes of them in a change of what is wanted, and when
// interfaces come, go and are renamed by themselves.
//
//      put(), remove()        what is attached has everything but its heads, what is detached keeps them
//      bring_heads()          heads of the first
//      drop_leaving()         the others go
//
//      look_at(), let_go()    what netlink has announced
//
// Interfaces that come while pfild runs are guarded at the netlink message that says so:
//
//     message            heads, of programs that are loaded already; they drop what they would divert
//     + a few ms         its links: the heads know what they would divert
//     20 ms of silence   port pair and sockets, beside, one interface after another
//     then               the rest in a step for each; messages that come meanwhile go before
//     gone               after such a silence what is left of it is cleared away beside; then its slot is free
//
// The heads take 1 ms and two grace periods of RCU, one after each; the port pair takes ten times as long, to make and
// to remove.
//
// Control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/guarded.h"
#include "config/model.h"
#include "core/error.h"
#include "daemon/interfaces/attachment.h"
#include "daemon/interfaces/edges.h"
#include "daemon/interfaces/known_interfaces.h"
#include "daemon/sys/repeats.h"

namespace pfild::interfaces {

/// What happens to interfaces by itself.
struct Events {
    std::function<void(const std::string& name)> seen; ///< new, or it has other names, or is not attached
    std::function<void(const std::string& name)> gone;
    std::function<void(const std::map<std::string, std::string>& names)> renamed; ///< old name -> name now
};

/// How interfaces are attached in a change.
struct Manner {
    bool heads_first = false; ///< at once: they have just come, and nothing may pass them by
    bool tc_will_do = false;  ///< where mode xdp is wanted and cannot be had
};

class Interfaces {
  public:
    using Attachments = std::map<std::uint32_t, std::unique_ptr<Attachment>>; // by ifindex

    /// => all outlive it.
    Interfaces(Host& host, Dependents& dependents, Schedule& schedule)
        : host_(host), dependents_(dependents), schedule_(schedule) {}
    Interfaces(const Interfaces&) = delete;
    Interfaces& operator=(const Interfaces&) = delete;
    Interfaces(Interfaces&&) = delete;
    Interfaces& operator=(Interfaces&&) = delete;
    ~Interfaces() { end(); }
    void tell(Events events) { events_ = std::move(events); }

    [[nodiscard]] const Attachments& all() const noexcept { return attachments_; }
    /// By the name that its head has; nothing: it is not attached.
    [[nodiscard]] const Attachment* find(std::string_view name) const;
    /// The interfaces of the host. One that is attached is called as its head is. anew: asks the kernel.
    [[nodiscard]] std::vector<config::HostInterface> host_interfaces(bool anew);

    // A change
    void set_manner(Manner manner) noexcept { manner_ = manner; }
    /// Attaches it, or makes what is attached so. ENODEV: there is no such interface.
    [[nodiscard]] core::Result<void> put(const config::Interface& interface);
    /// Until drop_leaving() it may be put again.
    void remove(const std::string& name);
    /// => hooks can run at the heads that are to come, which will ask those that are in force.
    [[nodiscard]] core::Result<void> bring_heads(WithoutHeads then);
    void drop_leaving();
    /// Whether it will be attached, and filtered, after the change. => it is attached now.
    [[nodiscard]] bool stays(std::uint32_t ifindex) const { return !leaving_.contains(ifindex); }
    [[nodiscard]] bool will_filter(const Attachment& attachment) const;
    /// Heads have come since it was asked last.
    [[nodiscard]] bool take_heads_came() { return std::exchange(heads_came_, false); }
    /// Tells all heads in which directions they divert.
    void set_diverts();
    /// Offloads that a daemon before has turned off: restored when the interface is detached.
    void remember_turned_off(const std::string& name, std::vector<std::string> offloads) {
        turned_off_before_.insert_or_assign(name, std::move(offloads));
    }

    // Heads of a killed daemon
    /// The name of an interface that has some; nothing: it has none.
    [[nodiscard]] std::optional<std::string> left_on(std::uint32_t ifindex) const;
    /// The index of an interface, if it has some.
    [[nodiscard]] std::optional<std::uint32_t> left_on(const std::string& name) const;
    /// Removes them from all interfaces but those that `spared` names. From now on what comes is new.
    void sweep_all(const std::set<std::string>& spared);
    [[nodiscard]] bool swept() const noexcept { return swept_; }
    /// Removes those that were spared.
    void sweep_spared();
    /// What is attached stays so: what heads took the place of is let go.
    void keep_all();
    /// Nothing of a killed daemon answers for an interface any more.
    [[nodiscard]] bool all_replaced() const;

    // By itself
    /// An announcement may be old by the time it is read, so it only says where to look.
    void look_at(std::uint32_t ifindex);
    void let_go(std::uint32_t ifindex);
    /// Announcements were lost.
    void look_at_all();
    void repair_all();
    void watch_lanes();
    /// Whether interfaces may come that are to be attached at once.
    void expect_more(bool any);

    /// Detaches all, in order. Afterwards only the destructor.
    void end() noexcept;

  private:
    [[nodiscard]] Attachments::iterator find_attached(std::string_view name);
    [[nodiscard]] std::uint64_t used_slots() const;
    [[nodiscard]] core::Result<std::uint8_t> free_slot(const std::string& interface, bool with_sockets);
    [[nodiscard]] core::Result<std::uint8_t> make_room(const std::string& interface, bool with_sockets);
    [[nodiscard]] core::Result<net::Link> link_of(const std::string& name);
    [[nodiscard]] core::Result<void> attach(const config::Interface& interface);
    [[nodiscard]] core::Result<std::unique_ptr<Attachment>> make(const net::Link& link, std::uint8_t slot,
                                                                 const config::Interface& interface);
    void keep_mode(Attachments::iterator attached);
    [[nodiscard]] core::Result<void> change_mode(Attachments::iterator attached, const config::Interface& interface);
    [[nodiscard]] core::Result<void> remake(std::uint32_t ifindex, const config::Interface& interface);
    void drop_gone(Attachments::iterator attached);
    void dropped(const std::vector<std::string>& heads);

    void look_at_attached(std::uint32_t ifindex);
    void look_at_other(std::uint32_t ifindex);
    void follow_names();
    void end_attachment(Attachments::iterator attached);
    void sweep(const net::Link& link);
    [[nodiscard]] bool remove_spared(std::uint32_t ifindex);
    [[nodiscard]] std::map<std::uint32_t, std::string> attached_names() const;
    void repair(Attachment& attachment);
    void end_repairs(const Attachment& attachment);

    void finish_soon();
    void finish_after(std::chrono::nanoseconds wait);
    void finish_next();
    void make_port(const Attachment& attachment);
    void take_port();
    void clear_up_gone();

    /// A port pair that is made beside.
    struct MakingPort {
        std::uint32_t ifindex = 0;
        std::uint32_t number = 0; ///< the attachment's
        std::shared_ptr<PortWork> work;
    };
    /// Of an interface that is gone. Its slot is its own.
    struct Going {
        std::unique_ptr<Attachment> attachment;
        bool clears_up = false;
    };

    Host& host_;
    Dependents& dependents_;
    Schedule& schedule_;
    Events events_;
    Attachments attachments_;
    std::map<std::uint32_t, Going> going_;                 ///< by number of the attachment
    std::map<std::uint32_t, sys::Repeats> failed_repairs_; ///< by number of the attachment
    sys::Repeats failed_looks_;
    Manner manner_;
    std::set<std::uint32_t> leaving_;                   ///< attached until drop_leaving()
    std::map<std::uint32_t, config::Interface> remade_; ///< to be attached in another mode by bring_heads()
    std::map<std::string, std::vector<std::string>> turned_off_before_;
    KnownInterfaces known_;
    bool expects_more_ = false;
    std::optional<MakingPort> making_;
    std::optional<Schedule::Clock::time_point> finish_since_; ///< something has been left to be finished
    bool heads_came_ = false;
    bool swept_ = false;               ///< before, what is there may be wanted
    std::set<std::uint32_t> spared_{}; ///< interfaces whose heads could not be replaced: better theirs than none
};

} // namespace pfild::interfaces
