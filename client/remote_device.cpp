// SPDX-License-Identifier: BSD-2-Clause
// See remote_device.h.
#include "client/remote_device.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pfild::client {
namespace {

/// What each op is called in an error.
constexpr std::array<std::string_view, PFILD_OPS> kOpNames{
    "open device",      "close device",   "read",         "cancel read",       "get buffer size",   "set buffer size",
    "set filter",       "replace filter", "flush",        "set promiscuous",   "get data link",     "get interface",
    "set interface",    "get time-out",   "set time-out", "get options",       "set options",       "get statistics",
    "get readable",     "share buffers",  "set option",   "set data link",     "list data links",   "write",
    "set write filter", "lock device",    "get version",  "get wait time-out", "set wait time-out", "end wait time-out",
};
static_assert(!kOpNames.back().empty());

constexpr std::uint32_t kMostBufferBytes = 1U << 30U;

template <typename T>
std::span<const std::uint8_t> bytes_of(const T& value) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what goes over the wire
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

template <typename T>
std::span<const std::uint8_t> bytes_of_all(std::span<const T> values) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what goes over the wire
    return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

/// => payload has the size of T.
template <typename T>
T value_of(std::span<const std::uint8_t> payload) {
    T value{};
    std::memcpy(&value, payload.data(), sizeof value);
    return value;
}

/// The daemon's sentence as an error. It says itself what was refused ("set interface eth9: no such interface"); if it
/// does not, the op and its object do.
core::Error refusal(const Reply& reply, std::string_view object) {
    const std::string sentence = reply.sentence();
    const int code = static_cast<int>(reply.header.error);
    const std::size_t colon = sentence.find(": ");
    if (colon == std::string::npos || colon == 0) {
        return {std::string(kOpNames.at(reply.header.op)), std::string(object), sentence, "", code};
    }
    return {sentence.substr(0, colon), "", sentence.substr(colon + 2), "", code};
}

} // namespace

core::Result<RemoteDevice> RemoteDevice::open(DeviceConnection connection, pfild_access access) {
    const pfild_open wanted{PFILD_WIRE_VERSION, access};
    const auto id = connection.send(PFILD_OP_OPEN, 0, bytes_of(wanted));
    if (!id) {
        return core::fail(id.error());
    }
    auto reply = connection.receive({connection.limit(), -1});
    if (!reply) {
        return core::fail(std::move(reply.error()));
    }
    const bool turned_away = reply->header.id == 0 && reply->header.error != 0; // before it was asked anything
    if ((reply->header.id != *id && !turned_away) || reply->header.op != PFILD_OP_OPEN) {
        return core::fail(connection.give_up("an answer is to another question"));
    }
    if (reply->header.error != 0) {
        return core::fail(refusal(*reply, ""));
    }
    if (!reply->descriptor.valid() || !reply->payload.empty()) {
        return core::fail(connection.give_up("a device came without its descriptor"));
    }
    return RemoteDevice(std::move(connection), reply->header.device, std::move(reply->descriptor));
}

/// The answer to this request, which need not wait. Answers to others are none that a daemon sends.
core::Result<Reply> RemoteDevice::answer_to(pfild_op op, std::uint32_t id) {
    auto reply = connection_.receive({connection_.limit(), -1});
    if (reply && (reply->header.id != id || reply->header.op != op || reply->header.device != number_)) {
        return core::fail(connection_.give_up("an answer is to another question"));
    }
    return reply;
}

core::Result<std::span<const std::uint8_t>> RemoteDevice::ask(pfild_op op, std::span<const std::uint8_t> payload,
                                                              std::size_t answer_size, std::string_view object) {
    const auto id = connection_.send(op, number_, payload);
    if (!id) {
        return core::fail(id.error());
    }
    const auto reply = answer_to(op, *id);
    if (!reply) {
        return core::fail(reply.error());
    }
    if (reply->header.error != 0) {
        return core::fail(refusal(*reply, object));
    }
    if (reply->payload.size() != answer_size) {
        return core::fail(connection_.give_up("an answer has another size than its kind"));
    }
    return reply->payload;
}

