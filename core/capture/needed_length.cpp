// SPDX-License-Identifier: BSD-2-Clause
// See needed_length.h.
#include "core/capture/needed_length.h"

namespace pfild::core {

NeededLength needed_length(const cbpf::Program& program) {
    const cbpf::Dependence dependence = cbpf::dependence_of(program);
    return {dependence.to_judge, dependence.to_keep};
}

} // namespace pfild::core
