// SPDX-License-Identifier: BSD-2-Clause
// Which configuration file a verb is about when nobody names one: that of the instance.
//
//     config check, config compile    no daemon is asked: /etc/pfild/NAME.toml
//     config diff, config save        the file that the daemon has read, if it says so
//
// Pure; any thread.
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// `named`, unless it is empty: then the file of the instance.
[[nodiscard]] std::string file_or_that_of_instance(const std::string& named, const std::string& instance);
/// The same, but of the instance the file that the daemon's answer names (`config-show`, its `file`).
[[nodiscard]] std::string file_or_that_of_instance(const std::string& named, const std::string& instance,
                                                   const Json& answer);

} // namespace pfild::bpfctl
