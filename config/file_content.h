// SPDX-License-Identifier: BSD-2-Clause
// What one configuration file may say. Reading it is source.h's, writing it saved.h's. Plain values; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/model.h"
#include "describe/shape.h"

namespace pfild::config {

// The names of the tables are in the singular, as [[interface]] is one of them.

struct FileInterface {
    std::string name;
    std::optional<core::FailMode> unknown; ///< nothing, as in the next: as the settings say
    std::optional<core::FailMode> silent;
    std::optional<core::HeadMode> mode;
    std::optional<core::HeadPosition> position;
    std::optional<bool> strict;
    bool wanted = true;
};
struct FileHook {
    Hook hook;
    std::optional<std::string> bytecode; ///< a file
};
struct FileLink {
    Link link;
};
struct FilePeer {
    Peer peer; ///< its number is not known yet
};
struct FileContent {
    Settings settings;
    std::vector<FileInterface> interfaces;
    std::vector<FileHook> hooks;
    std::vector<FileLink> links;
    std::vector<FilePeer> peers;
};

void describe(describe::Fields& fields, FileInterface& interface);
void describe(describe::Fields& fields, FileHook& hook);
void describe(describe::Fields& fields, FileLink& link);
void describe(describe::Fields& fields, FilePeer& peer);
void describe(describe::Fields& fields, FileContent& content);

} // namespace pfild::config
