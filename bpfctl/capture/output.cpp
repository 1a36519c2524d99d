// SPDX-License-Identifier: BSD-2-Clause
// See output.h.
#include "bpfctl/capture/output.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace pfild::bpfctl {
namespace {

constexpr mode_t kMode = 0666; // what is left of it by the umask
constexpr std::size_t kFullBuffer = 262'144;

core::Error not_written(const std::string& name, int code) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    return {"write", name, std::strerror(code), code == ENOSPC ? "what was written before can be read" : "", code};
}

} // namespace

core::Result<Output> Output::create(const std::string& path) {
    if (path != "-") {
        client::Descriptor descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
        return descriptor.valid() ? core::Result<Output>(Output(std::move(descriptor), path))
                                  : core::fail(not_written(path, errno));
    }
    if (isatty(STDOUT_FILENO) == 1) {
        return core::fail(
            {"write", "standard output", "it is a terminal", "give a file, or a pipe to read it", EINVAL});
    }
    client::Descriptor copy(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    return copy.valid() ? core::Result<Output>(Output(std::move(copy), "standard output"))
                        : core::fail(not_written("standard output", errno));
}

core::Result<void> Output::commit(bool is_packet) {
    if (is_packet) {
        ends_.push_back(size());
    }
    return buffer_.size() < kFullBuffer ? core::Result<void>() : flush();
}

core::Result<void> Output::flush() {
    if (failed_) {
        return core::fail(*failed_);
    }
    std::size_t done = 0;
    while (done < buffer_.size()) {
        const ssize_t now = write(descriptor_.get(), &buffer_[done], buffer_.size() - done);
        if (now < 0 && errno != EINTR) {
            const int code = errno;
            count(done);
            failed_ = not_written(name_, code);
            return core::fail(*failed_);
        }
        done += now < 0 ? 0 : static_cast<std::size_t>(now);
    }
    count(done);
    buffer_.clear();
    return {};
}

void Output::count(std::size_t bytes) {
    written_ += bytes;
    while (!ends_.empty() && ends_.front() <= written_) {
        ends_.pop_front();
        ++kept_;
    }
}

} // namespace pfild::bpfctl
