// SPDX-License-Identifier: BSD-2-Clause
// The thread of the bpf devices: its loop, the table of devices, and the socket over which programs use them.
//
//      control thread --call(work)-->  +-----------------------------+  --> TapPort: what the taps have to take
//      tap ring, by announce() ------->  |  loop, DeviceTable, Server  |
//                                      +-----------------------------+  <-> programs, bpf.sock
//
// The tap's reader registers its descriptor in the loop, inside a call(). When packets have come it shows them to the
// table (dispatch, charge_lost) and then calls announce(), once a batch: programs hear of them by that, reads and waits
// that end with a time-out are armed by that. It must be gone, by another call(), before this thread ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "capture/device_table.h"
#include "core/error.h"
#include "daemon/device/server.h"
#include "daemon/sys/loop.h"

namespace pfild::device {

struct DeviceThreadOptions {
    ServerOptions socket;
    capture::DeviceLimits limits;
};

class DeviceThread {
  public:
    using Work = std::function<void(sys::Loop& loop, capture::DeviceTable& table)>;

    /// Programs can open devices from the return on; the errors are those of listen_at(), and EMFILE.
    /// => `port` outlives it, and is called by the new thread alone.
    [[nodiscard]] static core::Result<std::unique_ptr<DeviceThread>> start(DeviceThreadOptions options,
                                                                           capture::TapPort& port);
    DeviceThread(const DeviceThread&) = delete;
    DeviceThread& operator=(const DeviceThread&) = delete;
    DeviceThread(DeviceThread&&) = delete;
    DeviceThread& operator=(DeviceThread&&) = delete;
    /// Ends all connections, closes all devices, tells the taps so, and waits for the thread's end.
    ~DeviceThread();

    /// Runs `work` on the thread, announces, and returns when both are done. False: the thread has ended, because its
    /// loop could not go on (which is logged); nothing was run, there are no devices any more. => not called by the
    /// thread itself, and `work` opens and closes no devices.
    bool call(const Work& work);
    /// After every batch of packets. => on the thread itself, not inside a call().
    void announce();

  private:
    explicit DeviceThread(std::unique_ptr<sys::Loop> loop) noexcept : loop_(std::move(loop)) {}
    void run();
    void arm_deadline();

    std::unique_ptr<sys::Loop> loop_;
    std::unique_ptr<capture::DeviceTable> table_;
    std::unique_ptr<Server> server_;
    sys::Registration deadline_;
    std::optional<std::uint64_t> armed_ns_; ///< when `deadline_` comes
    std::thread thread_;
};

} // namespace pfild::device
