// SPDX-License-Identifier: BSD-2-Clause
// A line in, a line out: parses a request, calls the service, renders the answer. Control thread.
#pragma once

#include <string>
#include <string_view>

#include "daemon/api/service.h"

namespace pfild::api {

class Dispatcher {
  public:
    /// => `service` outlives it.
    Dispatcher(Service& service, AttachDefaults defaults) noexcept : service_(service), defaults_(defaults) {}

    void set_defaults(AttachDefaults defaults) noexcept { defaults_ = defaults; }

    /// `line` without its newline; the answer has one. Never throws for what `line` holds.
    [[nodiscard]] std::string answer(std::string_view line);

  private:
    Service& service_;
    AttachDefaults defaults_;
};

} // namespace pfild::api
