// SPDX-License-Identifier: BSD-2-Clause
// The IN head of an interface as native XDP, placed by libxdp: in its dispatcher, beside programs of others, where the
// kernel allows that (freplace), and alone where it does not. Never generic XDP, which would see packets a second time.
// Control thread; every call is for the namespace that the calling thread is in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "daemon/kernel/programs.h"
#include "pfild/identity.h"

struct pfild_in_xdp; // the skeleton
struct xdp_program;

namespace pfild::kernel {

/// Like Heads it stays when the daemon dies, and goes when it detaches.
class XdpHead {
  public:
    /// Attaches it, or takes the place of one of this run or of a killed daemon. EBUSY: a program of somebody else is
    /// there that takes none beside it; EOPNOTSUPP and others: what driver or kernel say.
    /// slot, attachment: as HeadPrograms::load().
    /// => may_attach() has succeeded.
    [[nodiscard]] static core::Result<XdpHead> attach(std::uint32_t ifindex, const Programs& programs,
                                                      std::uint8_t slot, std::uint32_t attachment);
    /// Removes those of this run and of killed daemons.
    static void remove_stranded(std::uint32_t ifindex, const pfild_identity& self) noexcept;

    /// The kernel's numbers of all programs that XDP runs there, whoever's, in the order in which packets meet them;
    /// without a dispatcher itself.
    [[nodiscard]] static std::vector<std::uint32_t> programs_at(std::uint32_t ifindex);
    /// Not there is no error.
    static void remove(std::uint32_t ifindex, std::uint32_t program) noexcept;

    XdpHead(XdpHead&&) noexcept;
    XdpHead& operator=(XdpHead&&) noexcept;
    XdpHead(const XdpHead&) = delete;
    XdpHead& operator=(const XdpHead&) = delete;
    ~XdpHead();

    /// A device that is gone is no error.
    void detach() const noexcept;
    /// Still there? Somebody with the right to may remove it.
    [[nodiscard]] bool intact() const;
    /// Programs that packets meet before `own` there, "xdp: name (12)"; of all, if that is not among them.
    [[nodiscard]] static std::vector<std::string> in_front(std::uint32_t ifindex, std::uint32_t own);
    /// The kernel's number.
    [[nodiscard]] std::uint32_t id() const { return id_; }
    /// "xdp native, in a dispatcher", "xdp native, alone".
    [[nodiscard]] std::string place() const;

  private:
    struct SkeletonDeleter {
        void operator()(pfild_in_xdp* skeleton) const;
    };
    struct ProgramDeleter {
        void operator()(xdp_program* program) const;
    };

    explicit XdpHead(std::uint32_t ifindex) : ifindex_(ifindex) {}
    [[nodiscard]] core::Result<void> open(const Programs& programs, const pfild_identity& identity);
    [[nodiscard]] core::Result<void> replace(const Programs& programs, int stranded_fd);
    [[nodiscard]] core::Result<void> stand_beside_others(const Programs& programs);

    std::uint32_t ifindex_;
    std::unique_ptr<pfild_in_xdp, SkeletonDeleter> skeleton_;
    std::unique_ptr<xdp_program, ProgramDeleter> program_; ///< of the skeleton's object
    std::uint32_t id_ = 0;                                 ///< of the program, in the kernel
    bool in_dispatcher_ = false;                           ///< of libxdp
};

} // namespace pfild::kernel
