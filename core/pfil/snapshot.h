// SPDX-License-Identifier: BSD-2-Clause
// What the engine runs: for each head and direction the hooks in run order, frozen (contract PF-11, PF-17, PF-20).
//
// The control thread fills a Snapshot and then gives it away as const: from there on it never changes, and the engine
// reads it without a lock. It keeps its hooks alive; it is destroyed on the control thread, after the engine has let go
// of it (see publication.h).
//
//      run_order(inet | inet6 | ethernet, in | out)     one of each in an instance
//      run_order(slot, in | out)                        one for each attached interface, slot 0 to 63
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/direction.h"
#include "core/pfil/hook.h"
#include "pfild/abi.h"

namespace pfild::core {

inline constexpr std::uint8_t kInterfaceSlots = PFILD_MAX_INTERFACES;
static_assert(kInterfaceSlots <= 64, "a bit for each slot");

/// Which filtering point (PF-05): the instance's one of that type, or that of the interface in a slot.
struct HeadKey {
    HeadType type = HeadType::kEthernet;
    std::optional<std::uint8_t> slot; ///< < kInterfaceSlots; the type is then ethernet

    friend bool operator==(const HeadKey&, const HeadKey&) = default;
};

class Snapshot {
  public:
    /// Hooks in run order.
    using RunOrder = std::span<Hook* const>;

    /// Sets the run order of a head; the last word for that head and direction. Before the snapshot is given away.
    void set_run_order(HeadKey key, Direction direction, std::span<const std::shared_ptr<Hook>> hooks);

    [[nodiscard]] RunOrder run_order(HeadType type, Direction direction) const noexcept {
        return by_type_[index(direction)][index(type)];
    }
    /// => slot < kInterfaceSlots.
    [[nodiscard]] RunOrder run_order(std::uint8_t slot, Direction direction) const noexcept {
        return by_slot_[index(direction)][slot];
    }

    /// What keeps the link up, and a hook on the way is asked about. => slot < kInterfaceSlots.
    [[nodiscard]] AskedUpkeep asked_upkeep(std::uint8_t slot) const noexcept;

    /// Which rules these are; newer ones have a higher number, modulo 2^32. Before it is given away.
    void set_generation(std::uint32_t generation) { generation_ = generation; }
    [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }

    /// Whether a packet of that interface and direction can meet any hook: if not, there is nothing to divert it for
    /// (PF-26). Constant time. => slot < kInterfaceSlots.
    [[nodiscard]] bool hooked(std::uint8_t slot, Direction direction) const noexcept {
        return types_hooked_[index(direction)] != 0 || ((slots_hooked_[index(direction)] >> slot) & 1U) != 0;
    }

  private:
    using Hooks = std::vector<Hook*>;

    std::array<std::array<Hooks, kHeadTypes>, kDirections> by_type_;
    std::array<std::array<Hooks, kInterfaceSlots>, kDirections> by_slot_;
    std::array<std::uint64_t, kDirections> types_hooked_{}; ///< bit: HeadType
    std::array<std::uint64_t, kDirections> slots_hooked_{}; ///< bit: slot
    std::vector<std::shared_ptr<Hook>> alive_;
    std::uint32_t generation_ = 0;
};

} // namespace pfild::core
