// SPDX-License-Identifier: BSD-2-Clause
// See config/file_content.h.
#include "config/file_content.h"

#include "config/described.h"
#include "describe/terms.h"

namespace pfild::config {

void describe(describe::Fields& fields, FileInterface& interface) {
    fields.called("interface", "An interface that is to be guarded.");
    fields.required("name", interface.name, describe::interface_name(),
                    "What the kernel calls it, an alternative name, or a pattern.");
    fields.optional("unknown", interface.unknown, describe::word(core::kFailModeNames), "As the setting.");
    fields.optional("silent", interface.silent, describe::word(core::kFailModeNames), "As the setting.");
    fields.optional("mode", interface.mode, describe::word(core::kHeadModeNames), "As the setting.");
    fields.optional("position", interface.position, describe::word(core::kHeadPositionNames), "As the setting.");
    fields.optional("strict", interface.strict, describe::flag(), "As the setting.");
    fields.optional("wanted", interface.wanted, describe::flag(),
                    "False: it is left alone, whatever pattern means it.");
}

void describe(describe::Fields& fields, FileHook& hook) {
    fields.called("hook", "A named filter.");
    describe_how(fields, hook.hook);
    fields.optional("bytecode", hook.bytecode, describe::text(4096), "A file with a program that has no expression.");
}

void describe(describe::Fields& fields, FileLink& link) {
    fields.called("link", "Lets the packets of a head meet a hook.");
    describe_ends(fields, link.link);
}

void describe(describe::Fields& fields, FilePeer& peer) {
    constexpr std::size_t kLongestUser = 255;
    fields.called("peer", "A user who may use some verbs.");
    fields.required("user", peer.peer.name, describe::name_or_number(kLongestUser, kMaxUid), "Name or number.");
    describe_verbs(fields, peer.peer);
}

void describe(describe::Fields& fields, FileContent& content) {
    constexpr std::size_t kMost = 65536; // the model has the limits
    describe(fields, content.settings);
    fields.optional("interface", content.interfaces, describe::list(describe::object(), kMost), "What is guarded.");
    fields.optional("hook", content.hooks, describe::list(describe::object(), kMost), "Filters.");
    fields.optional("link", content.links, describe::list(describe::object(), kMost), "Where they are asked.");
    fields.optional("peer", content.peers, describe::list(describe::object(), kMost), "Who else may ask.");
    fields.called("file", "A configuration file.");
}

} // namespace pfild::config
