// SPDX-License-Identifier: BSD-2-Clause
// What a transaction changes: heads, hooks and run orders as they are. The orchestrator is one; in tests a table is
// one, which fails where it is told to.
//
//     prepare()   from here what is asked for is made ready, and packets meet what they met before
//     ..          interfaces, hooks and run orders as they are to be
//     go_live()   all of it is in force, or an error: then the transaction takes the rest back and goes live again
//
// Control thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/guarded.h"
#include "config/model.h"
#include "core/error.h"

namespace pfild::rules {

/// What a successor must know of an attached interface beside what is wanted.
struct Attached {
    std::string name;
    std::uint32_t ifindex = 0;           ///< it may have another name by then
    std::vector<std::string> turned_off; ///< offloads that are off because of the attachment

    friend bool operator==(const Attached&, const Attached&) = default;
};

/// What is to be done about a hook that is to run in the kernel, and cannot.
enum class Promises : std::uint8_t {
    kKept,  ///< the change is refused
    kTried, ///< it runs in the engine, which answers the same; that is logged
};

/// What is to be done where mode xdp is wanted and cannot be had.
enum class WithoutXdp : std::uint8_t {
    kRefused, ///< whoever asks is told, and can do without it
    kUsesTc,  ///< nobody is there to be told: an error would leave the interface open
};

/// Of interfaces that are attached in a change.
enum class HeadsCome : std::uint8_t {
    kLast, ///< when the change goes live
    kFirst ///< at once: it has just come, and nothing may pass it by
};

/// How the interfaces of the host are looked up.
enum class Look : std::uint8_t {
    kAnew,   ///< asks the kernel
    kAsKnown ///< as they were announced
};

class World {
  public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    World(World&&) = delete;
    World& operator=(World&&) = delete;
    virtual ~World() = default;

    /// May be called again before go_live().
    virtual void prepare(WithoutXdp without_xdp, HeadsCome heads) = 0;
    [[nodiscard]] virtual core::Result<void> go_live(Promises promises) = 0;

    /// The interfaces of the host. One that is attached is called as its head is.
    [[nodiscard]] virtual std::vector<config::HostInterface> host_interfaces(Look look) = 0;
    /// Is there a head of that name, to which hooks can be linked?
    [[nodiscard]] virtual bool has_head(const std::string& name) const = 0;
    /// Is it guarded by heads of a daemon that was killed, and not attached?
    [[nodiscard]] virtual bool has_left_heads(const std::string& interface) const = 0;
    /// Attaches it, or makes what is attached so. ENODEV: there is no such interface.
    [[nodiscard]] virtual core::Result<void> put_interface(const config::Interface& interface) = 0;
    /// Detaches it when the change goes live, or removes what a killed daemon has left on it; until then it may be put
    /// again. Nothing if there is nothing of it.
    virtual void remove_interface(const std::string& name) = 0;

    /// A new one, or another in place of that of the same name and type, which keeps its links.
    [[nodiscard]] virtual core::Result<void> put_hook(const config::Hook& hook) = 0;
    /// With its links. Nothing if there is none.
    virtual void remove_hook(const std::string& name) = 0;
    [[nodiscard]] virtual core::Result<void> set_run_order(const std::string& head, core::Direction direction,
                                                           const std::vector<std::string>& hooks) = 0;

    /// All packets are dropped, or they meet the rules.
    virtual void set_panic(bool on) = 0;

    /// Of the interfaces of the model, by the kernel's names, that are there, attached or not.
    [[nodiscard]] virtual std::vector<Attached> attached(const config::Model& model) const = 0;
};

} // namespace pfild::rules
