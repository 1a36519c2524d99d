// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/connection.h. What has changed of a device is announced after each request and before its answer,
// so that who has the answer sees the readiness that goes with it.
#include "daemon/device/connection.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <utility>

#include "daemon/device/operations.h"

namespace pfild::device {
namespace {

constexpr int kAtOnce = 16; ///< requests

} // namespace

Connection::Connection(sys::Fd socket, capture::DeviceTable& table, uid_t user, std::optional<uid_t> file_server)
    : socket_(std::move(socket)), table_(table), user_(user), file_server_(file_server), replies_(socket_.get()),
      buffer_(PFILD_WIRE_REQUEST_MAX) {}

Connection::~Connection() {
    for (const auto& [number, client] : clients_) {
        if (ended()) { // else it is the daemon that ends, and the program may still look at its last records
            client->withdraw_memory();
        }
        (void)table_.close(number);
    }
    hear_no_more(socket_.get());
}

void Connection::proceed(std::uint64_t now_ns) {
    for (int i = 0; i < kAtOnce && !ended(); ++i) {
        Message message;
        const Came came = receive(socket_.get(), buffer_, message);
        if (came != Came::kMessage) {
            ended_ = came == Came::kEnd;
            return;
        }
        try {
            handle(message, now_ns);
        } catch (const std::exception&) { // out of memory, most likely; the daemon goes on
            ended_ = true;
        }
    }
}

void Connection::end_with(const pfild_reply& reply, const core::Error& error) {
    replies_.refuse(reply, error);
    ended_ = true;
}

void Connection::handle(const Message& message, std::uint64_t now_ns) {
    Request request = decode(message.bytes);
    if (!message.whole) {
        request.payload = core::fail({"request", "", "a message that is too long, or has descriptors", "", EPROTO});
    }
    if (request.malformed()) {
        return end_with(reply_to(request.header), request.payload.error());
    }
    if (request.header.op == PFILD_OP_OPEN) {
        return open(request, message.sender);
    }
    const auto client = clients_.find(request.header.device);
    if (client == clients_.end()) {
        return replies_.refuse(reply_to(request.header),
                               {"request", "", "no such device of this connection", "open one", EBADF});
    }
    if (!client->second->opened_for_another()) {
        table_.note_use(client->first, message.sender.pid);
    }
    catch_up(request);
    switch (request.header.op) {
    case PFILD_OP_CLOSE:
        return close(request);
    case PFILD_OP_READ:
        return read(request, *client->second, now_ns);
    case PFILD_OP_CANCEL:
        return cancel(request);
    case PFILD_OP_SHARE:
        return share(request, *client->second);
    case PFILD_OP_WRITE:
        return write(request);
    default:
        return operate_on(request);
    }
}

/// A read that has its records, or is done with them, is first: then those that come find room.
void Connection::catch_up(const Request& request) {
    if (request.header.op != PFILD_OP_READ || !table_.find(request.header.device)->holds()) {
        table_.catch_up();
    }
}

void Connection::open(Request& request, const ucred& sender) {
    pfild_reply reply = reply_to(request.header);
    const auto opened = request.payload.and_then(
        [&](const Payload& payload) { return open_device(std::get<Opening>(payload), sender, reply); });
    if (!opened) {
        reply.device = 0;
        return replies_.refuse(reply, opened.error());
    }
    table_.announce();
    replies_.answer(reply, {}, clients_.at(reply.device)->far_end());
}

/// Writes the number into `reply`.
core::Result<void> Connection::open_device(const Opening& opening, const ucred& sender, pfild_reply& reply) {
    auto readiness = ReadinessEnd::make();
    if (!readiness) {
        return core::fail(std::move(readiness.error()));
    }
    auto client = std::make_unique<Client>(replies_, std::move(*readiness));
    const capture::DeviceOpener opener = opener_of(opening, sender, file_server_);
    const auto number = table_.open(opener, *client);
    if (!number) {
        return core::fail(number.error());
    }
    client->set_number(*number);
    if (opener.pid != sender.pid) {
        client->set_opened_for_another();
        user_ = opener.uid;
    }
    clients_.emplace(*number, std::move(client));
    make_room_for_reads();
    reply.device = *number;
    return {};
}

/// A read of each device fits, whatever else the machine's limits are: who takes his answers is never taken for one who
/// does not. Twice, because the kernel counts what a message takes of its memory. Without the right to it there is
/// less.
void Connection::make_room_for_reads() {
    constexpr std::size_t kMost = std::numeric_limits<int>::max();
    std::size_t reads = 0;
    for (const auto& [number, client] : clients_) {
        reads += std::max(table_.buffer_sizes().largest, table_.find(number)->buffer_size());
    }
    const auto bytes = static_cast<int>(std::min(kMost, 2 * reads));
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) {
        (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
}

void Connection::close(const Request& request) {
    const pfild_reply reply = reply_to(request.header);
    if (!request.payload) {
        return replies_.refuse(reply, request.payload.error());
    }
    clients_.at(request.header.device)->withdraw_memory();
    (void)table_.close(request.header.device); // it is one of ours
    clients_.erase(request.header.device);
    table_.announce();
    replies_.answer(reply, {});
}

/// The answer comes from the client: at once, or when there is something.
void Connection::read(const Request& request, Client& client, std::uint64_t now_ns) {
    capture::Device& device = *table_.find(request.header.device);
    const auto asked = request.payload.and_then([&](const Payload& payload) -> core::Result<void> {
        const auto& wanted = std::get<capture::ReadRequest>(payload);
        if (wanted.lend && !client.sharing()) {
            return core::fail(
                {"read", "", "records are lent only where they can be seen", "share the buffers", EINVAL});
        }
        return device.read(wanted, now_ns);
    });
    table_.announce();
    if (!asked) {
        return replies_.refuse(reply_to(request.header), asked.error());
    }
    client.set_readiness(device.readiness()); // see Client::deliver
}

void Connection::cancel(const Request& request) {
    const pfild_reply reply = reply_to(request.header);
    if (!request.payload) {
        return replies_.refuse(reply, request.payload.error());
    }
    (void)table_.find(request.header.device)->cancel_read(std::get<std::uint32_t>(*request.payload));
    table_.announce();
    replies_.answer(reply, {});
}

void Connection::share(const Request& request, Client& client) {
    const capture::Device& device = *table_.find(request.header.device);
    const auto done =
        device.admit_ioctl()
            .and_then([&] { return request.payload; })
            .and_then([&](const Payload&) -> core::Result<void> {
                if (device.state() == capture::DeviceState::kUnattached) {
                    return core::fail({"share buffers", "", "the device has no interface", "set one first", EINVAL});
                }
                if (client.memory() < 0) {
                    return core::fail(
                        {"share buffers", "", "their memory cannot be shared", "read without", EOPNOTSUPP});
                }
                return {};
            });
    if (!done) {
        return replies_.refuse(reply_to(request.header), done.error());
    }
    client.set_sharing();
    const std::uint32_t bytes = 2 * device.buffer_size();
    replies_.answer(reply_to(request.header), {reinterpret_cast<const std::uint8_t*>(&bytes), sizeof bytes},
                    client.memory());
}

/// Also while a read waits (BD-84).
void Connection::write(const Request& request) {
    const auto written = request.payload.and_then([&](const Payload& payload) {
        const Frame frame = std::get<Frame>(payload);
        return table_.write(request.header.device, frame).map([&] { return static_cast<std::uint32_t>(frame.size()); });
    });
    table_.announce();
    if (!written) {
        return replies_.refuse(reply_to(request.header), written.error());
    }
    replies_.answer(reply_to(request.header), {reinterpret_cast<const std::uint8_t*>(&*written), sizeof *written});
}

void Connection::operate_on(Request& request) {
    capture::Device& device = *table_.find(request.header.device);
    const auto done =
        device.admit_ioctl().and_then([&] { return std::move(request.payload); }).and_then([&](Payload payload) {
            return operate(static_cast<pfild_op>(request.header.op),
                           {.table = table_, .number = request.header.device, .device = device}, std::move(payload));
        });
    table_.announce();
    if (!done) {
        return replies_.refuse(reply_to(request.header), done.error());
    }
    if (request.header.op == PFILD_OP_SET_BUFFER_SIZE) {
        make_room_for_reads(); // larger ones may be allowed by now than when the device was opened
    }
    replies_.answer(reply_to(request.header), *done);
}

} // namespace pfild::device
