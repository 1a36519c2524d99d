// SPDX-License-Identifier: BSD-2-Clause
// The heads, the hooks and the links of one instance, and what may be done with them (contract PF-01 to PF-09, PF-11,
// PF-20, PF-28 to PF-32, PF-34).
//
// A change is checked whole before anything is touched, so it happens altogether or not at all. A change of what runs
// builds a new Snapshot and publishes it; when the call returns, a hook that was unlinked never runs again, and one
// that was linked runs for every packet that the engine takes up from now on. Between hold() and release() many changes
// become one.
//
// Control thread only. The registry owns the heads and shares the hooks with the snapshots; the publisher outlives it.
// Errors say what to do; their codes are those of pfil(9), see each function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/direction.h"
#include "core/error.h"
#include "core/pfil/hook.h"
#include "core/pfil/snapshot.h"

namespace pfild::core {

inline constexpr std::size_t kMaxNameLength = 63; ///< of a head, a module, the name behind it (PF-01)
inline constexpr std::size_t kMaxHooks = 1024;    ///< of an instance

/// Where new snapshots go.
class SnapshotPublisher {
  public:
    virtual ~SnapshotPublisher() = default;
    /// Makes `snapshot` the current one. Returns when nobody uses an older one any more (PF-03, PF-11).
    virtual void publish(std::shared_ptr<const Snapshot> snapshot) = 0;
};

struct HeadSpec {
    std::string name; ///< 1 to kMaxNameLength visible ASCII characters
    HeadType type = HeadType::kEthernet;
    Directions directions = Directions::both(); ///< what can be linked here
    std::optional<std::uint8_t> slot;           ///< of the interface whose head it is; the type is then ethernet
};

struct LinkRequest {
    std::string hook;
    std::string head;
    Directions directions;
    bool append = false; ///< furthest from the wire instead of nearest (PF-20)

    friend bool operator==(const LinkRequest&, const LinkRequest&) = default;
};

struct HeadInfo {
    std::string name;
    HeadType type = HeadType::kEthernet;
    Directions directions;
    std::optional<std::uint8_t> slot;
    std::array<std::vector<std::string>, kDirections> hooks; ///< by direction, in run order
};

struct HookLink {
    std::string head;
    Direction direction = Direction::kIn;

    friend bool operator==(const HookLink&, const HookLink&) = default;
};

struct HookInfo {
    std::string name;
    HeadType type = HeadType::kEthernet;
    std::string module;
    Answers answers;
    RunsIn runs_in = RunsIn::kAutomatic;
    UpkeepClasses upkeep = 0; ///< that it is asked about
    std::optional<ProgramInfo> program;
    HookTally tally;
    HookCost cost;
    std::vector<HookLink> links;
};

/// The hooks that packets of one interface and direction can meet, each list in run order.
struct LaneHooks {
    using Hooks = std::vector<std::shared_ptr<Hook>>;
    Hooks link; ///< of heads that show frames: IN the interface's, then `ethernet`; OUT the reverse
    Hooks inet;
    Hooks inet6;
};

class Registry {
  public:
    /// => `publisher` outlives the registry.
    explicit Registry(SnapshotPublisher& publisher) : publisher_(publisher) {}
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;
    /// Ends all links first (PF-27).
    ~Registry();

    /// Snapshots are numbered: the next one gets the number after this.
    void set_generation(std::uint32_t generation) { generation_ = generation; }

    /// EINVAL: name, slot or its type. EEXIST: name taken, or there is such a filtering point (PF-02).
    [[nodiscard]] Result<void> register_head(HeadSpec spec);
    /// Its links end, its hooks live on; returns after the last of them has returned (PF-03). ENOENT.
    [[nodiscard]] Result<void> unregister_head(std::string_view name);
    /// Gives a head another name; its links stay. ENOENT, EINVAL, EEXIST as above.
    [[nodiscard]] Result<void> rename_head(std::string_view from, std::string to);

    /// EINVAL: its name is not `MODULE:NAME`. EEXIST: the name is taken (PF-07). ENOBUFS: kMaxHooks are there.
    [[nodiscard]] Result<void> add_hook(std::shared_ptr<Hook> hook);
    /// In place of the hook of that name, with its links. ENOENT; EINVAL: the types differ, and it is linked.
    [[nodiscard]] Result<void> replace_hook(std::shared_ptr<Hook> hook);
    /// Unlinks it everywhere first; it never runs again after the return (PF-11). ENOENT.
    [[nodiscard]] Result<void> remove_hook(std::string_view name);

