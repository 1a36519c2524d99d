// SPDX-License-Identifier: BSD-2-Clause
// What an attachment has beside its heads: a port pair, with its programs, and the engine's two sockets on it. To make
// and to remove it waits long for the kernel, so where interfaces come and go the side thread does it.
//
//      make()            any thread
//      enter_engine()    control thread, as the next
//      leave_engine()
//      its end           any thread; not one that another attachment of that slot may live to see
#pragma once

#include <cstdint>
#include <memory>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/net/links.h"
#include "daemon/net/port.h"
#include "daemon/xsk/socket.h"

namespace pfild::interfaces {

struct AttachmentWorld;

class PortAndSockets {
  public:
    struct Request {
        net::Link interface;
        std::uint8_t slot = 0;
    };

    /// Both pairs are up; what comes out of them goes on to the interface. EEXIST as net::Port::make().
    [[nodiscard]] static core::Result<std::unique_ptr<PortAndSockets>> make(AttachmentWorld& world, Request request);
    PortAndSockets(const PortAndSockets&) = delete;
    PortAndSockets& operator=(const PortAndSockets&) = delete;
    PortAndSockets(PortAndSockets&&) = delete;
    PortAndSockets& operator=(PortAndSockets&&) = delete;
    ~PortAndSockets();

    [[nodiscard]] core::Result<void> enter_engine();
    void leave_engine() noexcept;

    [[nodiscard]] net::Port& port() { return port_; }
    [[nodiscard]] const net::Port& port() const { return port_; }
    [[nodiscard]] const xsk::Socket& p() const { return *socket_p_; }
    [[nodiscard]] const xsk::Socket& q() const { return *socket_q_; }

  private:
    PortAndSockets(AttachmentWorld& world, Request request, net::Port port);
    [[nodiscard]] core::Result<void> prepare_lane(core::Direction direction);
    [[nodiscard]] core::Result<void> open_sockets();

    AttachmentWorld& world_;
    Request request_;
    net::Port port_;
    std::unique_ptr<xsk::Socket> socket_p_;
    std::unique_ptr<xsk::Socket> socket_q_;
    bool in_engine_ = false;
    bool was_in_engine_ = false;
};

} // namespace pfild::interfaces