core::Result<void> RemoteDevice::set_interface(std::string_view name) {
    return ask(PFILD_OP_SET_INTERFACE, bytes_of_all(std::span(name)), 0, name).map([](auto) {});
}

core::Result<void> RemoteDevice::set_filter(std::span<const pfild_instruction> program) {
    return ask(PFILD_OP_SET_FILTER, bytes_of_all(program), 0, "").map([](auto) {});
}

core::Result<std::uint32_t> RemoteDevice::set_buffer_size(std::uint32_t bytes) {
    auto answer = ask(PFILD_OP_SET_BUFFER_SIZE, bytes_of(bytes), sizeof bytes, std::to_string(bytes))
                      .map(value_of<std::uint32_t>);
    if (answer && (*answer == 0 || *answer > kMostBufferBytes || *answer % PFILD_RECORD_ALIGNMENT != 0)) {
        return core::fail(connection_.give_up("it says a buffer size that none can have"));
    }
    return answer;
}

core::Result<void> RemoteDevice::set_options(const pfild_options& options) {
    return ask(PFILD_OP_SET_OPTIONS, bytes_of(options), 0, "").map([](auto) {});
}

core::Result<void> RemoteDevice::set_read_timeout(std::chrono::microseconds timeout) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    const pfild_read_timeout wanted{seconds.count(), (timeout - seconds).count()};
    auto done = ask(PFILD_OP_SET_READ_TIMEOUT, bytes_of(wanted), 0, "").map([](auto) {});
    if (done) {
        timeout_ = timeout;
    }
    return done;
}

core::Result<void> RemoteDevice::set_promiscuous() {
    return ask(PFILD_OP_SET_PROMISCUOUS, {}, 0, "").map([](auto) {});
}

core::Result<std::uint32_t> RemoteDevice::data_link() {
    return ask(PFILD_OP_GET_DATA_LINK, {}, sizeof(std::uint32_t), "").map(value_of<std::uint32_t>);
}

core::Result<pfild_stats> RemoteDevice::stats() {
    return ask(PFILD_OP_GET_STATS, {}, sizeof(pfild_stats), "").map(value_of<pfild_stats>);
}

core::Result<void> RemoteDevice::close() {
    readiness_ = Descriptor();
    return ask(PFILD_OP_CLOSE, {}, 0, "").map([](auto) {});
}

core::Result<void> RemoteDevice::share() {
    const auto id = connection_.send(PFILD_OP_SHARE, number_, {});
    if (!id) {
        return core::fail(id.error());
    }
    auto reply = answer_to(PFILD_OP_SHARE, *id);
    if (!reply) {
        return core::fail(std::move(reply.error()));
    }
    if (reply->header.error != 0) {
        return core::fail(refusal(*reply, ""));
    }
    const auto bytes = reply->payload.size() == sizeof(std::uint32_t) ? value_of<std::uint32_t>(reply->payload) : 0;
    auto mapping = Mapping::of(reply->descriptor, bytes);
    if (!mapping) {
        return core::fail(connection_.give_up("it shares buffers that cannot be mapped"));
    }
    shared_ = std::move(*mapping);
    return {};
}

core::Result<std::size_t> RemoteDevice::read(std::span<std::uint8_t> buffer, const ReadWish& wish) {
    Reading reading{.size = static_cast<std::uint32_t>(buffer.size()), .buffer = buffer};
    return perform(reading, wish).map([&] { return reading.filled; });
}

core::Result<std::span<const std::uint8_t>> RemoteDevice::borrow(const ReadWish& wish) {
    Reading reading{.size = static_cast<std::uint32_t>(shared_.bytes().size() / 2), .lend = true};
    return perform(reading, wish).map([&] { return reading.lent; });
}

