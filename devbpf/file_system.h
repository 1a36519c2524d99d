// SPDX-License-Identifier: BSD-2-Clause
// /dev/bpf: a FUSE file system that is one regular file. Each open of it is a device of the daemon (open_device.h).
//
//     kernel --/dev/fuse--> open, read, write, ioctl, poll, release, interrupt --> OpenDevice --> bpf.sock
//            <------------- answers, "look again" of a poll
//
// What the flags of an open are for: DIRECT_IO, every read and write comes here as it was made; STREAM, there is no
// position, so that a second reader of a shared file is told EIO and does not wait for the first one's lock;
// NONSEEKABLE; NOFLUSH, a close costs nothing, and RELEASE comes with the last one; PARALLEL_DIRECT_WRITES.
//
// Poll: once a program has polled, each byte on the device's readiness wakes who polls, for good. Also one who was told
// "readable" is woken by the next byte: without it epoll with EPOLLET would sleep for ever.
//
// Owns the session and all that is open. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "client/descriptor.h"
#include "core/error.h"
#include "devbpf/loop.h"
#include "devbpf/open_device.h"

struct fuse_session;

namespace pfild::devbpf {

struct FileOptions {
    std::string socket_path; ///< of the daemon's device socket
    uid_t owner = 0;         ///< who may open it: the kernel looks at these
    gid_t group = 0;
    mode_t mode = 0600;
};

class FileSystem {
  public:
    /// Serves what is mounted with `fuse`, a descriptor of /dev/fuse. => `loop` outlives it.
    [[nodiscard]] static core::Result<std::unique_ptr<FileSystem>> start(client::Descriptor fuse, FileOptions options,
                                                                         Loop& loop);
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    /// Whoever waits for an answer gets EIO; who comes later, that there is nobody.
    ~FileSystem();

    /// It was unmounted.
    [[nodiscard]] bool over() const noexcept { return over_; }
    /// How long the loop may wait; nothing: for ever.
    [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const;
    /// Ends what has had its time. To be called after each wait.
    void expire();

  private:
    struct Opened;
    struct Operations;

    FileSystem(FileOptions options, Loop& loop);

    [[nodiscard]] core::Result<void> begin(client::Descriptor fuse);
    void take_request();
    void proceed(std::uint64_t handle);
    void watch_socket(std::uint64_t handle, Opened& opened);
    void watch_readiness(std::uint64_t handle, Opened& opened);
    void settle(std::uint64_t handle);
    void close(std::uint64_t handle);
    [[nodiscard]] Opened* find(std::uint64_t handle);

    FileOptions options_;
    Loop& loop_;
    struct SessionEnd {
        void operator()(fuse_session* session) const;
    };
    struct Freed {
        void operator()(void* memory) const;
    };
    std::unique_ptr<fuse_session, SessionEnd> session_;
    std::unique_ptr<void, Freed> request_memory_;             ///< of one request
    std::map<std::uint64_t, std::unique_ptr<Opened>> opened_; ///< by what FUSE calls a file handle
    std::uint64_t last_handle_ = 0;
    bool over_ = false;
};

} // namespace pfild::devbpf
