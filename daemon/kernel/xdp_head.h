// SPDX-License-Identifier: BSD-2-Clause
// The IN head of an interface as native XDP, placed by libxdp: in its dispatcher, beside programs of others, where the
// kernel allows that (freplace), and alone where it does not. Never generic XDP, which would see packets a second time.
// Control thread; every call is for the namespace that the calling thread is in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "daemon/kernel/programs.h"

struct pfild_xdp; // the skeleton
struct xdp_program;

namespace pfild::kernel {

/// Like Heads it stays when the daemon dies, and goes when it detaches.
class XdpHead {
  public:
    /// Attaches it, or takes the place of one that a daemon which is no more has left. EBUSY: a program of somebody
    /// else is there that libxdp cannot chain; EOPNOTSUPP and others: what driver or kernel say.
    [[nodiscard]] static core::Result<XdpHead> attach(std::uint32_t ifindex, const Programs& programs);
    /// Removes one that a daemon which is no more has left, if there is one.
    static void remove_stranded(std::uint32_t ifindex) noexcept;

    XdpHead(XdpHead&&) noexcept;
    XdpHead& operator=(XdpHead&&) noexcept;
    XdpHead(const XdpHead&) = delete;
    XdpHead& operator=(const XdpHead&) = delete;
    ~XdpHead();

    /// A device that is gone is no error.
    void detach() const noexcept;
    /// Still there? Somebody with the right to may remove it.
    [[nodiscard]] bool intact() const;
    /// "xdp native, in a dispatcher", "xdp native, alone".
    [[nodiscard]] std::string place() const;

  private:
    struct SkeletonDeleter {
        void operator()(pfild_xdp* skeleton) const;
    };
    struct ProgramDeleter {
        void operator()(xdp_program* program) const;
    };

    explicit XdpHead(std::uint32_t ifindex) : ifindex_(ifindex) {}
    [[nodiscard]] core::Result<void> open(const Programs& programs);
    [[nodiscard]] core::Result<void> replace(int stranded_fd);
    [[nodiscard]] core::Result<void> chain();

    std::uint32_t ifindex_;
    std::unique_ptr<pfild_xdp, SkeletonDeleter> skeleton_;
    std::unique_ptr<xdp_program, ProgramDeleter> program_; ///< of the skeleton's object
    std::uint32_t id_ = 0;                                 ///< of the program, in the kernel
    bool chained_ = false;                                 ///< in a dispatcher
};

} // namespace pfild::kernel
