// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/device_thread.h.
#include "daemon/device/device_thread.h"

#include <chrono>
#include <future>
#include <utility>

#include <pthread.h>
#include <spdlog/spdlog.h>

#include "daemon/sys/clock.h"

namespace pfild::device {

core::Result<std::unique_ptr<DeviceThread>> DeviceThread::start(DeviceThreadOptions options, capture::TapPort& port) {
    auto loop = sys::Loop::create();
    if (!loop) {
        return core::fail(std::move(loop.error()));
    }
    std::unique_ptr<DeviceThread> self(new DeviceThread(std::move(*loop)));
    self->table_ = std::make_unique<capture::DeviceTable>(options.limits, port);
    auto server = Server::listen(std::move(options.socket), *self->loop_, *self->table_,
                                 [thread = self.get()] { thread->announce(); });
    if (!server) {
        return core::fail(std::move(server.error()));
    }
    self->server_ = std::move(*server);
    self->thread_ = std::thread([thread = self.get()] { thread->run(); });
    ::pthread_setname_np(self->thread_.native_handle(), "pfild-device");
    return self;
}

DeviceThread::~DeviceThread() {
    if (thread_.joinable()) {
        loop_->stop();
        thread_.join();
    }
}

void DeviceThread::run() {
    if (auto ran = loop_->run(); !ran) {
        spdlog::critical("devices: {}", ran.error().line());
    }
    // Here, not in the destructor: the tap is told by this thread.
    deadline_.reset();
    server_.reset();
    table_->announce();
    table_.reset();
    loop_->refuse_tasks(); // who waits in call() is told so
}

bool DeviceThread::call(const Work& work) {
    auto task = std::make_shared<std::packaged_task<void()>>([&] {
        work(*loop_, *table_);
        announce();
    });
    std::future<void> done = task->get_future();
    loop_->post([task = std::move(task)] { (*task)(); });
    try {
        done.get();
    } catch (const std::future_error&) { // the task was destroyed unrun
        return false;
    }
    return true;
}

void DeviceThread::announce() {
    do {
        table_->announce();
    } while (server_->sweep() != 0); // each time there are fewer
    arm_deadline();
}

/// A timer that comes too early is left as it is: most reads end before their time, and a new one would cost more.
void DeviceThread::arm_deadline() {
    const std::uint64_t now = sys::now_ns();
    const std::optional<std::uint64_t> wanted = table_->deadline_ns(now);
    if (!wanted || (armed_ns_ && *armed_ns_ <= *wanted)) {
        return;
    }
    auto timer = loop_->once(std::chrono::nanoseconds(*wanted > now ? *wanted - now : 0), [this] {
        armed_ns_.reset();
        table_->expire(sys::now_ns());
        announce();
    });
    if (!timer) {
        spdlog::warn("devices: {}", timer.error().line()); // tried again after the next packets or request
        return;
    }
    deadline_ = std::move(*timer);
    armed_ns_ = wanted;
}

} // namespace pfild::device
