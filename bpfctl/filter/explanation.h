// SPDX-License-Identifier: BSD-2-Clause
// All that can be said of a program without running it, and how it reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bpfctl/filter/annotate.h"
#include "bpfctl/filter/placement.h"
#include "bpfctl/json.h"
#include "cbpf/analysis/dependence.h"
#include "cbpf/analysis/link_types.h"
#include "cbpf/flow_dependence.h"
#include "cbpf/program.h"

namespace pfild::bpfctl {

/// For hooks of a type: inet, inet6 or ethernet.
struct HookExplanation {
    std::string type;
    std::optional<cbpf::PerPacket> per_packet; ///< nothing: the program answers per flow
    std::vector<KernelPlace> places;
};

struct Explanation {
    cbpf::Program program;
    std::string title; ///< the expression, or the file
    std::string link_type;
    Json compiled_by; ///< as json_of() of a filter::Proved; null: it was not compiled, or not optimised as was asked
    std::vector<Note> notes;
    cbpf::Dependence dependence;
    cbpf::LinkFits fits;
    std::vector<HookExplanation> hooks; ///< those that see packets of this link type
    std::string engine;
    std::optional<bool> same; ///< as the program that it was compared with, for certain
    std::string compared_with;
};

struct Explained {
    std::string title;
    int link_type; ///< DLT
    std::string link_type_name;
};

[[nodiscard]] Explanation explain(const cbpf::Program& program, const Explained& what);

[[nodiscard]] std::string text_of(const Explanation& explanation);
[[nodiscard]] Json json_of(const Explanation& explanation);

} // namespace pfild::bpfctl
