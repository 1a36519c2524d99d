// SPDX-License-Identifier: BSD-2-Clause
// Where programs sit: the two TC heads of an interface, and the programs of a port. By TCX where the kernel has it, on
// a clsact qdisc otherwise. Control thread; every call is for the namespace that the calling thread is in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/kernel/clsact.h"
#include "daemon/kernel/found_heads.h"
#include "daemon/kernel/head_programs.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel {

/// For whom heads are.
struct HeadsSpec {
    std::uint32_t ifindex = 0;
    std::uint8_t slot = 0;
    std::uint32_t attachment = 0; ///< pfild_interface
    bool tcx_wanted = true;       ///< by TCX where the kernel has it; otherwise on clsact
    bool partly = false;          ///< a direction that cannot be had is no reason to do without the other: missing()
};

/// The heads of one interface. Not RAII on purpose: they stay when the daemon dies, and go when it detaches.
class Heads {
  public:
    /// Attaches both, or takes over those of this run or of a killed daemon; nothing passes unseen in between. On an
    /// error what was there is there.
    /// ready: programs for that slot and attachment; nothing: they are loaded now, which takes some 25 ms.
    /// => may_attach() has succeeded.
    [[nodiscard]] static core::Result<Heads> attach(const Programs& programs, const HeadsSpec& spec,
                                                    std::optional<HeadPrograms> ready = std::nullopt);
    /// Why there is but one.
    [[nodiscard]] const std::optional<core::Error>& missing() const { return missing_; }

    /// Lets go what they took the place of, and removes others of this run or of a killed daemon that are there still.
    void keep(const pfild_identity& self) noexcept;
    /// Removes both; before keep(), what they took the place of is put back. A device that is gone is no error.
    void detach() const noexcept;
    /// Both still there? Somebody with the right to may remove them.
    [[nodiscard]] bool intact() const;

    /// Programs that packets meet before ours, "tcx ingress: name (12)"; a qdisc's or the driver's own are none.
    [[nodiscard]] std::vector<std::string> in_front() const;
    /// Puts both before all others, again without a gap. EBUSY: something is there that cannot be preceded. EAGAIN:
    /// something came in front meanwhile.
    [[nodiscard]] core::Result<void> move_to_front(const Programs& programs);

    /// "tcx ingress", "tc egress pref 1".
    [[nodiscard]] std::string place(core::Direction direction) const;

  private:
    struct Seat {
        std::uint32_t program = 0;            ///< the kernel's number; 0: none
        std::optional<clsact::Filter> filter; ///< on clsact
    };

    Heads(const HeadsSpec& spec, bool tcx) : spec_(spec), tcx_(tcx) {}
    [[nodiscard]] std::vector<FoundHead>::const_iterator found(core::Direction direction,
                                                               const std::vector<FoundHead>& before) const;
    void guard_meanwhile(const HeadPrograms& programs);
    [[nodiscard]] core::Result<void> attach_one(core::Direction direction, const HeadPrograms& programs,
                                                const std::vector<FoundHead>& before);
    [[nodiscard]] core::Result<void> attach_new(core::Direction direction, const HeadPrograms& programs,
                                                const std::vector<FoundHead>& before);
    [[nodiscard]] core::Result<void> replace(core::Direction direction, const HeadPrograms& programs,
                                             const FoundHead& old);
    [[nodiscard]] core::Result<Seat> put_first(core::Direction direction, const HeadPrograms& programs,
                                               bool own_qdisc) const;
    [[nodiscard]] bool seated(core::Direction direction) const;
    void leave(core::Direction direction, const Seat& seat) const noexcept;
    [[nodiscard]] bool put_back(core::Direction direction) const noexcept;
    [[nodiscard]] std::vector<std::string> in_front(core::Direction direction) const;
    [[nodiscard]] bool has(std::uint32_t program) const;
    [[nodiscard]] Seat& seat_of(core::Direction direction) { return seats_[core::index(direction)]; }
    [[nodiscard]] const Seat& seat_of(core::Direction direction) const { return seats_[core::index(direction)]; }

    HeadsSpec spec_;
    bool tcx_;
    std::array<Seat, core::kDirections> seats_{};
    std::array<sys::Fd, core::kDirections> replaced_; ///< the programs that were there, until keep()
    std::optional<core::Error> missing_;
    std::optional<clsact::Filter> meanwhile_; ///< of the outgoing head, until keep()
};

/// The program at the ingress of p1 or q1. Goes with the device: on clsact in any case, as the end of a device with TCX
/// waits for all processors, each one's anew when many end together (32 of them: 0.43 s against 0.04 s).
[[nodiscard]] core::Result<void> attach_reentry(std::uint32_t ifindex, core::Direction direction,
                                                const Programs& programs);
[[nodiscard]] bool reentry_intact(std::uint32_t ifindex, core::Direction direction, const Programs& programs);
/// Native XDP of p0 or q0. Goes with the device.
[[nodiscard]] core::Result<void> attach_port_up(std::uint32_t ifindex, int program_fd);

} // namespace pfild::kernel