core::Result<void> RemoteDevice::perform(Reading& reading, const ReadWish& wish) {
    const pfild_read wanted{reading.size,
                            (wish.nonblocking ? PFILD_READ_NONBLOCKING : 0U) | (reading.lend ? PFILD_READ_LEND : 0U)};
    const auto id = connection_.send(PFILD_OP_READ, number_, bytes_of(wanted));
    if (!id) {
        return core::fail(id.error());
    }
    reading.id = *id;
    while (!reading.ended || reading.cancel) {
        const auto reply = connection_.receive(patience_for(reading, wish));
        if (!reply && reply.error().code == EINTR && connection_.connected()) {
            if (auto sent = send_cancel(reading); !sent) {
                return core::fail(std::move(sent.error()));
            }
        } else if (!reply) {
            return core::fail(reply.error());
        } else if (auto taken = take(reading, *reply); !taken) {
            return core::fail(std::move(taken.error()));
        }
    }
    if (reading.error) {
        return core::fail(std::move(*reading.error));
    }
    return {};
}

/// A read without time-out waits for ever. Once its records have begun to come, or it was cancelled, it must end soon.
Patience RemoteDevice::patience_for(const Reading& reading, const ReadWish& wish) const {
    if (wish.nonblocking || reading.cancelled || reading.filled > 0) {
        return {connection_.limit(), -1};
    }
    if (timeout_ == std::chrono::microseconds(0)) {
        return {std::nullopt, wish.wake};
    }
    return {connection_.limit() + std::chrono::ceil<std::chrono::milliseconds>(timeout_), wish.wake};
}

core::Result<void> RemoteDevice::send_cancel(Reading& reading) {
    const auto id = connection_.send(PFILD_OP_CANCEL, number_, bytes_of(reading.id));
    if (!id) {
        return core::fail(id.error());
    }
    reading.cancel = *id;
    reading.cancelled = true;
    return {};
}

/// An answer while a read is on its way: to the CANCEL, or (a part of) the read's own.
core::Result<void> RemoteDevice::take(Reading& reading, const Reply& reply) {
    const pfild_reply& header = reply.header;
    if (reading.cancel && header.id == *reading.cancel && header.op == PFILD_OP_CANCEL && header.device == number_) {
        reading.cancel.reset(); // whatever it says: the read may have ended before
        return {};
    }
    if (reading.ended || header.id != reading.id || header.op != PFILD_OP_READ || header.device != number_) {
        return core::fail(connection_.give_up("an answer is to another question"));
    }
    reading.ended = header.flags != PFILD_REPLY_MORE;
    if (header.error != 0) {
        if (reading.filled > 0) {
            return core::fail(connection_.give_up("a read has both records and an error"));
        }
        reading.error = refusal(reply, "");
        return {};
    }
    if (reading.lend) {
        return take_lent(reading, reply);
    }
    if (reply.payload.size() > reading.buffer.size() - reading.filled) {
        return core::fail(connection_.give_up("a read has more records than were asked for"));
    }
    std::copy(reply.payload.begin(), reply.payload.end(),
              reading.buffer.begin() + static_cast<std::ptrdiff_t>(reading.filled));
    reading.filled += reply.payload.size();
    return {};
}

core::Result<void> RemoteDevice::take_lent(Reading& reading, const Reply& reply) {
    const std::span<const std::uint8_t> shared = shared_.bytes();
    if (!reading.ended || reply.payload.size() != sizeof(pfild_lent)) {
        return core::fail(connection_.give_up("an answer has another size than its kind"));
    }
    const auto lent = value_of<pfild_lent>(reply.payload);
    if (lent.offset > shared.size() || lent.length > shared.size() - lent.offset ||
        lent.offset % PFILD_RECORD_ALIGNMENT != 0) {
        return core::fail(connection_.give_up("it lends what is outside of its buffers"));
    }
    reading.lent = shared.subspan(lent.offset, lent.length);
    return {};
}

} // namespace pfild::client
