// SPDX-License-Identifier: BSD-2-Clause
// A filter expression as a question about flows: which of them are meant?
//
//     expression -> filter/ (EN10MB) -> verified -> answers per flow? -> run over a packet that stands for the flow
//
// A flow is meant if the packets of either direction match. An expression that looks at more than a flow is (lengths,
// TCP flags, payload) is refused: there is no packet to look at.
//
// An expression that knows no VLANs is about what is inside the tags, as for hooks of --type inet; one with `vlan` is
// about the frame.
#pragma once

#include <optional>
#include <string>

#include "bpfctl/json.h"
#include "cbpf/program.h"
#include "core/error.h"
#include "core/flow/flow_key.h"
#include "filter/expression.h"

namespace pfild::bpfctl {

/// The key of a flow object of the control protocol, but for its interface. Nothing if it is none.
[[nodiscard]] std::optional<core::FlowKey> flow_key(const Json& flow);

class FlowFilter {
  public:
    /// EINVAL: it is no expression, or looks at more than a flow is.
    [[nodiscard]] static core::Result<FlowFilter> compile(const std::string& expression, filter::Names names);

    [[nodiscard]] bool means(const core::FlowKey& key) const;

  private:
    FlowFilter(cbpf::Program program, bool sees_tags) : program_(std::move(program)), sees_tags_(sees_tags) {}

    cbpf::Program program_;
    bool sees_tags_;
};

} // namespace pfild::bpfctl
