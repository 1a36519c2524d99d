// SPDX-License-Identifier: BSD-2-Clause
// See file_system.h. libfuse's low level, as one function for each request; each of them answers exactly once, at once
// or when the daemon has answered.
#define FUSE_USE_VERSION 314
#include "devbpf/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "client/device_message.h"
#include "devbpf/callers_memory.h"
#include "devbpf/ioctls.h"

namespace pfild::devbpf {
namespace {

constexpr std::uint32_t kOpenFlags =
    FOPEN_DIRECT_IO | FOPEN_STREAM | FOPEN_NONSEEKABLE | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES;
constexpr double kAttributeSeconds = 3600;
constexpr short kWritable = POLLOUT | POLLWRNORM;
constexpr short kReadable = POLLIN | POLLRDNORM;

/// A request that waits for the daemon: what an interrupt is to end. Lives as long as its answer is waited for.
struct Waiting {
    OpenDevice& device;
    std::uint32_t id = 0;
    bool interrupted = false;
};

void on_interrupt(fuse_req_t /*request*/, void* data) {
    auto& waiting = *static_cast<Waiting*>(data);
    waiting.interrupted = true;
    waiting.device.interrupt(waiting.id, std::chrono::steady_clock::now());
}

/// Asks, and hands the outcome to `answered`, which answers the request. => the device outlives it.
void ask(OpenDevice& device, fuse_req_t request, pfild_op op, ByteView payload, OpenDevice::Done answered) {
    const auto waiting = std::make_shared<Waiting>(Waiting{device});
    fuse_req_interrupt_func(request, on_interrupt, waiting.get());
    const auto now = std::chrono::steady_clock::now();
    waiting->id = device.ask(op, payload, now,
                             [waiting, answered = std::move(answered)](const Outcome& outcome) { answered(outcome); });
    if (waiting->interrupted && waiting->id != 0) { // before there was anything to interrupt
        device.interrupt(waiting->id, now);
    }
}

/// Answers a request that has failed; `succeeded` answers one that has not.
template <typename Succeeded>
OpenDevice::Done or_error(fuse_req_t request, Succeeded succeeded) {
    return [request, succeeded](const Outcome& outcome) {
        if (outcome.error != 0) {
            fuse_reply_err(request, outcome.error);
        } else {
            succeeded(outcome);
        }
    };
}

pfild_access access_of(int flags) {
    const int mode = flags & O_ACCMODE;
    return mode == O_RDONLY ? PFILD_ACCESS_READ : mode == O_WRONLY ? PFILD_ACCESS_WRITE : PFILD_ACCESS_BOTH;
}

/// What open(2) says if the daemon cannot be reached.
int open_error(int code) { return code == ENOENT || code == ECONNREFUSED ? ENXIO : code == EAGAIN ? EBUSY : code; }

Caller caller_of(fuse_req_t request) {
    const fuse_ctx& context = *fuse_req_ctx(request);
    return {.pid = context.pid, .uid = context.uid, .gid = context.gid};
}

/// A program that gives a wrong pointer is told so and nobody else; what is told here is that we cannot look.
int copy_error(const Caller& caller, const core::Error& error) {
    if (caller.pid == 0) {
        std::fprintf(stderr, "pfild-devbpf: %s\n", error.line().c_str());
    }
    return error.code;
}

/// Answers the ioctl; what goes to the program's memory goes there first.
void finish_ioctl(fuse_req_t request, const Question& asked, ByteView payload) {
    const auto told = answer(asked, payload);
    if (!told) {
        fuse_reply_err(request, told.error().code);
        return;
    }
    if (!told->link_types.empty()) {
        const Caller caller = caller_of(request);
        if (const auto done = write_memory(caller, asked.link_types.address, told->link_types); !done) {
            fuse_reply_err(request, copy_error(caller, done.error()));
            return;
        }
    }
    fuse_reply_ioctl(request, 0, told->argument.data(), told->argument.size());
}

} // namespace

struct FileSystem::Opened {
    std::unique_ptr<OpenDevice> device;
    fuse_pollhandle* poller = nullptr; ///< who is woken when it becomes ready
    std::uint32_t watched = 0;         ///< events of its socket
    bool refused = false;              ///< the open has failed: nobody has this handle

