// SPDX-License-Identifier: BSD-2-Clause
// See daemon/instance/asked.h.
#include "daemon/instance/asked.h"

#include <cerrno>

#include <fmt/format.h>

#include "cbpf/program.h"
#include "config/matchless.h"

namespace pfild {

core::Result<void> check_program(const control::HookAddRequest& request, bool force) {
    const core::HeadType type = request.type;
    if (request.dlt != static_cast<std::uint32_t>(core::dlt(type))) {
        return core::fail({"add hook", request.name,
                           fmt::format("the program was compiled for link type {}, heads of type {} show {} ({})",
                                       request.dlt, core::name(type), core::dlt(type), core::dlt_name(type)),
                           "compile it for that type", EINVAL});
    }
    const auto program = cbpf::Program::verify(request.program); // what does not verify, is refused where it is made
    if (const auto why = program ? config::matchless(hook_of(request, force), *program) : std::nullopt) {
        return core::fail(
            {"add hook", request.name, *why, "mend its filter, or take it as it is with --force", EINVAL});
    }
    return {};
}

} // namespace pfild
