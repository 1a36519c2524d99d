// SPDX-License-Identifier: BSD-2-Clause
// See placement.h.
#include "bpfctl/filter/placement.h"

#include "cbpf/lower/lower.h"
#include "cbpf/machine.h"

namespace pfild::bpfctl {

std::vector<KernelPlace> kernel_places(const cbpf::Program& program, cbpf::PacketForm form) {
    std::vector<KernelPlace> places;
    for (const ebpf::Place place : {ebpf::Place::kXdp, ebpf::Place::kTc}) {
        const auto lowered = cbpf::lower(program, place, form);
        places.push_back({std::string(ebpf::name(place)),
                          lowered ? std::nullopt : std::optional<std::string>(lowered.error().message)});
    }
    return places;
}

std::string engine_place(const cbpf::Program& program) {
    const cbpf::Machine machine(program);
    const auto refusal = machine.refusal();
    return refusal ? "interpreter, because " + std::string(cbpf::jit::text(*refusal)) : "native code";
}

} // namespace pfild::bpfctl
