// SPDX-License-Identifier: BSD-2-Clause
// What an attachment has more when XDP is the IN head of its interface:
//
//      the interface's offloads that would hide VLAN tags are off
//      an AF_XDP socket on each of its receive queues
//      the XDP head, which diverts into them
//
// The TC head stays: packets come back through it, and without the XDP head it decides as ever. Control thread; the
// calling thread is in the instance's namespace.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "daemon/kernel/xdp_head.h"
#include "daemon/net/links.h"
#include "daemon/xsk/engine_thread.h"
#include "daemon/xsk/socket.h"
#include "daemon/xsk/umem.h"

namespace pfild::interfaces {

struct AttachmentWorld;

class XdpSide {
  public:
    /// Everything but the head. turned_off: offloads that an earlier run turned off there, to be turned on at the end.
    [[nodiscard]] static core::Result<std::unique_ptr<XdpSide>>
    make(AttachmentWorld& world, const net::Link& link, std::uint8_t slot, std::vector<std::string> turned_off);
    XdpSide(const XdpSide&) = delete;
    XdpSide& operator=(const XdpSide&) = delete;
    /// Removes all of it; also when the interface is gone. => no packet is diverted there any more, or may be lost.
    ~XdpSide();

    [[nodiscard]] core::Result<void> attach_head(std::uint32_t attachment);
    /// It has been attached.
    [[nodiscard]] bool has_head() const { return head_.has_value(); }
    /// Still there? Somebody with the right to may remove it.
    [[nodiscard]] bool head_intact() const { return head_ && head_->intact(); }
    /// The interface is now so: a socket for every queue that has none yet, and tags are left in packets again.
    [[nodiscard]] core::Result<void> follow(const net::Link& link);

    /// The head, by the kernel's number; 0: not attached.
    [[nodiscard]] std::uint32_t head_id() const { return head_ ? head_->id() : 0; }
    /// "xdp native, alone"
    [[nodiscard]] std::string place() const { return head_ ? head_->place() : "xdp, not attached"; }
    /// The interface is gone: what was turned off on it is not to be turned on on another of its index.
    void leave_offloads() noexcept { turned_off_.clear(); }
    [[nodiscard]] const std::vector<std::string>& turned_off() const { return turned_off_; }
    [[nodiscard]] std::size_t queues() const { return sockets_.size(); }
    /// Sums over the queues.
    [[nodiscard]] xsk::SocketCounters counters() const;

  private:
    XdpSide(AttachmentWorld& world, net::Link link, std::uint8_t slot)
        : world_(world), link_(std::move(link)), slot_(slot) {}
    [[nodiscard]] core::Result<void> leave_tags();
    [[nodiscard]] core::Result<void> serve_queues();

    AttachmentWorld& world_;
    net::Link link_;
    std::uint8_t slot_;
    std::vector<std::string> turned_off_;
    std::vector<std::unique_ptr<xsk::Socket>> sockets_; ///< by receive queue
    std::optional<kernel::XdpHead> head_;
};

} // namespace pfild::interfaces
