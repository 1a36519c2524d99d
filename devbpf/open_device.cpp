// SPDX-License-Identifier: BSD-2-Clause
// See open_device.h. A READ's answer may come in many messages. Each is received into memory of its own and stays
// there, so that all of them can be handed to the kernel as they are.
#include "devbpf/open_device.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace pfild::devbpf {

OpenDevice::OpenDevice(client::Descriptor socket) : socket_(std::move(socket)), incoming_(PFILD_WIRE_REPLY_MAX) {}

std::uint32_t OpenDevice::ask(pfild_op op, std::span<const std::uint8_t> payload, Time now, Done done) {
    if (ended_) {
        done({.error = EIO, .parts = {}});
        return 0;
    }
    const pfild_request header = header_for(op);
    if (const int error = send(header, payload); error != 0) {
        done({.error = error, .parts = {}});
        return 0;
    }
    Pending pending{.op = op, .done = std::move(done), .deadline = {}, .interrupted = false};
    if (op != PFILD_OP_READ) {
        pending.deadline = now + kAnswerLimit;
    }
    pending_.emplace(header.id, std::move(pending));
    return header.id;
}

pfild_request OpenDevice::header_for(pfild_op op) {
    last_id_ = last_id_ == UINT32_MAX ? 1 : last_id_ + 1;
    return {.id = last_id_, .device = number_, .length = 0, .op = static_cast<__u16>(op), .zero = 0};
}

/// That the daemon has closed the connection is found when its last answers have been taken.
int OpenDevice::send(const pfild_request& header, std::span<const std::uint8_t> payload) {
    if (payload.size() > PFILD_WIRE_REQUEST_MAX - sizeof header) {
        return EMSGSIZE;
    }
    if (unsent_.empty()) {
        const auto sent = client::send_request(socket_.get(), header, payload);
        if (sent || sent.error().code != EAGAIN) {
            return 0;
        }
    }
    if (unsent_.size() >= kMostUnsent) {
        return ENOBUFS;
    }
    unsent_.push_back({header, {payload.begin(), payload.end()}});
    return 0;
}

void OpenDevice::send_unsent() {
    while (!unsent_.empty()) {
        const auto sent = client::send_request(socket_.get(), unsent_.front().header, unsent_.front().payload);
        if (!sent && sent.error().code == EAGAIN) {
            return;
        }
        unsent_.pop_front();
    }
}

void OpenDevice::interrupt(std::uint32_t id, Time now) {
    const auto pending = pending_.find(id);
    if (pending == pending_.end() || pending->second.interrupted) {
        return;
    }
    pending->second.interrupted = true;
    if (pending->second.op != PFILD_OP_READ) {
        pending->second.deadline = std::min(*pending->second.deadline, now + kInterruptedLimit);
        return;
    }
    pending->second.deadline = now + kAnswerLimit;
    const pfild_request header = header_for(PFILD_OP_CANCEL);
    if (send(header, client::payload_of(id)) == 0) {
        forgotten_.insert(header.id);
    }
}

void OpenDevice::proceed() {
    send_unsent();
    while (!ended_) {
        auto reply = client::receive_reply(socket_.get(), incoming_);
        if (reply) {
            take(*reply);
        } else if (reply.error().code == EAGAIN) {
            return;
        } else {
            end();
        }
    }
}

void OpenDevice::take(client::Reply& reply) {
    // Who is turned away before he could ask gets an answer of id 0: it is that to OPEN, which is alone then.
    const bool turned_away = reply.header.id == 0 && reply.header.error != 0 && number_ == 0;
    const auto pending = turned_away ? pending_.begin() : pending_.find(reply.header.id);
    if (pending == pending_.end() || pending->second.op != reply.header.op) {
        if (forgotten_.erase(reply.header.id) == 0) {
            end(); // an answer to what was not asked
        }
        return;
    }
    const std::uint32_t id = pending->first;
    if ((reply.header.flags & PFILD_REPLY_MORE) != 0) {
        return keep_part(id, reply.payload.size());
    }
    if (reply.header.error == 0 && !opens(reply)) {
        return end();
    }
    finish(pending, static_cast<int>(reply.header.error), reply.payload);
}

/// OPEN comes with a number and a descriptor, and nothing else does.
bool OpenDevice::opens(client::Reply& reply) {
    if (reply.header.op != PFILD_OP_OPEN) {
        return !reply.descriptor.valid();
    }
    number_ = reply.header.device;
    readiness_ = std::move(reply.descriptor);
    return readiness_.valid();
}

void OpenDevice::keep_part(std::uint32_t id, std::size_t bytes) {
    if (reading_ != id) { // the device has one READ at a time, so the last one's parts are done with
        reading_ = id;
        places_.clear();
    }
    if (parts_.size() == places_.size()) {
        parts_.emplace_back(PFILD_WIRE_REPLY_MAX);
    }
    std::swap(parts_[places_.size()], incoming_);
    places_.push_back({parts_[places_.size()].data() + sizeof(pfild_reply), bytes});
}

void OpenDevice::finish(std::map<std::uint32_t, Pending>::iterator pending, int error,
                        std::span<const std::uint8_t> payload) {
    const std::uint32_t id = pending->first;
    const Done done = std::move(pending->second.done);
    pending_.erase(pending);
    std::vector<iovec> parts;
    if (reading_ == id) {
        parts.swap(places_);
        reading_ = 0;
    }
    if (error != 0) {
        return done({.error = error, .parts = {}});
    }
    if (!payload.empty()) {
        parts.push_back({const_cast<std::uint8_t*>(payload.data()), payload.size()}); // NOLINT(*-const-cast): as iovec
    }
    done({.error = 0, .parts = parts});
}

std::optional<OpenDevice::Time> OpenDevice::deadline() const {
    std::optional<Time> first;
    for (const auto& [id, pending] : pending_) {
        if (pending.deadline && (!first || *pending.deadline < *first)) {
            first = pending.deadline;
        }
    }
    return first;
}

void OpenDevice::expire(Time now) {
    std::vector<std::uint32_t> over;
    for (const auto& [id, pending] : pending_) {
        if (pending.deadline && *pending.deadline <= now) {
            over.push_back(id);
        }
    }
    for (const std::uint32_t id : over) {
        const auto pending = pending_.find(id);
        if (pending == pending_.end()) {
            continue;
        }
        if (!pending->second.interrupted || pending->second.op == PFILD_OP_READ) {
            return end();
        }
        forgotten_.insert(id);
        finish(pending, EINTR, {});
    }
}

void OpenDevice::end() {
    if (!ended_) {
        ended_ = true;
        (void)::shutdown(socket_.get(), SHUT_RDWR); // the device ends; the descriptor is watched by others
    }
    unsent_.clear();
    while (!pending_.empty()) {
        finish(pending_.begin(), EIO, {});
    }
}

} // namespace pfild::devbpf
