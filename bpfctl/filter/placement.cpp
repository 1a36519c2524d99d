// SPDX-License-Identifier: BSD-2-Clause
// See placement.h.
#include "bpfctl/filter/placement.h"

#include "cbpf/machine.h"

namespace pfild::bpfctl {

// Programs that answer per packet do not run in the kernel yet.
std::vector<KernelPlace> kernel_places(const cbpf::Program& /*program*/, cbpf::PacketForm /*form*/) { return {}; }

std::string engine_place(const cbpf::Program& program) {
    const cbpf::Machine machine(program);
    const auto refusal = machine.refusal();
    return refusal ? "interpreter, because " + std::string(cbpf::jit::text(*refusal)) : "native code";
}

} // namespace pfild::bpfctl
