// SPDX-License-Identifier: BSD-2-Clause
// The kernel half of an instance: its programs and maps, loaded once, and what the daemon writes into and reads from
// them. Control thread only.
//
// The programs outlive the daemon where they are attached (the heads), and so do the maps that they use: that is how
// the heads can go on passing or dropping when nobody is home.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/sys/fd.h"
#include "ebpf/place.h"
#include "pfild/abi.h"

struct bpf_map;
struct bpf_object;
struct pfild_bpf; // the skeleton, known to programs.cpp only

namespace pfild::kernel {

/// The number of a lane (pfild/abi.h).
[[nodiscard]] constexpr std::uint32_t lane(std::uint8_t slot, core::Direction direction) {
    return direction == core::Direction::in ? PFILD_LANE_IN(slot) : PFILD_LANE_OUT(slot);
}

class Programs {
  public:
    struct Options {
        std::uint32_t flows = 1; ///< entries of the flow table, at least 1
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

    [[nodiscard]] int head_fd(core::Direction direction) const;
    /// The program for p1 (packets that come back IN) or q1 (OUT).
    [[nodiscard]] int reentry_fd(core::Direction direction) const;
    [[nodiscard]] int port_up_fd() const;
    /// Sets the flow table's clock when it is run.
    [[nodiscard]] int set_clock_fd() const;

    // What the programs look up. Each replaces what was there.

    /// ifindex: not 0; what `interface` says of it is not looked at.
    [[nodiscard]] core::Result<void> set_interface(std::uint32_t ifindex, const pfild_interface& interface);
    void clear_interface(std::uint32_t ifindex);
    /// Both lanes of the slot have other secrets from now on; no copy stays here.
    [[nodiscard]] core::Result<void> renew_secrets(std::uint8_t slot);
    /// p1 or q1.
    [[nodiscard]] core::Result<void> set_stack_port(std::uint32_t ifindex, const pfild_port& port);
    /// p0 or q0; the index is of the private namespace.
    [[nodiscard]] core::Result<void> set_engine_port(std::uint32_t ifindex, const pfild_port& port);
    void clear_ports(std::uint32_t stack_ifindex, std::uint32_t engine_ifindex);
    [[nodiscard]] core::Result<void> set_socket(std::uint32_t lane, int socket_fd);
    void clear_socket(std::uint32_t lane);
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
    [[nodiscard]] int flow_slots_fd() const;
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
    [[nodiscard]] const bpf_map* chains(ebpf::Place place) const;
    /// The first cell in which heads look for an interface that holds `wanted`.
    [[nodiscard]] std::optional<std::uint32_t> cell_with(std::uint32_t ifindex, std::uint32_t wanted) const;

    pfild_bpf* skeleton_;
    sys::Fd life_; ///< an AF_XDP socket without a device: the kernel takes it out of its place when it closes
    std::array<pfild_interface, PFILD_INTERFACE_CELLS> cells_{}; ///< as the kernel has them
};

} // namespace pfild::kernel
