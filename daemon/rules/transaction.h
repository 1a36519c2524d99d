// SPDX-License-Identifier: BSD-2-Clause
// The one way from the model in force to another: altogether or not at all.
//
//     check    config/edit, config/source: what the next model is
//     write    the next model beside the running one; what cannot be recorded is refused
//     prepare  each action of the difference, with nothing in force yet
//     allowed  the lock-out guard is asked, if somebody made the change
//     commit   the kept model is exchanged, then everything goes live
//
//     write --fails--> nothing has happened
//     prepare --fails--> what was prepared is taken back
//     commit --fails--> the kept model is exchanged back, what went live is taken back
//
// So a daemon that is killed is followed by one that has the old model or the new one, whole: before the exchange the
// old one, after it the new one. A change that only makes the host safer or reachable (Unrecorded::kGoesOn) is not
// refused for want of space: it goes through, and Outcome::recorded says that it will be forgotten.
//
// What is wanted is a model with alternative names and patterns; what runs are the interfaces that it means at the
// moment, by the kernel's names (config/guarded.h). look_again() makes one follow the other when interfaces come, go or
// change their names.
//
// An interface of the files that is not there is waited for. So is one that could not be taken over, and that heads of
// the killed daemon guard meanwhile; and one that a pattern means and that cannot be attached. None of them keeps
// another from being guarded.
//
// A model may be in force on trial. The kept model then has the one before, too, so the trial ends in time also if the
// daemon is killed meanwhile.
//
// Control thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/change.h"
#include "config/guarded.h"
#include "config/model.h"
#include "core/error.h"
#include "daemon/rules/kept_model.h"
#include "daemon/rules/world.h"

namespace pfild::rules {

/// What becomes of a change that cannot be recorded.
enum class Unrecorded : std::uint8_t { kRefused, kGoesOn };

struct Outcome {
    config::Change change; ///< that was made
    bool recorded = true;
    std::string because; ///< it is not recorded
};

class Transaction {
  public:
    /// => both outlive it. `boot` is the kernel's boot id.
    Transaction(World& world, Store& store, std::string boot) : world_(world), store_(store), boot_(std::move(boot)) {}

    /// The model in force.
    [[nodiscard]] const config::Model& model() const { return model_; }
    /// Digest of the files that its items of owner `file` came from.
    [[nodiscard]] const std::string& files() const { return files_; }
    /// Interfaces that are wanted, and not guarded: they are not there, or why they cannot be attached.
    [[nodiscard]] const std::map<std::string, std::string>& waited_for() const { return waited_for_; }
    /// Whether an interface that is made now could be wanted.
    [[nodiscard]] bool expects_more() const;
    /// The item by which an attached interface is wanted; nothing: it is not attached.
    [[nodiscard]] std::string item_of(const std::string& interface) const;
    /// Interfaces and links by the kernel's names.
    [[nodiscard]] const config::Model& guarded() const { return here_; }

    /// Nothing: the model in force is there to stay.
    [[nodiscard]] const std::optional<Trial>& trial() const { return trial_; }

    struct How {
        Unrecorded unrecorded = Unrecorded::kRefused;
        Promises promises = Promises::kKept;
        WithoutXdp without_xdp = WithoutXdp::kRefused;
        std::string files;          ///< the next digest; empty: as before
        std::optional<Trial> trial; ///< the next model is on trial, in place of an earlier trial
        bool ends_trial = false;
        /// Asked when all is prepared and nothing is in force; an error ends the change. Empty: nobody is asked.
        std::function<core::Result<void>()> allowed;
    };
    /// => `next` is in order, without flaws. On an error the old model is in force, and kept.
    [[nodiscard]] core::Result<Outcome> change(const config::Model& next, const How& how);
    /// The model in force is there to stay. An error: that cannot be recorded, and the trial goes on.
    [[nodiscard]] core::Result<void> end_trial();
    /// What the daemon before had on trial. => nothing is in force yet.
    void resume(std::optional<Trial> trial) { trial_ = std::move(trial); }

    /// The first model of a daemon: what cannot be had of it is left out and told to `refused`, as the alternative
    /// would be no rules at all. => nothing is in force yet.
    using Refused = std::function<void(const core::Error& error)>;
    void begin(const config::Model& first, const std::string& files, const Refused& refused);

    /// Makes what runs follow what interfaces there are now. seen: one that has come or has changed, which is tried
    /// again if it could not be attached; nothing: all are.
    [[nodiscard]] core::Result<void> look_again(const std::optional<std::string>& seen);
    /// An interface has gone, or is called otherwise now; the world knows already.
    [[nodiscard]] core::Result<void> gone(const std::string& interface);
    [[nodiscard]] core::Result<void> renamed(const std::map<std::string, std::string>& names);

    /// Writes the kept model anew, if attaching has changed what a successor must know.
    [[nodiscard]] core::Result<void> update_kept_model();

  private:
    [[nodiscard]] core::Result<void> write(const config::Model& model, const config::Model& there,
                                           const std::string& files, const std::optional<Trial>& trial);
    [[nodiscard]] core::Result<void> replace_kept_model(const config::Model& model);
    [[nodiscard]] core::Result<void> commit(bool recorded, Promises promises);
    [[nodiscard]] core::Result<void> put(const config::Interface& interface, const config::Model& target);
    [[nodiscard]] core::Result<void> set_links(const std::string& head, const config::Model& target);
    [[nodiscard]] std::vector<config::Interface>
    begin_interfaces(const config::Model& first, const std::vector<config::HostInterface>& host_interfaces,
                     const Refused& refused);
    [[nodiscard]] core::Result<config::Guarded> see(const config::Model& next, const config::Change& change);
    void spare(config::Guarded& seen) const;
    void take_as_seen(config::Guarded seen);
    [[nodiscard]] bool may_wait(const std::string& interface, const core::Error& why) const;

    class Bring;

    World& world_;
    Store& store_;
    std::string boot_;
    config::Model model_;
    std::string files_;
    std::optional<Trial> trial_;
    config::Model there_;                           ///< by the kernel's names, what of it is there
    config::Model here_;                            ///< and what of that runs; neither has hooks
    std::map<std::string, std::string> items_;      ///< of those interfaces, and of those that are being attached
    std::map<std::string, std::string> cannot_;     ///< why an interface that is there is not attached
    std::map<std::string, std::string> waited_for_; ///< those, and what is not there
    bool all_or_nothing_ = true;                    ///< of the change that is made
    std::vector<Attached> written_;                 ///< in the text that was put beside the one in force
    std::vector<Attached> recorded_;                ///< in the text in force
};

} // namespace pfild::rules
