// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/operations.h.
#include "daemon/device/operations.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace pfild::device {
namespace {

using Answer = core::Result<Bytes>;

/// A struct of wire.h, or a number, as it goes over the socket.
template <typename T>
Bytes bytes_of(const T& value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

Answer set_options(capture::Device& device, const Options& options) {
    return device.set_directions(options.directions).map([&] {
        device.set_settings(options.settings);
        return Bytes{};
    });
}

Bytes wire_timeout(const capture::ReadTimeout& timeout) {
    return bytes_of(pfild_read_timeout{.seconds = timeout.seconds, .microseconds = timeout.microseconds});
}

Answer wait_timeout(const capture::Device& device) {
    const auto timeout = device.wait_timeout();
    return timeout ? Answer(wire_timeout(*timeout))
                   : core::fail({"get wait timeout", "", "the device has none", "set one first", ENXIO});
}

Bytes stats(const capture::Device& device) {
    const capture::DeviceCounts counts = device.stats();
    return bytes_of(pfild_stats{.received = counts.received,
                                .dropped = counts.dropped,
                                .captured = counts.captured,
                                .filtered = counts.filtered,
                                .delivered = counts.delivered,
                                .buffered = device.buffered(),
                                .flushed = counts.flushed,
                                .lost = counts.lost});
}

Bytes done() { return {}; }

Options options_of(const capture::Device& device) {
    return {.settings = device.settings(), .directions = device.directions()};
}

/// Of settings, a locked device lets those change that only say how records are handed over.
bool concerns_reading_alone(const Options& before, const Options& after) {
    Options same_otherwise = after;
    same_otherwise.settings.immediate = before.settings.immediate;
    same_otherwise.settings.nonblocking = before.settings.nonblocking;
    same_otherwise.settings.precision = before.settings.precision;
    return same_otherwise == before;
}

/// BIOCLOCK: whether a locked device may still do this.
bool allowed_when_locked(pfild_op op, const capture::Device& device, const Payload& payload) {
    switch (op) {
    case PFILD_OP_SET_BUFFER_SIZE:
    case PFILD_OP_SET_FILTER:
    case PFILD_OP_REPLACE_FILTER:
    case PFILD_OP_SET_WRITE_FILTER:
    case PFILD_OP_SET_PROMISCUOUS:
    case PFILD_OP_SET_DATA_LINK:
    case PFILD_OP_SET_INTERFACE:
        return false;
    case PFILD_OP_SET_OPTIONS:
        return concerns_reading_alone(options_of(device), std::get<Options>(payload));
    case PFILD_OP_SET_OPTION:
        return concerns_reading_alone(options_of(device), with(options_of(device), std::get<Option>(payload)));
    default:
        return true;
    }
}

} // namespace

Answer operate(pfild_op op, const Operand& on, Payload payload) {
    if (on.device.locked() && !allowed_when_locked(op, on.device, payload)) {
        return core::fail({"request", "", "the device is locked", "open another one", EPERM});
    }
    switch (op) {
    case PFILD_OP_GET_BUFFER_SIZE:
        return bytes_of(on.device.buffer_size());
    case PFILD_OP_SET_BUFFER_SIZE:
        return on.device.set_buffer_size(std::get<std::uint32_t>(payload)).map(bytes_of<std::uint32_t>);
    case PFILD_OP_SET_FILTER:
        on.device.set_filter(std::get<Filter>(std::move(payload)));
        return done();
    case PFILD_OP_REPLACE_FILTER:
        on.device.replace_filter(std::get<Filter>(std::move(payload)));
        return done();
    case PFILD_OP_FLUSH:
        on.device.flush();
        return done();
    case PFILD_OP_SET_PROMISCUOUS:
        return on.table.set_promiscuous(on.number).map(done);
    case PFILD_OP_GET_DATA_LINK:
    case PFILD_OP_GET_DATA_LINKS: // there is one of an interface
        return on.table.data_link(on.number).map(bytes_of<std::uint32_t>);
    case PFILD_OP_SET_DATA_LINK:
        return on.table.set_data_link(on.number, std::get<std::uint32_t>(payload)).map(done);
    case PFILD_OP_GET_INTERFACE:
        return on.table.interface_name(on.number).map(
            [](const std::string& name) { return Bytes(name.begin(), name.end()); });
    case PFILD_OP_SET_INTERFACE:
        return on.table.attach(on.number, std::get<std::string>(payload)).map(done);
    case PFILD_OP_GET_READ_TIMEOUT:
        return wire_timeout(on.device.read_timeout());
    case PFILD_OP_SET_READ_TIMEOUT:
        return on.device.set_read_timeout(std::get<capture::ReadTimeout>(payload)).map(done);
    case PFILD_OP_GET_WAIT_TIMEOUT:
        return wait_timeout(on.device);
    case PFILD_OP_SET_WAIT_TIMEOUT:
        return on.device.set_wait_timeout(std::get<capture::ReadTimeout>(payload)).map(done);
    case PFILD_OP_END_WAIT_TIMEOUT:
        return on.device.set_wait_timeout(std::nullopt).map(done);
    case PFILD_OP_GET_OPTIONS:
        return bytes_of(wire_options(options_of(on.device)));
    case PFILD_OP_SET_OPTIONS:
        return set_options(on.device, std::get<Options>(payload));
    case PFILD_OP_SET_OPTION:
        return set_options(on.device, with(options_of(on.device), std::get<Option>(payload)));
    case PFILD_OP_SET_WRITE_FILTER:
        on.device.set_write_filter(std::get<Filter>(std::move(payload)));
        return done();
    case PFILD_OP_LOCK:
        on.device.lock();
        return done();
    case PFILD_OP_GET_VERSION:
        return bytes_of(pfild_version{.major = 1, .minor = 1});
    case PFILD_OP_GET_STATS:
        return stats(on.device);
    case PFILD_OP_GET_READABLE:
        return bytes_of(on.device.readable_bytes());
    case PFILD_OP_OPEN:
    case PFILD_OP_CLOSE:
    case PFILD_OP_READ:
    case PFILD_OP_CANCEL:
    case PFILD_OP_SHARE:
    case PFILD_OP_WRITE:
    case PFILD_OPS:
        break;
    }
    return core::fail({"request", "", "there is no such operation", "", ENOTTY});
}

} // namespace pfild::device
