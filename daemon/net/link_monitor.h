// SPDX-License-Identifier: BSD-2-Clause
// Tells what happens to the devices of a namespace, as the kernel announces it. Control thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/error.h"
#include "daemon/net/links.h"
#include "daemon/sys/loop.h"

namespace pfild::net {

class LinkMonitor {
  public:
    struct Events {
        std::function<void(std::uint32_t ifindex)> changed; ///< new, or anything about it changed
        std::function<void(std::uint32_t ifindex)> gone;    ///< no longer in this namespace
        std::function<void()> lost;                         ///< announcements were lost: look at everything anew
    };

    /// For the namespace that the calling thread is in. => `loop` outlives it.
    [[nodiscard]] static core::Result<std::unique_ptr<LinkMonitor>> open(sys::Loop& loop, Events events);

  private:
    explicit LinkMonitor(Events events) : events_(std::move(events)) {}
    static int on_message(nl_msg* message, void* self);
    void read();
    void announce(std::uint32_t ifindex, bool gone);

    struct Announced {
        std::uint32_t ifindex;
        bool gone; ///< at least for a moment
    };

    Events events_;
    std::vector<Announced> announced_; ///< and not told yet
    NlSocket socket_;
    sys::Registration registration_;
};

} // namespace pfild::net