    Opened() = default;
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() {
        device.reset(); // its requests are answered first
        set_poller(nullptr);
    }
    void set_poller(fuse_pollhandle* next) {
        if (poller != nullptr) {
            fuse_pollhandle_destroy(poller);
        }
        poller = next;
    }
    [[nodiscard]] short ready() const {
        if (device->ended()) {
            return kWritable | kReadable | POLLHUP;
        }
        pollfd looked{.fd = device->readiness(), .events = POLLIN, .revents = 0};
        (void)::poll(&looked, 1, 0);
        const bool gone = (looked.revents & POLLHUP) != 0;
        return static_cast<short>(kWritable | (looked.revents != 0 ? kReadable : 0) | (gone ? POLLHUP : 0));
    }
};

/// What libfuse calls.
struct FileSystem::Operations {
    static FileSystem& of(fuse_req_t request) { return *static_cast<FileSystem*>(fuse_req_userdata(request)); }

    /// Asks the device that a request is for.
    static void ask_device(fuse_req_t request, std::uint64_t handle, pfild_op op, ByteView payload,
                           OpenDevice::Done answered) {
        FileSystem& self = of(request);
        Opened* const opened = self.find(handle);
        if (opened == nullptr) {
            fuse_reply_err(request, EBADF);
            return;
        }
        ask(*opened->device, request, op, payload, std::move(answered));
        self.settle(handle);
    }

    static void init(void* /*self*/, fuse_conn_info* connection) {
        connection->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
        connection->max_readahead = 0;
    }

    static void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
        const FileOptions& options = of(request).options_;
        struct stat status {};
        status.st_ino = inode;
        status.st_mode = S_IFREG | options.mode;
        status.st_nlink = 1;
        status.st_uid = options.owner;
        status.st_gid = options.group;
        fuse_reply_attr(request, &status, kAttributeSeconds);
    }

    /// Size and times are what they are, and nobody minds; owner and mode are the mount's.
    static void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* /*wanted*/, int what, fuse_file_info* file) {
        if ((what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0) {
            fuse_reply_err(request, EPERM);
        } else {
            getattr(request, inode, file);
        }
    }

    static void open(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* file) {
        FileSystem& self = of(request);
        auto socket = client::connect_device_socket(self.options_.socket_path, SOCK_NONBLOCK, 0);
        if (!socket) {
            fuse_reply_err(request, open_error(socket.error().code));
            return;
        }
        const std::uint64_t handle = ++self.last_handle_;
        Opened& opened = *self.opened_.emplace(handle, std::make_unique<Opened>()).first->second;
        opened.device = std::make_unique<OpenDevice>(std::move(*socket));
        const Caller caller = caller_of(request);
        const pfild_open_for wanted{
            .open = {.version = PFILD_WIRE_VERSION, .access = static_cast<__u32>(access_of(file->flags))},
            .pid = caller.pid,
            .uid = caller.uid,
            .gid = caller.gid};
        ask(*opened.device, request, PFILD_OP_OPEN, client::payload_of(wanted),
            [request, handle, &opened](const Outcome& outcome) {
                // Not fuse_reply_open(): libfuse's fuse_file_info knows fewer flags than the kernel.
                const fuse_open_out out{.fh = handle, .open_flags = kOpenFlags, .padding = 0};
                opened.refused = outcome.error != 0;
                if (opened.refused) {
                    fuse_reply_err(request, outcome.error);
                } else if (fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out) != 0) {
                    opened.refused = true; // who has opened it is gone
                }
            });
        self.settle(handle);
    }

    static void release(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* file) {
        of(request).close(file->fh);
        fuse_reply_err(request, 0);
    }

    static void read(fuse_req_t request, fuse_ino_t /*inode*/, std::size_t size, off_t /*offset*/,
                     fuse_file_info* file) {
        const __u32 flags = (file->flags & O_NONBLOCK) != 0 ? PFILD_READ_NONBLOCKING : 0;
        const pfild_read wanted{.size = static_cast<__u32>(size), .flags = flags};
        const auto read = [request](const Outcome& outcome) {
            fuse_reply_iov(request, outcome.parts.data(), static_cast<int>(outcome.parts.size()));
        };
        ask_device(request, file->fh, PFILD_OP_READ, client::payload_of(wanted), or_error(request, read));
    }

    static void write(fuse_req_t request, fuse_ino_t /*inode*/, const char* bytes, std::size_t size, off_t /*offset*/,
                      fuse_file_info* file) {
        const ByteView frame(reinterpret_cast<const std::uint8_t*>(bytes), size);
        const auto written = [request, size](const Outcome& /*outcome*/) { fuse_reply_write(request, size); };
        ask_device(request, file->fh, PFILD_OP_WRITE, frame, or_error(request, written));
    }

    static void ioctl(fuse_req_t request, std::uint64_t handle, std::uint32_t number, ByteView argument) {
        auto asked = question(number, argument);
        if (!asked) {
            fuse_reply_err(request, asked.error().code);
            return;
        }
        if (asked->program) {
            const Caller caller = caller_of(request);
            asked->payload.resize(asked->program->bytes);
            if (const auto read = read_memory(caller, asked->program->address, asked->payload); !read) {
                fuse_reply_err(request, copy_error(caller, read.error()));
                return;
            }
        }
        const auto kept = std::make_shared<Question>(std::move(*asked));
        const auto told = [request, kept](const Outcome& outcome) { finish_ioctl(request, *kept, outcome.bytes()); };
        ask_device(request, handle, kept->op, kept->payload, or_error(request, told));
    }

    static void poll(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* file, fuse_pollhandle* poller) {
        Opened* const opened = of(request).find(file->fh);
        if (opened == nullptr) {
            if (poller != nullptr) {
                fuse_pollhandle_destroy(poller);
            }
            fuse_reply_err(request, EBADF);
            return;
        }
        if (poller != nullptr) {
            const bool first = opened->poller == nullptr;
            opened->set_poller(poller);
            if (first) { // before it is looked at, so that nothing comes in between
                of(request).watch_readiness(file->fh, *opened);
            }
        }
        fuse_reply_poll(request, static_cast<unsigned int>(opened->ready()));
    }
};

