// SPDX-License-Identifier: BSD-2-Clause
// The descriptor that a program polls in place of a device: readable, writable and hung up as the device is (contract
// BD-30 to BD-38), across dup(2), fork(2) and SCM_RIGHTS.
//
//      daemon                       socketpair(2)                client, children ...
//      near_ : a byte goes in --------------------> far end : readable while the byte is there
//              shutdown(SHUT_WR) ----------------->           POLLHUP
//              shutdown(SHUT_RD), at once                     always writable: nothing that is written is kept (EPIPE)
//      far_  : a duplicate of the far end, with which the byte is taken back
//
// The other side can do with its end what it likes, also read the byte or close it: it only deceives itself. Device
// thread.
#pragma once

#include "capture/device.h"
#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::device {

class ReadinessEnd {
  public:
    /// Shows a device that was just opened: readable. EMFILE, ENFILE, ENOMEM.
    [[nodiscard]] static core::Result<ReadinessEnd> make();

    /// To be sent to the client; stays open here.
    [[nodiscard]] int far_end() const noexcept { return far_.get(); }
    /// A system call if something has changed, else none. What was hung up stays so.
    void show(capture::Readiness readiness) noexcept;

  private:
    ReadinessEnd(sys::Fd near, sys::Fd far) noexcept : near_(std::move(near)), far_(std::move(far)) {}

    sys::Fd near_;
    sys::Fd far_;
    capture::Readiness shown_;
};

} // namespace pfild::device
