// SPDX-License-Identifier: BSD-2-Clause
// See capture.h.
#include "bpfctl/capture/capture.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include <poll.h>

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kMostAround = 64;         ///< bytes that a file has around a packet, at most
constexpr std::uint32_t kSmallestBuffer = 4096; ///< bytes, that is asked for when there is no memory

std::vector<pfild_instruction> on_the_wire(const std::vector<cbpf::Instruction>& program) {
    std::vector<pfild_instruction> all;
    all.reserve(program.size());
    for (const cbpf::Instruction& in : program) {
        all.push_back({in.code, in.jt, in.jf, in.k});
    }
    return all;
}

/// A capture, and the interface of one of its devices.
struct DeviceWish {
    const CapturePlan& plan;
    const std::string& interface;
};

pfild_options options_of(const CapturePlan& plan) {
    pfild_options options{};
    options.immediate = plan.immediate || plan.live() ? 1 : 0;
    options.incoming = plan.directions.has(core::Direction::kIn) ? 1 : 0;
    options.outgoing = plan.directions.has(core::Direction::kOut) ? 1 : 0;
    options.origins = 1;
    options.nanoseconds = 1;
    return options;
}

core::Result<void> set_filter(client::RemoteDevice& device, const DeviceWish& wanted, filter::LinkType link_type) {
    const auto program = wanted.plan.program(wanted.interface, link_type);
    return program ? device.set_filter(on_the_wire(*program)) : core::fail(program.error());
}

/// Its size, bytes. All devices together have a limit: then half as much is asked for, as libpcap does.
core::Result<std::uint32_t> set_interface(client::RemoteDevice& device, const DeviceWish& wanted) {
    const std::string& interface = wanted.interface;
    for (std::uint32_t asked = wanted.plan.buffer_size;; asked /= 2) {
        auto size = device.set_buffer_size(asked);
        if (!size) {
            return size;
        }
        const auto set = device.set_interface(interface);
        if (set) {
            return size;
        }
        if (device.connected() && set.error().code == ENXIO) {
            return core::fail({"capture", interface, "it is not attached",
                               "`bpfctl attach " + interface + "` first; with --tap only to capture from it", ENXIO});
        }
        asked = std::min(asked, *size); // the daemon has a largest
        if (!device.connected() || set.error().code != ENOBUFS || asked <= kSmallestBuffer) {
            return core::fail(set.error());
        }
    }
}

core::Result<void> set_promiscuous(client::RemoteDevice& device, const DeviceWish& wanted) {
    if (!wanted.plan.promiscuous || wanted.interface == "any") {
        return {};
    }
    return device.set_promiscuous().map_error([](core::Error error) {
        error.advice = "-p captures without that";
        return error;
    });
}

/// Of an interface that goes the daemon tells a program what to do with its device; a person has an interface.
core::Error in_words_for(const std::string& interface, const core::Error& error) {
    if (error.what != "read" || error.code != EIO) {
        return error;
    }
    return {"capture", interface, "the interface is gone or was detached", "`bpfctl status` lists what is attached",
            EIO};
}

} // namespace

core::Result<DeviceSetting> Capture::set_up(client::RemoteDevice& device, const CapturePlan& plan,
                                            const std::string& interface) {
    const DeviceWish wanted{plan, interface};
    DeviceSetting setting;
    const auto number = device.set_options(options_of(plan))
                            .and_then([&] { return device.set_read_timeout(kReadTimeout); })
                            .and_then([&] { return set_filter(device, wanted, filter::kEthernet); })
                            .and_then([&] { return set_interface(device, wanted); })
                            .and_then([&](std::uint32_t given) {
                                setting.buffer_size = given;
                                return set_promiscuous(device, wanted);
                            })
                            .and_then([&] { return device.data_link(); });
    if (!number) {
        return core::fail(number.error());
    }
    if (*number == static_cast<std::uint32_t>(filter::kEthernet.number)) {
        return setting;
    }
    if (*number != static_cast<std::uint32_t>(filter::kRaw.number)) {
        return core::fail({"capture", interface, "its packets are of link type " + std::to_string(*number),
                           "only Ethernet and IP can be captured", EAFNOSUPPORT});
    }
    setting.link_type = filter::kRaw;
    // What the other filter has let in is thrown away with it.
    return set_filter(device, wanted, filter::kRaw).map([&] { return setting; });
}

