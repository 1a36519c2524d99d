// SPDX-License-Identifier: BSD-2-Clause
// A line in, a line out: parses a request, calls the service, renders the answer. Control thread.
#pragma once

#include <string>
#include <string_view>

#include "daemon/api/service.h"

namespace pfild::api {

class Dispatcher {
  public:
    /// => `service` outlives it. `unknown` is what attach means when the request does not say.
    Dispatcher(Service& service, core::UnknownPackets unknown) noexcept : service_(service), unknown_(unknown) {}

    void set_default_unknown(core::UnknownPackets unknown) noexcept { unknown_ = unknown; }

    /// `line` without its newline; the answer has one. Never throws for what `line` holds.
    [[nodiscard]] std::string answer(std::string_view line);

  private:
    Service& service_;
    core::UnknownPackets unknown_;
};

} // namespace pfild::api
