// SPDX-License-Identifier: BSD-2-Clause
// Whether rules that are to come would cut a connection that they let pass now. The rules are asked as the engine asks
// them, with no consequence: the same walk past the same hooks.
//
// Control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/buffer_pool.h"
#include "core/direction.h"
#include "core/pfil/run_heads.h"
#include "core/pfil/snapshot.h"
#include "daemon/guard/choose.h"
#include "daemon/guard/packets.h"

namespace pfild::guard {

/// An interface that is attached now, or will be. Its slot in the rules; nothing: no rule is asked about its packets.
struct Place {
    std::string name;
    std::optional<std::uint8_t> now;
    std::optional<std::uint8_t> next;
};

/// The slot of an awaited interface in the rules that it will have.
inline constexpr std::uint8_t kAwaitedSlot = 0;

/// An interface that is to be attached as soon as that can be, and is not yet.
struct Awaited {
    std::string name;
    std::optional<std::uint32_t> ifindex;        ///< nothing: there is none of that name
    std::shared_ptr<const core::Snapshot> rules; ///< as they will be there
};

/// The rules in force, and those that are to come.
struct Prospect {
    std::shared_ptr<const core::Snapshot> now;
    std::shared_ptr<const core::Snapshot> next;
    std::map<std::uint32_t, Place> interfaces; ///< by ifindex
    std::vector<Awaited> awaited{};            ///< those whose rules the change is about

    /// Whether a packet of any interface that is there could be dropped by a rule that it does not meet now.
    [[nodiscard]] bool asks_others() const;
};

/// A packet that would be dropped, and by whom.
struct Cut {
    std::string_view what; ///< "its next segment"
    core::Direction direction = core::Direction::kIn;
    std::string interface;
    std::string hook;
    std::string head;
};

class Judge {
  public:
    Judge();

    /// The first packet of the connection that the rules to come drop, and those in force do not. Nothing: none.
    [[nodiscard]] std::optional<Cut> cut(const Prospect& prospect, const Watched& watched,
                                         const std::vector<Way>& ways);
    /// The same, if it came by an interface that is awaited.
    [[nodiscard]] std::optional<Cut> cut_at(const Awaited& awaited, const Watched& watched, const Way& way);

  private:
    struct Meets {
        const core::Snapshot& now;
        const core::Snapshot& next;
        Place place;
    };
    [[nodiscard]] std::optional<Cut> cut_at(const Meets& meets, const Watched& watched, const Way& way);
    [[nodiscard]] core::Stopped stopped(const core::Snapshot& rules, std::optional<std::uint8_t> slot, const Way& way,
                                        const Packet& packet);

    std::vector<std::uint8_t> memory_; ///< for the one packet that is looked at
    core::BufferPool pool_;
};

} // namespace pfild::guard
