// SPDX-License-Identifier: BSD-2-Clause
// See sinks.h.
#include "bpfctl/capture/sinks.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ostream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

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

core::Result<void> FileSink::put(const client::Record& packet) {
    return file_.write(
        {.seconds = packet.seconds, .nanoseconds = packet.nanoseconds, .length = packet.length, .bytes = packet.bytes});
}

const std::vector<std::string>& viewer_command() {
    static const std::vector<std::string> kCommand{"tcpdump", "-n", "-l", "-r", "-"};
    return kCommand;
}

core::Result<std::unique_ptr<PacketSink>> ViewerSink::start(const std::vector<std::string>& command,
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
    return std::unique_ptr<PacketSink>(new ViewerSink(std::move(*packets), command[0], child));
}

ViewerSink::~ViewerSink() {
    if (child_ >= 0) {
        (void)finish();
    }
}

core::Result<void> ViewerSink::finish() {
    auto closed = packets_.finish();
    const pid_t child = std::exchange(child_, -1);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (closed && status != 0) {
        return core::fail({"show packets", "", name_ + " has ended with an error", "see above what it said", EIO});
    }
    return closed;
}

core::Result<void> LineSink::put(const client::Record& packet) {
    errno = 0;
    out_ << line_(packet);
    return {};
}

core::Result<void> LineSink::flush() {
    if (!out_.flush()) {
        return core::fail(unwritten_output());
    }
    return {};
}

} // namespace pfild::bpfctl
