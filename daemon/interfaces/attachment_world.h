// SPDX-License-Identifier: BSD-2-Clause
// What attachments of an instance have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/kernel/head_programs.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/netns.h"
#include "daemon/sys/side_thread.h"
#include "daemon/xsk/engine_thread.h"
#include "daemon/xsk/umem.h"

namespace pfild::interfaces {

/// Head programs that are loaded for an attachment that is yet to come.
struct SpareHeads {
    std::uint8_t slot = 0;
    std::uint32_t attachment = 0;
    kernel::HeadPrograms programs;
};

/// What every attachment of an instance uses; outlives them.
struct AttachmentWorld {
    std::string instance;
    sys::NetNs& stack;  ///< where the interfaces are
    sys::NetNs& engine; ///< the private namespace
    kernel::Programs& programs;
    xsk::Umem& umem;
    xsk::EngineThread& engine_thread;
    sys::SideThread& side_thread;  ///< makes and removes ports while the control thread waits for interfaces
    bool tcx_wanted;               ///< if the kernel has it
    std::uint32_t attachments = 0; ///< made so far: the last one's number
    std::vector<SpareHeads> spares{};

    [[nodiscard]] std::optional<SpareHeads> take_spare(std::uint8_t slot);
};

} // namespace pfild::interfaces
