// SPDX-License-Identifier: BSD-2-Clause
// See perform.h.
#include "bpfctl/capture/perform.h"

#include <cerrno>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "bpfctl/capture/capture.h"
#include "bpfctl/capture/signals.h"
#include "bpfctl/capture/sinks.h"
#include "bpfctl/endpoint.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/packet.h"
#include "bpfctl/text/units.h"
#include "client/remote_device.h"

namespace pfild::bpfctl {
namespace {

using Sink = std::unique_ptr<PacketSink>;

std::string how_to_capture(const Endpoint& endpoint, int code) {
    if (code == EACCES || code == EPERM) {
        return "only root and the group pfild may capture";
    }
    return how_to_start(endpoint);
}

Exit exit_of(const client::RemoteDevice& device) { return device.connected() ? Exit::kRefused : Exit::kUnreachable; }

Outcome<client::RemoteDevice> open_device(const Endpoint& endpoint) {
    auto connection = client::DeviceConnection::connect(endpoint.path);
    if (!connection) {
        core::Error error = std::move(connection.error());
        error.advice = how_to_capture(endpoint, error.code);
        return fail(Exit::kUnreachable, std::move(error));
    }
    auto device = client::RemoteDevice::open(std::move(*connection));
    if (!device) {
        const bool answered = device.error().what != "daemon";
        return fail(answered ? Exit::kRefused : Exit::kUnreachable, std::move(device.error()));
    }
    return std::move(*device);
}

core::Result<Sink> make_sink(const CapturePlan& plan, filter::LinkType link_type, const Options& options,
                             const Console& console) {
    if (plan.file) {
        auto file = filter::CaptureFile::create(*plan.file, link_type, plan.snap_length);
        return file ? core::Result<Sink>(std::make_unique<FileSink>(std::move(*file))) : core::fail(file.error());
    }
    const bool any = plan.interface == "any";
    if (options.json) {
        return std::make_unique<LineSink>(console.out,
                                          [name = any ? "" : plan.interface](const client::Record& packet) {
                                              return compact(packet_json(packet, name)) + '\n';
                                          });
    }
    console.out.flush(); // the viewer writes to the same stream
    auto viewer = ViewerSink::start(viewer_command(), link_type, plan.snap_length);
    if (viewer || viewer.error().code != ENOENT) {
        return viewer;
    }
    return std::make_unique<LineSink>(
        console.out, [any, link_type](const client::Record& packet) { return packet_line(packet, link_type, any); });
}

std::string buffer_text(const CapturePlan& plan, std::uint32_t given) {
    const std::string asked = given < plan.buffer_size ? " (asked for " + bytes(plan.buffer_size) + ')' : "";
    return ", 2 buffers of " + bytes(given) + asked;
}

void announce(const CapturePlan& plan, const CaptureSource& source, const Options& options, const Console& console) {
    if (!options.json) {
        const std::string where = plan.file ? ", writing " + (*plan.file == "-" ? "standard output" : *plan.file) : "";
        const std::string how = buffer_text(plan, source.buffer_size);
        console.err << printable("capturing on " + plan.interface + where + how) << std::endl;
    }
}

/// The words of tcpdump(8), so that scripts which look for them find them.
std::string statistics_text(std::uint64_t packets, const core::Result<pfild_stats>& stats, std::string_view between) {
    std::string text = counted(packets, "packet") + " captured";
    if (stats) {
        text.append(between).append(counted(stats->received, "packet")).append(" received by filter");
        text.append(between).append(counted(stats->dropped, "packet")).append(" dropped by kernel");
    }
    return text + '\n';
}

Json statistics_json(std::uint64_t packets, const core::Result<pfild_stats>& stats, std::uint32_t buffer_size) {
    Json counters{{"captured", packets}, {"buffer_size", buffer_size}};
    if (stats) {
        counters["received"] = stats->received;
        counters["filtered"] = stats->filtered;
        counters["dropped"] = stats->dropped;
        counters["lost"] = stats->lost;
    }
    return {{"statistics", std::move(counters)}};
}

/// What there is to say of a capture, at its end and on the way.
struct Report {
    const Options& options;
    const Console& console;
    std::uint32_t buffer_size; ///< bytes
    client::RemoteDevice& device;

    void say(std::uint64_t packets, bool at_the_end) const {
        const auto stats = device.stats();
        if (options.json) {
            console.out << compact(statistics_json(packets, stats, buffer_size)) << std::endl;
        } else if (at_the_end) {
            console.err << statistics_text(packets, stats, "\n") << std::flush;
        } else {
            console.err << "bpfctl: " << statistics_text(packets, stats, ", ") << std::flush;
        }
    }
};

/// Of an interface that goes the daemon tells a program what to do with its device; a person has an interface.
core::Error in_words_for(const CapturePlan& plan, core::Error error) {
    if (error.what != "read" || error.code != EIO) {
        return error;
    }
    return {"capture", plan.interface, "the interface is gone or was detached",
            "`bpfctl status` lists what is attached", EIO};
}

} // namespace

Outcome<void> perform_capture(const CapturePlan& plan, const Options& options, const Console& console) {
    auto signals = Signals::block();
    if (!signals) {
        return fail(Exit::kRefused, signals.error());
    }
    auto device = open_device(device_endpoint_of(options));
    if (!device) {
        return tl::make_unexpected(std::move(device.error()));
    }
    const auto source = Capture::set_up(*device, plan);
    if (!source) {
        return fail(exit_of(*device), source.error());
    }
    auto sink = make_sink(plan, source->link_type, options, console);
    if (!sink) {
        return fail(Exit::kRefused, std::move(sink.error()));
    }
    announce(plan, *source, options, console);
    const Report report{options, console, source->buffer_size, *device};
    Capture capture(*device, **sink, plan.count, source->buffer_size);
    CaptureEnd end = capture.run(*signals, [&] { report.say((*sink)->kept(capture.packets()), false); });
    const Exit exit = exit_of(*device);
    if (auto finished = (*sink)->finish(); !finished && !end.error) {
        end.error = std::move(finished.error());
    }
    report.say((*sink)->kept(end.packets), true);
    if (end.error) {
        return fail(exit, in_words_for(plan, std::move(*end.error)));
    }
    return {};
}

} // namespace pfild::bpfctl
