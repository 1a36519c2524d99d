// SPDX-License-Identifier: BSD-2-Clause
// See perform.h.
#include "bpfctl/capture/perform.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>

#include "bpfctl/capture/capture.h"
#include "bpfctl/capture/interfaces.h"
#include "bpfctl/capture/signals.h"
#include "bpfctl/capture/sinks.h"
#include "bpfctl/endpoint.h"
#include "bpfctl/fields.h"
#include "bpfctl/run.h"
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

/// What is attached, by number, as the daemon says; nothing if it does not.
Interfaces::Known attached(const Options& options) {
    Interfaces::Known known;
    const auto status = ask_daemon(endpoint_of(options), "status", Json::object());
    if (status) {
        for (const Json& interface : member(*status, "interfaces")) {
            known.emplace(static_cast<std::uint32_t>(number(interface, "ifindex").value_or(0)),
                          text(interface, "name"));
        }
    }
    return known;
}

/// What a sink is made for.
struct Made {
    const CapturePlan& plan;
    const std::vector<CaptureSource>& sources;
    Interfaces& names;
    const Console& console;

    [[nodiscard]] std::vector<filter::LinkType> link_types() const {
        std::vector<filter::LinkType> all;
        all.reserve(sources.size());
        for (const CaptureSource& source : sources) {
            all.push_back(source.setting.link_type);
        }
        return all;
    }
};

core::Result<Sink> make_file(const Made& made, const std::string& path) {
    const CapturePlan& plan = made.plan;
    const auto link_types = made.link_types();
    if (plan.is_pcapng()) {
        std::vector<PcapngSink::Source> sources;
        sources.reserve(link_types.size());
        for (const filter::LinkType link_type : link_types) {
            sources.push_back({link_type, static_cast<std::uint32_t>(plan.snap_length), plan.expression});
        }
        return PcapngSink::create(path, made.names, std::move(sources));
    }
    if (std::count(link_types.begin(), link_types.end(), link_types[0]) != std::ssize(link_types)) {
        return core::fail({"write", path, "a pcap file has packets of one link type, and these have two",
                           "write pcapng: it is what FILE.pcapng is", EINVAL});
    }
    auto file = filter::CaptureFile::create(path, link_types[0], plan.snap_length);
    return file ? core::Result<Sink>(std::make_unique<PcapSink>(std::move(*file))) : core::fail(file.error());
}

/// tcpdump(8) names interfaces by their numbers, so it must be where they are the same.
core::Result<Sink> start_viewer(const Made& made) {
    std::vector<std::string> command = viewer_command();
    if (made.plan.link_header) {
        command.emplace_back("-e");
    }
    if (!made.names.several()) {
        return ViewerSink::start(command, made.sources[0].setting.link_type, made.plan.snap_length);
    }
    if (!made.names.are_those_here()) {
        return core::fail({"start", command[0], "it would not know the interfaces", "", ENOENT});
    }
    return ViewerSink::start_cooked(command, made.link_types(), made.plan.snap_length);
}

core::Result<Sink> make_sink(const Made& made, const Options& options) {
    if (made.plan.file) {
        const auto open = [made](const std::string& path) { return make_file(made, path); };
        return made.plan.rotation.any()
                   ? RotatingSink::start(*made.plan.file, made.plan.rotation, open, std::time(nullptr))
                   : open(*made.plan.file);
    }
    if (options.json) {
        return std::make_unique<LineSink>(
            made.console.out, [&names = made.names](const client::Record& packet, std::size_t source) {
                return compact(packet_json(packet, names.name_of(source, packet.ifindex))) + '\n';
            });
    }
    made.console.out.flush(); // the viewer writes to the same stream
    auto viewer = start_viewer(made);
    if (viewer || viewer.error().code != ENOENT) {
        return viewer;
    }
    return std::make_unique<LineSink>(
        made.console.out, [&names = made.names, types = made.link_types(),
                           with_link = made.plan.link_header](const client::Record& packet, std::size_t source) {
            return packet_line(packet, types.at(source),
                               names.several() ? names.name_of(source, packet.ifindex) : std::string(), with_link);
        });
}

std::uint32_t smallest_buffer(const std::vector<CaptureSource>& sources) {
    const auto smallest = std::min_element(sources.begin(), sources.end(), [](const auto& a, const auto& b) {
        return a.setting.buffer_size < b.setting.buffer_size;
    });
    return smallest->setting.buffer_size;
}

std::string buffer_text(const CapturePlan& plan, std::uint32_t given) {
    const std::string asked = given < plan.buffer_size ? " (asked for " + bytes(plan.buffer_size) + ')' : "";
    return ", 2 buffers of " + bytes(given) + asked + (plan.interfaces.size() > 1 ? " each" : "");
}

