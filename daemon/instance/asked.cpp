// SPDX-License-Identifier: BSD-2-Clause
// See daemon/instance/asked.h.
#include "daemon/instance/asked.h"

#include <cerrno>

#include <fmt/format.h>

namespace pfild {

core::Result<void> check_link_type(const control::HookAddRequest& request) {
    const core::HeadType type = request.type;
    if (request.dlt == static_cast<std::uint32_t>(core::dlt(type))) {
        return {};
    }
    return core::fail({"add hook", request.name,
                       fmt::format("the program was compiled for link type {}, heads of type {} show {} ({})",
                                   request.dlt, core::name(type), core::dlt(type), core::dlt_name(type)),
                       "compile it for that type", EINVAL});
}

} // namespace pfild
