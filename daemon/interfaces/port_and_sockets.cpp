// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/interfaces/port_and_sockets.h"

#include <array>
#include <utility>

#include "daemon/interfaces/attachment_world.h"
#include "daemon/kernel/heads.h"

namespace pfild::interfaces {
namespace {

using core::Direction;

core::Holder holder_of(std::uint32_t lane) { return static_cast<core::Holder>(core::kFirstSocket + lane); }

} // namespace

PortAndSockets::PortAndSockets(AttachmentWorld& world, Request request, net::Port port)
    : world_(world), request_(std::move(request)), port_(std::move(port)) {}

core::Result<std::unique_ptr<PortAndSockets>> PortAndSockets::make(AttachmentWorld& world, Request request) {
    auto port = net::Port::make(
        {.instance = world.instance, .interface = request.interface, .stack = &world.stack, .engine = &world.engine});
    if (!port) {
        return core::fail(std::move(port.error()));
    }
    std::unique_ptr<PortAndSockets> self(new PortAndSockets(world, std::move(request), *std::move(port)));
    return self->prepare_lane(Direction::kIn)
        .and_then([&] { return self->prepare_lane(Direction::kOut); })
        .and_then([&] { return self->port_.set_up(); })
        .and_then([&] { return self->open_sockets(); })
        .map([&] { return std::move(self); });
}

// Programs on two of the four ends, and what those look up.
core::Result<void> PortAndSockets::prepare_lane(Direction direction) {
    // Lane IN comes up on q and goes back down on p, lane OUT the other way round.
    const bool in = direction == Direction::kIn;
    const net::Pair& up = in ? port_.q() : port_.p();
    const net::Pair& down = in ? port_.p() : port_.q();
    const std::uint32_t lane = kernel::lane(request_.slot, direction);
    if (auto done = world_.programs.set_engine_port(up.engine_ifindex, {.lane = lane, .interface = 0}); !done) {
        return done;
    }
    const pfild_port back{.lane = lane, .interface = request_.interface.ifindex};
    if (auto done = world_.programs.set_stack_port(down.stack_ifindex, back); !done) {
        return done;
    }
    auto reentry =
        within(world_.stack, [&] { return kernel::attach_reentry(down.stack_ifindex, direction, world_.programs); });
    if (!reentry) {
        return reentry;
    }
    return within(world_.engine,
                  [&] { return kernel::attach_port_up(up.engine_ifindex, world_.programs.port_up_fd()); });
}

core::Result<void> PortAndSockets::open_sockets() {
    const auto open = [&](const net::Pair& pair, Direction direction) {
        return xsk::Socket::open(world_.umem, pair.name, holder_of(kernel::lane(request_.slot, direction)));
    };
    return within(world_.engine, [&]() -> core::Result<void> {
        auto p = open(port_.p(), Direction::kOut);
        if (!p) {
            return core::fail(std::move(p.error()));
        }
        auto q = open(port_.q(), Direction::kIn);
        if (!q) {
            return core::fail(std::move(q.error()));
        }
        socket_p_ = std::move(*p);
        socket_q_ = std::move(*q);
        return {};
    });
}

core::Result<void> PortAndSockets::enter_engine() {
    world_.engine_thread.add(request_.slot, request_.interface.ifindex, *socket_p_, *socket_q_);
    in_engine_ = true;
    was_in_engine_ = true;
    return world_.programs.set_socket(kernel::lane(request_.slot, Direction::kOut), socket_p_->fd()).and_then([&] {
        return world_.programs.set_socket(kernel::lane(request_.slot, Direction::kIn), socket_q_->fd());
    });
}

void PortAndSockets::leave_engine() noexcept {
    if (!std::exchange(in_engine_, false)) {
        return;
    }
    world_.engine_thread.remove(request_.slot);
    for (const Direction direction : core::kEachDirection) {
        world_.programs.clear_socket(kernel::lane(request_.slot, direction));
    }
}

// The pairs before the sockets: the kernel unbinds sockets of a device that goes. Who closes them first has the removal
// wait for every packet that they have sent, and that may lie in a slow queue.
PortAndSockets::~PortAndSockets() {
    leave_engine();
    const std::array pairs{port_.p(), port_.q()};
    port_.remove();
    for (auto* socket : {&socket_p_, &socket_q_}) {
        if (!*socket) {
            continue;
        }
        (*socket)->shut();
        if (was_in_engine_) { // else it has no buffers
            world_.engine_thread.reclaim(**socket);
        }
        socket->reset();
    }
    for (const net::Pair& pair : pairs) {
        world_.programs.clear_ports(pair.stack_ifindex, pair.engine_ifindex);
    }
}

} // namespace pfild::interfaces
