// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/config/instance_file.h.
#include "bpfctl/config/instance_file.h"

#include "bpfctl/fields.h"

namespace pfild::bpfctl {

std::string file_or_that_of_instance(const std::string& named, const std::string& instance) {
    return named.empty() ? "/etc/pfild/" + instance + ".toml" : named;
}

std::string file_or_that_of_instance(const std::string& named, const std::string& instance, const Json& answer) {
    const bool says = named.empty() && member(answer, "file").is_string();
    return file_or_that_of_instance(says ? text(answer, "file") : named, instance);
}

} // namespace pfild::bpfctl
