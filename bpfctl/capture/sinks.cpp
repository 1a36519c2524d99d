// SPDX-License-Identifier: BSD-2-Clause
// See sinks.h.
#include "bpfctl/capture/sinks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ostream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpfctl/capture/cooked.h"
#include "bpfctl/capture/pcapng.h"
#include "bpfctl/failure.h"
#include "client/descriptor.h"

namespace pfild::bpfctl {
namespace {

core::Error not_started(const std::string& program, int code) {
    return {"start", program, std::strerror(code), "", code}; // NOLINT(concurrency-mt-unsafe): one thread
}

/// The child's input is this end of the pipe, and it does not inherit that writing to a closed pipe is an error only.
int spawn(const std::vector<std::string>& command, int input, pid_t& child) {
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const std::string& word : command) {
        words.push_back(const_cast<char*>(word.c_str())); // NOLINT(cppcoreguidelines-pro-type-const-cast): execve(2)'s
    }
    words.push_back(nullptr);
    sigset_t signals;
    pthread_sigmask(SIG_SETMASK, nullptr, &signals);
    sigdelset(&signals, SIGPIPE);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int code = posix_spawnp(&child, words[0], &actions, &attributes, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

} // namespace

core::Result<void> PcapSink::put(const client::Record& packet, std::size_t /*source*/) {
    constexpr std::size_t kHeader = 16;
    size_ += kHeader + packet.bytes.size();
    return file_.write(
        {.seconds = packet.seconds, .nanoseconds = packet.nanoseconds, .length = packet.length, .bytes = packet.bytes});
}

core::Result<std::unique_ptr<PacketSink>> PcapngSink::create(const std::string& path, Interfaces& names,
                                                             std::vector<Source> sources) {
    auto output = Output::create(path);
    if (!output) {
        return core::fail(std::move(output.error()));
    }
    std::unique_ptr<PcapngSink> made(new PcapngSink(std::move(*output), names, std::move(sources)));
    pcapng::append_section(made->output_.buffer(), "bpfctl " PFILD_VERSION);
    if (auto begun = made->output_.flush(); !begun) { // so that a reader of a pipe knows what it will get
        return core::fail(std::move(begun.error()));
    }
    return made;
}

/// An interface's block comes before its first packet: which ones `any` has is known only then. Other sources have one.
std::size_t PcapngSink::number_of(std::size_t source, std::uint32_t ifindex) {
    ifindex = names_.is_any(source) ? ifindex : 0;
    const auto found = std::find_if(described_.begin(), described_.end(), [&](const Described& one) {
        return one.source == source && one.ifindex == ifindex;
    });
    if (found == described_.end()) {
        const Source& of = sources_.at(source);
        pcapng::append_interface(output_.buffer(),
                                 {names_.name_of(source, ifindex), of.link_type, of.snap_length, of.filter});
        described_.push_back({source, ifindex});
        return described_.size() - 1;
    }
    return static_cast<std::size_t>(found - described_.begin());
}

core::Result<void> PcapngSink::put(const client::Record& packet, std::size_t source) {
    const std::size_t number = number_of(source, packet.ifindex);
    ++described_[number].packets;
    pcapng::append_packet(output_.buffer(), {packet, static_cast<std::uint32_t>(number)});
    return output_.commit(true);
}

/// A device of several interfaces has counted what came of all of them; then that is a comment.
core::Result<void> PcapngSink::finish(Counted counted) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto nanoseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    for (std::size_t source = 0; source < sources_.size(); ++source) {
        if (!names_.is_any(source)) {
            (void)number_of(source, 0); // also one that no packet came from
        }
    }
    for (std::size_t i = 0; i < described_.size(); ++i) {
        const Described& one = described_[i];
        pcapng::Statistics statistics{.interface = static_cast<std::uint32_t>(i), .nanoseconds = nanoseconds};
        std::string comment;
        if (const auto& stats = one.source < counted.size() ? counted[one.source] : std::nullopt; stats) {
            if (names_.is_any(one.source)) {
                comment = "all interfaces together: " + std::to_string(stats->received) + " received by filter, " +
                          std::to_string(stats->dropped) + " dropped by kernel";
            } else {
                statistics.received = stats->received;
                statistics.accepted = stats->captured;
                statistics.dropped = stats->dropped;
            }
        }
        statistics.written = one.packets;
        statistics.comment = comment;
        pcapng::append_statistics(output_.buffer(), statistics);
    }
    (void)output_.commit(false);
    return output_.flush();
}

const std::vector<std::string>& viewer_command() {
    static const std::vector<std::string> kCommand{"tcpdump", "-n", "-l", "-r", "-"};
    return kCommand;
}

core::Result<std::unique_ptr<ViewerSink>> ViewerSink::begin(const std::vector<std::string>& command,
                                                            filter::LinkType link_type, int snap_length) {
    std::array<int, 2> ends{-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return core::fail(not_started(command[0], errno));
    }
    const client::Descriptor input(ends[0]);
    client::Descriptor output(ends[1]);
    pid_t child = -1;
    if (const int code = spawn(command, input.get(), child); code != 0) {
        return core::fail(not_started(command[0], code));
    }
    auto packets = filter::CaptureFile::adopt(output.release(), "to " + command[0], link_type, snap_length);
    if (!packets) {
        waitpid(child, nullptr, 0); // its input has ended
        return core::fail(std::move(packets.error()));
    }
    return std::unique_ptr<ViewerSink>(new ViewerSink(std::move(*packets), command[0], child));
}

core::Result<std::unique_ptr<PacketSink>> ViewerSink::start_cooked(const std::vector<std::string>& command,
                                                                   std::vector<filter::LinkType> sources,
                                                                   int snap_length) {
    return begin(command, kCooked, snap_length + static_cast<int>(kCookedHeader))
        .map([&](std::unique_ptr<ViewerSink> viewer) {
            viewer->cooked_ = std::move(sources);
            return std::unique_ptr<PacketSink>(std::move(viewer));
        });
}

core::Result<std::unique_ptr<PacketSink>> ViewerSink::start(const std::vector<std::string>& command,
                                                            filter::LinkType link_type, int snap_length) {
    return begin(command, link_type, snap_length).map([](std::unique_ptr<ViewerSink> viewer) {
        return std::unique_ptr<PacketSink>(std::move(viewer));
    });
}

core::Result<void> ViewerSink::put(const client::Record& packet, std::size_t source) {
    return cooked_.empty() ? packets_.put(packet, source)
                           : packets_.put(cooked(packet, cooked_.at(source), bytes_), source);
}

ViewerSink::~ViewerSink() {
    if (child_ >= 0) {
        (void)finish({});
    }
}

core::Result<void> ViewerSink::finish(Counted counted) {
    auto closed = packets_.finish(counted);
    const pid_t child = std::exchange(child_, -1);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (closed && status != 0) {
        return core::fail({"show packets", "", name_ + " has ended with an error", "see above what it said", EIO});
    }
    return closed;
}

core::Result<void> LineSink::put(const client::Record& packet, std::size_t source) {
    errno = 0;
    out_ << line_(packet, source);
    return {};
}

core::Result<void> LineSink::flush() {
    if (!out_.flush()) {
        return core::fail(unwritten_output());
    }
    return {};
}

} // namespace pfild::bpfctl