void FileSystem::SessionEnd::operator()(fuse_session* session) const { fuse_session_destroy(session); }

void FileSystem::Freed::operator()(void* memory) const { std::free(memory); } // NOLINT(cppcoreguidelines-no-malloc)

FileSystem::FileSystem(FileOptions options, Loop& loop) : options_(std::move(options)), loop_(loop) {}

core::Result<std::unique_ptr<FileSystem>> FileSystem::start(client::Descriptor fuse, FileOptions options, Loop& loop) {
    std::unique_ptr<FileSystem> made(new FileSystem(std::move(options), loop));
    return made->begin(std::move(fuse)).map([&] { return std::move(made); });
}

core::Result<void> FileSystem::begin(client::Descriptor fuse) {
    static constexpr fuse_lowlevel_ops kOperations = [] {
        fuse_lowlevel_ops operations{};
        operations.init = Operations::init;
        operations.getattr = Operations::getattr;
        operations.setattr = Operations::setattr;
        operations.open = Operations::open;
        operations.release = Operations::release;
        operations.read = Operations::read;
        operations.write = Operations::write;
        operations.ioctl = [](fuse_req_t request, fuse_ino_t, unsigned int number, void*, fuse_file_info* file,
                              unsigned int, const void* argument, std::size_t size, std::size_t) {
            Operations::ioctl(request, file->fh, number,
                              {static_cast<const std::uint8_t*>(argument), argument == nullptr ? 0 : size});
        };
        operations.poll = Operations::poll;
        return operations;
    }();
    std::string name = "pfild-devbpf";
    std::array<char*, 2> words{name.data(), nullptr};
    fuse_args arguments = FUSE_ARGS_INIT(1, words.data());
    session_.reset(fuse_session_new(&arguments, &kOperations, sizeof kOperations, this));
    const std::string place = "/dev/fd/" + std::to_string(fuse.get());
    if (session_ == nullptr || fuse_session_mount(session_.get(), place.c_str()) != 0) {
        return core::fail({"serve", "the bpf device", "libfuse does not take it", "", EIO});
    }
    return loop_.watch(fuse.release(), EPOLLIN, [this](std::uint32_t /*events*/) { take_request(); }); // libfuse's now
}

