// SPDX-License-Identifier: BSD-2-Clause
// Whose a program in the kernel is (pfild/identity.h): read through the maps that the program uses, never from its
// name or its place. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/netns.h"
#include "pfild/identity.h"

struct bpf_object;

namespace pfild::kernel {

/// This run of the daemon, guarding that namespace. `instance`: shorter than the room for it.
/// runtime_folder: where its running model is. Instances of one name in mount namespaces of their own are told apart by
/// its file system.
[[nodiscard]] core::Result<pfild_identity> identity_of_run(const std::string& instance, const sys::NetNs& netns,
                                                           const std::string& runtime_folder);

/// Makes `identity` what the programs of an object say, which is not loaded yet.
[[nodiscard]] core::Result<void> give_identity(bpf_object* object, const pfild_identity& identity);

/// What tells that the daemon lives, to whoever finds a program of it, in whatever namespaces: a map with a socket in
/// it. The kernel takes the socket out when the daemon ends, however it ends.
class SignOfLife {
  public:
    [[nodiscard]] static core::Result<SignOfLife> make();
    /// => The program is loaded.
    [[nodiscard]] core::Result<void> give_to(int program_fd) const;

  private:
    SignOfLife() = default;

    sys::Fd map_;
    std::array<sys::Fd, 2> sockets_; ///< of which the first is in the map
};

struct Owner {
    pfild_identity identity{};
    bool living = false;
    std::uint32_t beat_s = 0; ///< pfild_flow_state

    /// "instance 'x' (process 12)"
    [[nodiscard]] std::string words() const;
};

/// Whether programs of two owners belong to one run of a daemon.
[[nodiscard]] bool same_run(const pfild_identity& one, const pfild_identity& other);

/// Each run of a daemon that any program in the kernel belongs to, wherever it is attached. A run lives when one of
/// its programs says so: a head that is just being put in place says nothing yet.
[[nodiscard]] std::vector<Owner> runs_in_kernel();

/// Nothing: a program that is not of pfild, or is gone.
[[nodiscard]] std::optional<Owner> owner_of(std::uint32_t program);

enum class Whose : std::uint8_t {
    kOurs,      ///< of this run
    kLeft,      ///< a daemon of this name that was killed has left it here
    kStrayed,   ///< an interface has brought it along from another namespace
    kAbandoned, ///< of another instance, whose daemon is dead
    kOther,     ///< of another instance, whose daemon lives; also of another daemon of this name
};
[[nodiscard]] Whose whose(const Owner& owner, const pfild_identity& self);

/// As the kernel knows it; "" when it is gone.
[[nodiscard]] std::string program_name(std::uint32_t program);

} // namespace pfild::kernel
