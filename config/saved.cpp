// SPDX-License-Identifier: BSD-2-Clause
// See config/saved.h.
#include "config/saved.h"

#include "cbpf/text.h"
#include "config/file_content.h"
#include "config/toml/values.h"
#include "describe/describe.h"

namespace pfild::config {

Saved saved(const Model& model, const std::string& prefix) {
    Saved result;
    FileContent content{.settings = model.settings};
    for (const Interface& interface : model.interfaces) {
        content.interfaces.push_back({.name = interface.name,
                                      .unknown = interface.unknown,
                                      .silent = interface.silent,
                                      .mode = interface.mode,
                                      .position = interface.position,
                                      .strict = interface.strict,
                                      .wanted = interface.wanted});
    }
    for (const Hook& hook : model.hooks) {
        FileHook& entry = content.hooks.emplace_back(FileHook{.hook = hook, .bytecode = std::nullopt});
        if (!hook.filter) {
            entry.bytecode = prefix + std::to_string(result.programs.size() + 1) + ".bpf";
            result.programs.push_back({*entry.bytecode, cbpf::print_decimal(hook.program)});
        }
    }
    for (const Link& link : model.links) {
        content.links.push_back({link});
    }
    for (const Peer& peer : model.peers) {
        content.peers.push_back({peer});
    }
    result.text = toml_of_values(describe::write(content, describe::Defaults::kLeftOut));
    return result;
}

} // namespace pfild::config