void announce(const Made& made, const Options& options) {
    const CapturePlan& plan = made.plan;
    if (!options.json) {
        const std::string where = plan.file ? ", writing " + (*plan.file == "-" ? "standard output" : *plan.file) : "";
        const std::string how = buffer_text(plan, smallest_buffer(made.sources));
        made.console.err << printable("capturing on " + made.names.text() + where + how) << std::endl;
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

/// What the device of each source has counted, and all of them together; not, if one cannot be asked.
struct Counts {
    std::vector<std::optional<pfild_stats>> each;
    core::Result<pfild_stats> all;

    explicit Counts(std::vector<CaptureSource>& sources) : all(pfild_stats{}) {
        for (CaptureSource& source : sources) {
            const auto stats = source.device.stats();
            each.push_back(stats ? std::optional(*stats) : std::nullopt);
            if (!stats) {
                all = core::fail(stats.error());
            } else if (all) {
                all->received += stats->received;
                all->filtered += stats->filtered;
                all->dropped += stats->dropped;
                all->lost += stats->lost;
            }
        }
    }
};

/// What there is to say of a capture, at its end and on the way.
struct Report {
    const Options& options;
    const Console& console;
    std::uint32_t buffer_size; ///< bytes

    void say(std::uint64_t packets, const Counts& counts, bool at_the_end) const {
        if (options.json) {
            console.out << compact(statistics_json(packets, counts.all, buffer_size)) << std::endl;
        } else if (at_the_end) {
            console.err << statistics_text(packets, counts.all, "\n") << std::flush;
        } else {
            console.err << "bpfctl: " << statistics_text(packets, counts.all, ", ") << std::flush;
        }
    }
};

/// Sets the device up, as often as it takes until the interface is attached, if that is to be waited for. Nothing: a
/// signal has ended the waiting.
core::Result<std::optional<DeviceSetting>> set_up_in_time(client::RemoteDevice& device, const CapturePlan& plan,
                                                          const std::string& interface, Signals& signals,
                                                          const std::function<void()>& say) {
    bool said = false;
    for (;;) {
        auto setting = Capture::set_up(device, plan, interface);
        if (setting) {
            return std::optional(*setting);
        }
        if (!plan.wait || !device.connected() || setting.error().code != ENXIO) {
            return core::fail(std::move(setting.error()));
        }
        if (!std::exchange(said, true)) {
            say();
        }
        pollfd watched{signals.descriptor(), POLLIN, 0};
        (void)poll(&watched, 1, static_cast<int>(kReadTimeout.count()));
        if (signals.take().end) {
            return std::optional<DeviceSetting>();
        }
    }
}

/// A device for each interface; none: a signal has ended the waiting for one.
Outcome<std::vector<CaptureSource>> set_up_all(const CapturePlan& plan, const Options& options, Signals& signals,
                                               const Console& console) {
    std::vector<CaptureSource> sources;
    for (const std::string& interface : plan.interfaces) {
        auto device = open_device(device_endpoint_of(options));
        if (!device) {
            return tl::make_unexpected(std::move(device.error()));
        }
        auto source = set_up_in_time(*device, plan, interface, signals, [&] {
            console.err << printable("waiting for " + interface + " to be attached") << std::endl;
        });
        if (!source) {
            return fail(exit_of(*device), source.error());
        }
        if (!*source) {
            return std::vector<CaptureSource>();
        }
        sources.push_back({interface, std::move(*device), **source});
    }
    return sources;
}

} // namespace

Outcome<void> perform_capture(const CapturePlan& plan, const Options& options, const Console& console) {
    auto signals = Signals::block();
    if (!signals) {
        return fail(Exit::kRefused, signals.error());
    }
    auto sources = set_up_all(plan, options, *signals, console);
    if (!sources) {
        return tl::make_unexpected(std::move(sources.error()));
    }
    if (sources->empty()) {
        return {};
    }
    Interfaces names(plan.interfaces, [&options] { return attached(options); });
    const Made made{plan, *sources, names, console};
    auto sink = make_sink(made, options);
    if (!sink) {
        return fail(Exit::kRefused, std::move(sink.error()));
    }
    announce(made, options);
    const Report report{options, console, smallest_buffer(*sources)};
    Capture capture(*sources, **sink, {plan.count, plan.bytes, plan.duration});
    CaptureEnd end =
        capture.run(*signals, [&] { report.say((*sink)->kept(capture.packets()), Counts(*sources), false); });
    const bool all_answer = std::all_of(sources->begin(), sources->end(),
                                        [](const CaptureSource& source) { return source.device.connected(); });
    const Counts counts(*sources);
    if (auto finished = (*sink)->finish(counts.each); !finished && !end.error) {
        end.error = std::move(finished.error());
    }
    report.say((*sink)->kept(end.packets), counts, true);
    if (end.error) {
        return fail(all_answer ? Exit::kRefused : Exit::kUnreachable, std::move(*end.error));
    }
    return {};
}

} // namespace pfild::bpfctl