FileSystem::~FileSystem() {
    while (!opened_.empty()) {
        close(opened_.begin()->first);
    }
    if (session_ != nullptr) {
        loop_.forget(fuse_session_fd(session_.get()));
    }
}

void FileSystem::take_request() {
    fuse_buf request{};
    request.mem = request_memory_.get();
    const int got = fuse_session_receive_buf(session_.get(), &request);
    if (request_memory_ == nullptr) {
        request_memory_.reset(request.mem); // libfuse has made it, as large as the largest
    }
    if (got > 0) {
        fuse_session_process_buf(session_.get(), &request);
    }
    over_ = over_ || fuse_session_exited(session_.get()) != 0 || (got < 0 && got != -EINTR && got != -EAGAIN);
}

FileSystem::Opened* FileSystem::find(std::uint64_t handle) {
    const auto at = opened_.find(handle);
    return at == opened_.end() ? nullptr : at->second.get();
}

void FileSystem::watch_socket(std::uint64_t handle, Opened& opened) {
    const std::uint32_t events = EPOLLIN | (opened.device->has_unsent() ? EPOLLOUT : 0U);
    if (std::exchange(opened.watched, events) == events) {
        return;
    }
    if (!loop_.watch(opened.device->socket(), events, [this, handle](std::uint32_t /*events*/) { proceed(handle); })) {
        std::fprintf(stderr, "pfild-devbpf: a device cannot be watched\n");
    }
}

/// Edges: the daemon puts a byte there, or takes it back; each new one is news.
void FileSystem::watch_readiness(std::uint64_t handle, Opened& opened) {
    if (opened.device->readiness() < 0) {
        return;
    }
    const auto wake = [this, handle](std::uint32_t /*events*/) {
        const Opened* const woken = find(handle);
        if (woken != nullptr && woken->poller != nullptr) {
            fuse_lowlevel_notify_poll(woken->poller);
        }
    };
    if (!loop_.watch(opened.device->readiness(), EPOLLIN | EPOLLRDHUP | EPOLLET, wake)) {
        std::fprintf(stderr, "pfild-devbpf: a device cannot be watched\n");
    }
}

void FileSystem::proceed(std::uint64_t handle) {
    if (const Opened* const opened = find(handle)) {
        opened->device->proceed();
        settle(handle);
    }
}

/// After a device was asked something, or has said something.
void FileSystem::settle(std::uint64_t handle) {
    Opened& opened = *find(handle);
    if (opened.refused) {
        return close(handle);
    }
    if (!opened.device->ended()) {
        return watch_socket(handle, opened);
    }
    loop_.forget(opened.device->socket()); // it would be ready for ever
    if (opened.poller != nullptr) {
        fuse_lowlevel_notify_poll(opened.poller);
    }
}

void FileSystem::close(std::uint64_t handle) {
    const auto at = opened_.find(handle);
    if (at == opened_.end()) {
        return;
    }
    if (at->second->device != nullptr) {
        loop_.forget(at->second->device->socket());
        loop_.forget(at->second->device->readiness());
    }
    opened_.erase(at);
}

std::optional<std::chrono::milliseconds> FileSystem::patience() const {
    std::optional<OpenDevice::Time> first;
    for (const auto& [handle, opened] : opened_) {
        const auto one = opened->device->deadline();
        first = !first || (one && *one < *first) ? one : first;
    }
    if (!first) {
        return std::nullopt;
    }
    return std::chrono::ceil<std::chrono::milliseconds>(*first - std::chrono::steady_clock::now());
}

void FileSystem::expire() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::uint64_t> handles;
    for (const auto& [handle, opened] : opened_) {
        if (const auto deadline = opened->device->deadline(); deadline && *deadline <= now) {
            handles.push_back(handle);
        }
    }
    for (const std::uint64_t handle : handles) {
        find(handle)->device->expire(now);
        settle(handle);
    }
}

} // namespace pfild::devbpf
