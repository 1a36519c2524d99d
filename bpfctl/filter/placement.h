// SPDX-License-Identifier: BSD-2-Clause
// Where a program would run if it were a hook: in the engine, in the kernel, or both.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cbpf/flow_dependence.h"
#include "cbpf/program.h"

namespace pfild::bpfctl {

/// A place in the kernel that a program could run in for every packet.
struct KernelPlace {
    std::string name;                   ///< "XDP"
    std::optional<std::string> refusal; ///< why it cannot; nothing if it can
};

/// The places there are, for a hook that sees packets of that form.
[[nodiscard]] std::vector<KernelPlace> kernel_places(const cbpf::Program& program, cbpf::PacketForm form);

/// "native code", or "interpreter, because ...".
[[nodiscard]] std::string engine_place(const cbpf::Program& program);

} // namespace pfild::bpfctl