/// Records of one device are lent: they stay where they are until the next read. With several devices each read would
/// take a buffer from a device that is not read again at once, so their records are copied.
Capture::Capture(std::vector<CaptureSource>& sources, PacketSink& sink, const CaptureLimits& limits)
    : sources_(sources), sink_(sink), limits_(limits),
      shared_(sources.size() == 1 && sources.front().device.share().has_value()), buffers_(sources.size()) {
    for (std::size_t i = 0; i < sources.size() && !shared_; ++i) {
        buffers_[i].resize(sources[i].setting.buffer_size);
    }
}

CaptureEnd Capture::run(Signals& signals, const std::function<void()>& say_statistics) {
    using Clock = std::chrono::steady_clock;
    const auto end = limits_.duration ? Clock::now() + *limits_.duration : Clock::time_point::max();
    core::Result<void> done;
    while (done && !is_complete() && Clock::now() < end) {
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

core::Result<void> Capture::read_on(int stop) {
    if (sources_.size() == 1) {
        return read_all({.wake = stop});
    }
    std::vector<pollfd> watched{{stop, POLLIN, 0}};
    for (const CaptureSource& source : sources_) {
        watched.push_back({source.device.readiness(), POLLIN, 0});
    }
    (void)poll(watched.data(), watched.size(), static_cast<int>(kReadTimeout.count()));
    return read_all({.nonblocking = true});
}

/// A read of each device; what has come is put in order of time. That nothing came, or that a read was interrupted, is
/// no error; after one, what others had to give is still put.
core::Result<void> Capture::read_all(const client::ReadWish& wish) {
    std::vector<Head> heads;
    core::Result<void> done;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const auto records = read(i, wish);
        if (records) {
            heads.push_back({client::RecordReader(*records), std::nullopt, i});
            continue;
        }
        const int code = records.error().code;
        if (done && !(sources_[i].device.connected() && (code == EAGAIN || code == EINTR))) {
            done = core::fail(in_words_for(sources_[i].interface, records.error()));
        }
    }
    if (auto put = put_records(heads); !put) {
        return put;
    }
    return done;
}

core::Result<std::span<const std::uint8_t>> Capture::read(std::size_t source, const client::ReadWish& wish) {
    client::RemoteDevice& device = sources_[source].device;
    if (shared_) {
        return device.borrow(wish);
    }
    std::vector<std::uint8_t>& buffer = buffers_[source];
    return device.read(buffer, wish).map([&](std::size_t filled) {
        return std::span<const std::uint8_t>(buffer).first(filled);
    });
}

/// What is buffered now; not what comes later, or this would never end.
core::Result<void> Capture::drain() {
    std::uint64_t end = packets_;
    for (CaptureSource& source : sources_) {
        const auto stats = source.device.stats();
        if (!stats) {
            return core::fail(stats.error());
        }
        end += stats->buffered;
    }
    std::uint64_t before = end;
    while (packets_ < end && !is_complete() && packets_ != before) {
        before = packets_;
        if (auto done = read_all({.nonblocking = true}); !done) {
            return done;
        }
    }
    return {};
}

/// The next record of a device is the one that Head has; a device without any is left out.
core::Result<void> Capture::put_records(std::vector<Head>& heads) {
    const auto step = [](Head& head) -> core::Result<void> {
        auto next = head.reader.next();
        if (!next) {
            return core::fail(next.error());
        }
        head.record = *next;
        return {};
    };
    for (Head& head : heads) {
        if (auto stepped = step(head); !stepped) {
            return stepped;
        }
    }
    std::erase_if(heads, [](const Head& head) { return !head.record; });
    while (!heads.empty() && !is_complete()) {
        const auto first = std::min_element(heads.begin(), heads.end(), is_earlier);
        if (limits_.bytes && sink_.size() + first->record->bytes.size() + kMostAround > *limits_.bytes) {
            full_ = true;
            break;
        }
        if (auto put = sink_.put(*first->record, first->source); !put) {
            return put;
        }
        packets_ += sink_.is_full() ? 0 : 1;
        if (auto stepped = step(*first); !stepped) {
            return stepped;
        }
        if (!first->record) {
            heads.erase(first);
        }
    }
    return sink_.flush();
}

bool Capture::is_earlier(const Head& one, const Head& other) {
    return std::pair(one.record->seconds, one.record->nanoseconds) <
           std::pair(other.record->seconds, other.record->nanoseconds);
}

} // namespace pfild::bpfctl