    /// Checked in this order: EINVAL no direction (PF-09); ENOENT no such head or hook; EINVAL types differ, head lacks
    /// a direction; EEXIST already linked in a direction (PF-29).
    [[nodiscard]] Result<void> link(const LinkRequest& request);
    /// Ends the links in the directions given; `append` says nothing here. EINVAL no direction; ENOENT no such head or
    /// hook, or linked in none of the directions (PF-30).
    [[nodiscard]] Result<void> unlink(const LinkRequest& request);
    /// All links of a head in one direction at once: `hooks` in run order. ENOENT, EINVAL, EEXIST as link().
    [[nodiscard]] Result<void> set_run_order(std::string_view head, Direction direction,
                                             const std::vector<std::string>& hooks);

    /// In the order of registration.
    [[nodiscard]] std::vector<HeadInfo> heads() const;
    [[nodiscard]] std::vector<HookInfo> hooks() const;
    /// The hooks themselves.
    [[nodiscard]] const std::vector<std::shared_ptr<Hook>>& all_hooks() const { return hooks_; }
    /// The two-step list (PF-32): fills as much of `out` as it can, returns how many there are.
    [[nodiscard]] std::size_t list_heads(std::span<HeadInfo> out) const;
    [[nodiscard]] std::size_t list_hooks(std::span<HookInfo> out) const;
    /// One head by name, or by what it is; nothing when there is none (PF-04).
    [[nodiscard]] std::optional<HeadInfo> find_head(std::string_view name) const;
    [[nodiscard]] std::optional<HeadInfo> find_head(HeadKey key) const;
    [[nodiscard]] std::optional<HookInfo> find_hook(std::string_view name) const;
    /// As they are linked now, held back or not.
    [[nodiscard]] LaneHooks hooks_of(std::uint8_t slot, Direction direction) const;
    /// From here to release() changes are made as ever but publish nothing: the engine goes on with the snapshot of
    /// now, so what is promised "when the call returns" is promised of release(). Not nested.
    void hold();
    /// Publishes all that changed since hold() as one snapshot: a packet meets all of it or nothing (PF-17).
    void release();
    /// While it is set, packets of every interface and direction meet this hook and no other. Heads, hooks and links
    /// stay as they are, and can be changed. nullptr: they meet what is linked. => it is for frames.
    void set_only(std::shared_ptr<Hook> hook);
    /// The rules that the engine has.
    [[nodiscard]] const std::shared_ptr<const Snapshot>& in_force() const { return current_; }
    /// The rules that release() would give it.
    [[nodiscard]] std::shared_ptr<const Snapshot> held() const {
        return changed_ && held_ ? std::shared_ptr<const Snapshot>(snapshot()) : current_;
    }

    /// What is linked, in force and as release() would put it in force, whether set_only() hides it or not. A hook that
    /// is set only since hold() counts as what release() would give.
    [[nodiscard]] const std::shared_ptr<const Snapshot>& linked_in_force() const { return linked_; }
    [[nodiscard]] std::shared_ptr<const Snapshot> linked_to_come() const;

    /// Whether any hook can see a packet of that interface and direction (PF-26), by the rules that are in force.
    /// => slot < kInterfaceSlots.
    [[nodiscard]] bool hooked(std::uint8_t slot, Direction direction) const {
        return current_->hooked(slot, direction);
    }

    /// What some hook on the way is asked about of what keeps the link up. => as above.
    [[nodiscard]] AskedUpkeep asked_upkeep(std::uint8_t slot) const { return current_->asked_upkeep(slot); }

  private:
    using RunOrder = std::vector<std::shared_ptr<Hook>>;
    struct Head {
        HeadSpec spec;
        std::array<RunOrder, kDirections> run_orders; ///< of each direction
    };

    /// The two ends of a link.
    struct Ends {
        Head* head;
        std::shared_ptr<Hook> hook;
    };
    [[nodiscard]] Result<Ends> find_ends(const char* what, const LinkRequest& request);
    [[nodiscard]] Head* head_named(std::string_view name);
    [[nodiscard]] std::shared_ptr<Hook> hook_named(std::string_view name) const;
    [[nodiscard]] static HeadInfo describe(const Head& head);
    [[nodiscard]] HookInfo describe(const Hook& hook) const;
    [[nodiscard]] std::shared_ptr<Snapshot> snapshot() const;
    [[nodiscard]] std::shared_ptr<Snapshot> linked() const;
    void publish();

    SnapshotPublisher& publisher_;
    std::vector<Head> heads_;
    std::vector<std::shared_ptr<Hook>> hooks_;
    std::shared_ptr<Hook> only_; ///< nullptr: none
    std::shared_ptr<const Snapshot> current_ = std::make_shared<const Snapshot>();
    std::shared_ptr<const Snapshot> linked_ = current_; ///< what current_ would be without only_
    std::uint32_t generation_ = 0;
    bool held_ = false;
    bool changed_ = false; ///< while held
};

} // namespace pfild::core
