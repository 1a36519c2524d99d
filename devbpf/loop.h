// SPDX-License-Identifier: BSD-2-Clause
// The one place where pfild-devbpf waits: descriptors with what is called when they are ready (epoll). One event at a
// time, so that what an event closes is never called for another that came with it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "client/descriptor.h"
#include "core/error.h"

namespace pfild::devbpf {

class Loop {
  public:
    /// `events`: as epoll has them.
    using Call = std::function<void(std::uint32_t events)>;

    [[nodiscard]] static core::Result<Loop> make();

    /// Calls `call` when one of `events` is there; in place of what was said of this descriptor before. ENOMEM, ENOSPC:
    /// it is not watched. => forget() comes before it is closed.
    [[nodiscard]] core::Result<void> watch(int descriptor, std::uint32_t events, Call call);
    void forget(int descriptor);

    /// Waits for an event, at most so long (nothing: for ever), and calls.
    [[nodiscard]] core::Result<void> wait(std::optional<std::chrono::milliseconds> most);

  private:
    explicit Loop(client::Descriptor events) : events_(std::move(events)) {}

    client::Descriptor events_;
    std::map<int, Call> calls_;
};

} // namespace pfild::devbpf
