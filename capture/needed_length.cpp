// SPDX-License-Identifier: BSD-2-Clause
// See needed_length.h.
#include "capture/needed_length.h"

namespace pfild::capture {

NeededLength needed_length(const cbpf::Program& program) {
    const cbpf::Dependence dependence = cbpf::dependence_of(program);
    return {dependence.to_judge, dependence.to_keep};
}

} // namespace pfild::capture
