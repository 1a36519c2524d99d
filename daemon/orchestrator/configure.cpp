// SPDX-License-Identifier: BSD-2-Clause
// See daemon/orchestrator/configure.h.
#include "daemon/orchestrator/configure.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

namespace pfild {
namespace {

using Done = core::Result<void>;

template <typename View>
Done without_view(const core::Result<View>& result) {
    return result.map([](const View&) {});
}

/// It was to go, and it is not there.
Done gone_is_fine(Done result) {
    if (!result && (result.error().code == ENOENT || result.error().code == ENODEV)) {
        return {};
    }
    return result;
}

api::HookAddRequest to_api(const HookConfig& hook) {
    return {.name = hook.name,
            .type = hook.type,
            .on_match = hook.on_match,
            .filter = hook.filter,
            .program = hook.program,
            .dlt = static_cast<std::uint32_t>(core::dlt(hook.type)),
            .run = hook.run};
}

struct Perform {
    api::Service& service;

    Done operator()(const DetachAction& action) const { return gone_is_fine(service.detach(action.interface.name)); }
    Done operator()(const UnlinkAction& action) const {
        return gone_is_fine(without_view(service.unlink(action.link)));
    }
    Done operator()(const DeleteHookAction& action) const {
        return gone_is_fine(service.hook_delete(action.hook.name));
    }
    Done operator()(const AddHookAction& action) const { return without_view(service.hook_add(to_api(action.hook))); }
    Done operator()(const LinkAction& action) const { return without_view(service.link(action.link)); }
    Done operator()(const AttachAction& action) const {
        return without_view(service.attach({.interface = action.interface.name,
                                            .unknown = action.interface.unknown,
                                            .mode = action.interface.mode,
                                            .position = action.interface.position,
                                            .turned_off = {}}));
    }
};

} // namespace

core::Result<void> apply(const ConfigChange& change, api::Service& service, Existing existing) {
    const Perform perform{service};
    std::vector<const ConfigAction*>
        performed; // what was there already, taken over from a killed daemon, is not undone
    for (const ConfigAction& action : change.actions) {
        auto result = std::visit(perform, action);
        if (result || (existing == Existing::fine && result.error().code == EEXIST)) {
            spdlog::debug("configuration: {}", told(action));
            if (result) {
                performed.push_back(&action);
            }
            continue;
        }
        std::reverse(performed.begin(), performed.end());
        for (const ConfigAction* done : performed) {
            if (const auto undone = std::visit(perform, inverse(*done)); !undone) {
                spdlog::error("configuration: cannot go back: {}", undone.error().line());
            }
        }
        return result;
    }
    return {};
}

} // namespace pfild
