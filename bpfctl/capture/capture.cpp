// SPDX-License-Identifier: BSD-2-Clause
// See capture.h.
#include "bpfctl/capture/capture.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

namespace pfild::bpfctl {
namespace {

constexpr std::uint32_t kSmallestBuffer = 4096; ///< bytes, that is asked for when there is no memory

std::vector<pfild_instruction> on_the_wire(const std::vector<cbpf::Instruction>& program) {
    std::vector<pfild_instruction> all;
    all.reserve(program.size());
    for (const cbpf::Instruction& in : program) {
        all.push_back({in.code, in.jt, in.jf, in.k});
    }
    return all;
}

pfild_options options_of(const CapturePlan& plan) {
    pfild_options options{};
    options.immediate = plan.immediate || plan.live() ? 1 : 0;
    options.incoming = plan.directions.has(core::Direction::kIn) ? 1 : 0;
    options.outgoing = plan.directions.has(core::Direction::kOut) ? 1 : 0;
    options.origins = 1;
    options.nanoseconds = 1;
    return options;
}

core::Result<void> set_filter(client::RemoteDevice& device, const CapturePlan& plan, filter::LinkType link_type) {
    const auto program = plan.program(link_type);
    return program ? device.set_filter(on_the_wire(*program)) : core::fail(program.error());
}

/// Its size, bytes. All devices together have a limit: then half as much is asked for, as libpcap does.
core::Result<std::uint32_t> set_interface(client::RemoteDevice& device, const CapturePlan& plan) {
    for (std::uint32_t wanted = plan.buffer_size;; wanted /= 2) {
        auto size = device.set_buffer_size(wanted);
        if (!size) {
            return size;
        }
        const auto set = device.set_interface(plan.interface);
        if (set) {
            return size;
        }
        if (device.connected() && set.error().code == ENXIO) {
            return core::fail({"capture", plan.interface, "it is not attached",
                               "`bpfctl attach " + plan.interface + "` first; with --tap only to capture from it",
                               ENXIO});
        }
        wanted = std::min(wanted, *size); // the daemon has a largest
        if (!device.connected() || set.error().code != ENOBUFS || wanted <= kSmallestBuffer) {
            return core::fail(set.error());
        }
    }
}

core::Result<void> set_promiscuous(client::RemoteDevice& device, const CapturePlan& plan) {
    if (!plan.promiscuous || plan.interface == "any") {
        return {};
    }
    return device.set_promiscuous().map_error([](core::Error error) {
        error.advice = "-p captures without that";
        return error;
    });
}

} // namespace

core::Result<CaptureSource> Capture::set_up(client::RemoteDevice& device, const CapturePlan& plan) {
    std::uint32_t size = 0;
    const auto number = device.set_options(options_of(plan))
                            .and_then([&] { return device.set_read_timeout(kReadTimeout); })
                            .and_then([&] { return set_filter(device, plan, filter::kEthernet); })
                            .and_then([&] { return set_interface(device, plan); })
                            .and_then([&](std::uint32_t given) {
                                size = given;
                                return set_promiscuous(device, plan);
                            })
                            .and_then([&] { return device.data_link(); });
    if (!number) {
        return core::fail(number.error());
    }
    if (*number == static_cast<std::uint32_t>(filter::kEthernet.number)) {
        return CaptureSource{size, filter::kEthernet};
    }
    if (*number != static_cast<std::uint32_t>(filter::kRaw.number)) {
        return core::fail({"capture", plan.interface, "its packets are of link type " + std::to_string(*number),
                           "only Ethernet and IP can be captured", EAFNOSUPPORT});
    }
    // What the other filter has let in is thrown away with it.
    return set_filter(device, plan, filter::kRaw).map([&] { return CaptureSource{size, filter::kRaw}; });
}

CaptureEnd Capture::run(Signals& signals, const std::function<void()>& say_statistics) {
    core::Result<void> done;
    while (done && !is_complete()) {
        const Wishes wishes = signals.take();
        if (wishes.end) {
            break;
        }
        if (wishes.flush) {
            done = drain();
        }
        if (wishes.statistics) {
            say_statistics();
        }
        if (done && !is_complete()) {
            done = read_on(signals.descriptor());
        }
    }
    if (done && !is_complete()) {
        done = drain();
    }
    return {packets_, done ? std::nullopt : std::optional(std::move(done.error()))};
}

/// One read. That nothing came, or that it was interrupted, is no error.
core::Result<void> Capture::read_on(int stop) {
    const auto records = read({.wake = stop});
    if (records) {
        return put_records(*records);
    }
    if (device_.connected() && (records.error().code == EAGAIN || records.error().code == EINTR)) {
        return {};
    }
    return core::fail(records.error());
}

core::Result<std::span<const std::uint8_t>> Capture::read(const client::ReadWish& wish) {
    if (shared_) {
        return device_.borrow(wish);
    }
    return device_.read(buffer_, wish).map([&](std::size_t filled) {
        return std::span<const std::uint8_t>(buffer_).first(filled);
    });
}

/// What is buffered now; not what comes later, or this would never end.
core::Result<void> Capture::drain() {
    const auto stats = device_.stats();
    if (!stats) {
        return core::fail(stats.error());
    }
    const std::uint64_t end = packets_ + stats->buffered;
    while (packets_ < end && !is_complete()) {
        const auto records = read({.nonblocking = true});
        if (!records) {
            return device_.connected() && records.error().code == EAGAIN ? core::Result<void>()
                                                                         : core::fail(records.error());
        }
        if (auto put = put_records(*records); !put || records->empty()) {
            return put;
        }
    }
    return {};
}

core::Result<void> Capture::put_records(std::span<const std::uint8_t> bytes) {
    client::RecordReader records(bytes);
    while (!is_complete()) {
        const auto record = records.next();
        if (!record) {
            return core::fail(record.error());
        }
        if (!*record) {
            break;
        }
        if (auto put = sink_.put(**record); !put) {
            return put;
        }
        ++packets_;
    }
    return sink_.flush();
}

} // namespace pfild::bpfctl
