// SPDX-License-Identifier: BSD-2-Clause
// The kernel half of an instance: its maps and those of its programs that belong to no interface, loaded once, and what
// the daemon writes into and reads from them. Heads are loaded for each attachment (head_programs.h, xdp_head.h).
// Control thread only.
//
// The programs outlive the daemon where they are attached (the heads), and so do the maps that they use: that is how
// the heads can go on passing or dropping when they are unattended.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/kernel/identity.h"
#include "daemon/sys/fd.h"
#include "ebpf/place.h"
#include "pfild/abi.h"

struct bpf_map;
struct bpf_object;
struct pfild_bpf; // the skeleton, known to programs.cpp only

namespace pfild::kernel {

/// The number of a lane (pfild/abi.h).
[[nodiscard]] constexpr std::uint32_t lane(std::uint8_t slot, core::Direction direction) {
    return direction == core::Direction::kIn ? PFILD_LANE_IN(slot) : PFILD_LANE_OUT(slot);
}

class Programs {
  public:
    struct Options {
        pfild_identity identity{}; ///< of this run
        std::uint32_t flows = 1;   ///< entries of the flow table, at least 1
        /// Where the flow table's maps are pinned, a folder on a BPF file system that is there; maps of the same shape
        /// are taken over from there. Empty: nowhere.
        std::string pin_folder;
        std::uint32_t tap_bytes = 4096; ///< of the tap's ring: a power of two, at least a page
    };
    /// Loads and verifies everything; attaches nothing.
    [[nodiscard]] static core::Result<std::unique_ptr<Programs>> load(const Options& options);
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    ~Programs();

    /// What programs of this run say of themselves; of an attachment's heads, with that.
    [[nodiscard]] const pfild_identity& identity() const { return identity_; }
    [[nodiscard]] pfild_identity identity(std::uint8_t slot, std::uint32_t attachment) const;
    [[nodiscard]] const SignOfLife& sign_of_life() const { return *sign_of_life_; }
    /// The program for p1 (packets that come back IN) or q1 (OUT).
    [[nodiscard]] int reentry_fd(core::Direction direction) const;
    [[nodiscard]] int port_up_fd() const;
    /// The IN head goes on there with what the XDP head has let pass.
    [[nodiscard]] int unmark_fd() const;
    /// Sets the flow table's clock when it is run.
    [[nodiscard]] int set_clock_fd() const;

    // What the programs look up. Each replaces what was there.

    /// By slot.
    [[nodiscard]] core::Result<void> set_interface(const pfild_interface& interface);
    /// Heads that act by this slot do nothing from now on.
    void clear_interface(std::uint8_t slot);
    /// Both lanes of the slot have other secrets from now on; no copy stays here.
    [[nodiscard]] core::Result<void> renew_secrets(std::uint8_t slot);
    /// Of the secrets, the XDP head's mark: packets that carry the old one are decided once more.
    [[nodiscard]] core::Result<void> renew_mark(std::uint8_t slot);
    /// p1 or q1.
    [[nodiscard]] core::Result<void> set_stack_port(std::uint32_t ifindex, const pfild_port& port);
    /// p0 or q0; the index is of the private namespace.
    [[nodiscard]] core::Result<void> set_engine_port(std::uint32_t ifindex, const pfild_port& port);
    void clear_ports(std::uint32_t stack_ifindex, std::uint32_t engine_ifindex);
    [[nodiscard]] core::Result<void> set_socket(std::uint32_t lane, int socket_fd);
    void clear_socket(std::uint32_t lane);
    /// The engine's heartbeat, in memory that heads read; good as long as this object.
    [[nodiscard]] pfild_beat& beat() const { return *beat_; }
    /// From now on heads know that the daemon lives, until this object or the process ends.
    [[nodiscard]] core::Result<void> show_life();
    /// queue: below PFILD_MAX_QUEUES.
    [[nodiscard]] core::Result<void> set_queue_socket(std::uint8_t slot, std::uint32_t queue, int socket_fd);
    void clear_queue_socket(std::uint8_t slot, std::uint32_t queue);

    /// The chain that heads ask about packets of a lane (pfild/chain.h), if their interface's flags say so.
    [[nodiscard]] core::Result<void> set_chain(ebpf::Place place, std::uint32_t lane, int program_fd);
    void clear_chain(ebpf::Place place, std::uint32_t lane);
    /// Whether the kernel lets heads call it: a program must be loaded as those are that are there already.
    [[nodiscard]] bool takes_chain(ebpf::Place place, int program_fd) const;
    /// Where chains are found; they are there as long as anybody holds it, or has it pinned.
    [[nodiscard]] int chains_fd(ebpf::Place place) const;

    /// Makes the maps of another object, which is not loaded yet, these ones, by name.
    [[nodiscard]] core::Result<void> lend_maps(bpf_object* other) const;

    // The maps of the flow table and the tap; the descriptors are good as long as this object.

    [[nodiscard]] int flow_index_fd() const;
    [[nodiscard]] int flow_entries_fd() const;
    [[nodiscard]] int flow_state_fd() const;
    [[nodiscard]] int tap_ring_fd() const;
    [[nodiscard]] std::uint32_t tap_ring_bytes() const;
    [[nodiscard]] int tap_state_fd() const;
    [[nodiscard]] int tap_filters_fd(ebpf::Place place) const;
    [[nodiscard]] int tap_skipped_fd() const;

    /// Sums over all processors.
    [[nodiscard]] pfild_counters counters(std::uint8_t slot, core::Direction direction) const;
    void reset_counters(std::uint8_t slot);

  private:
    explicit Programs(pfild_bpf* skeleton);
    [[nodiscard]] core::Result<void> map_beat();
    [[nodiscard]] core::Result<void> sign_programs();
    [[nodiscard]] const bpf_map* chains(ebpf::Place place) const;

    pfild_bpf* skeleton_;
    pfild_beat* beat_ = nullptr; ///< a page
    sys::Fd life_; ///< an AF_XDP socket without a device: the kernel takes it out of its place when it closes
    pfild_identity identity_{};
    std::optional<SignOfLife> sign_of_life_;
    std::array<pfild_interface, PFILD_MAX_INTERFACES> interfaces_{}; ///< as the kernel has them
};

} // namespace pfild::kernel
