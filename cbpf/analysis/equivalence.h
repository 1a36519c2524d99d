// SPDX-License-Identifier: BSD-2-Clause
// Do two programs answer the same for every packet, however they were written or compiled?
#pragma once

#include "cbpf/program.h"

namespace pfild::cbpf {

/// True: they return the same for every packet, of any captured and wire length; that is proved. False: they do not, or
/// nobody knows. Programs that ask the same questions in another order, with and without libpcap's optimiser, are
/// found equal; those that ask different questions with the same meaning need not be. Milliseconds, even if it gives
/// up. Pure; any thread.
[[nodiscard]] bool certainly_equal(const Program& one, const Program& other);

} // namespace pfild::cbpf
