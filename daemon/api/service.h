// SPDX-License-Identifier: BSD-2-Clause
// The requests, views and the Service of control/ under the name of this folder, for files that still say `api::`.
#pragma once

#include "control/service.h"
#include "daemon/api/words.h"

namespace pfild::api {
using namespace control; // NOLINT(google-build-using-namespace): until they say `control::`
} // namespace pfild::api
