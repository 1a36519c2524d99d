// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/endpoint.h.
#include "bpfctl/endpoint.h"

namespace pfild::bpfctl {

Endpoint endpoint_of(const Options& options) {
    if (!options.socket.empty()) {
        return {options.socket, "", options.force};
    }
    return {"/run/pfild/" + options.instance + "/control.sock", options.instance, options.force};
}

Endpoint device_endpoint_of(const Options& options) {
    Endpoint endpoint = endpoint_of(options);
    const std::size_t slash = endpoint.path.rfind('/');
    endpoint.path.replace(slash == std::string::npos ? 0 : slash + 1, std::string::npos, "bpf.sock");
    return endpoint;
}

} // namespace pfild::bpfctl
