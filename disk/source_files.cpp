// SPDX-License-Identifier: BSD-2-Clause
// See disk/source_files.h.
#include "disk/source_files.h"

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "config/compiled.h"
#include "disk/trusted_file.h"
#include "disk/users.h"

namespace pfild::disk {
namespace {

constexpr std::string_view kSuffix = ".toml";

/// "/etc/pfild/default.d" of "/etc/pfild/default.toml".
tl::unexpected<std::vector<config::FileMistake>> mistake(const std::string& file, const core::Error& error) {
    const std::string advice = error.advice.empty() ? "" : " (" + error.advice + ')';
    return tl::make_unexpected(std::vector<config::FileMistake>{{file, 0, 0, "", error.why + advice}});
}

} // namespace

std::string drop_in_folder(const std::string& file) {
    return (file.ends_with(kSuffix) ? file.substr(0, file.size() - kSuffix.size()) : file) + ".d";
}

config::FileResult<config::Source> read_source_files(const std::string& file,
                                                     const std::vector<std::string_view>& verbs) {
    config::Files files;
    if (!file.empty()) {
        const std::string folder = drop_in_folder(file);
        const auto names = trusted_names(folder, std::string(kSuffix));
        if (!names) {
            return mistake(folder, names.error());
        }
        std::vector<std::string> paths{file};
        for (const std::string& name : *names) {
            paths.push_back(std::string(folder).append("/").append(name));
        }
        for (const std::string& path : paths) {
            auto text = read_trusted_file(path);
            if (!text) {
                return mistake(path, text.error());
            }
            files.push_back({path, std::move(*text)});
        }
    }
    return config::read_source(files, {.read = read_trusted_file, .user = user_named, .verbs = verbs});
}

config::FileResult<config::Source> with_compiled(config::FileResult<config::Source> source,
                                                 const std::string& compiled_path) {
    if (!source || !config::needs_programs(source->model)) {
        return source;
    }
    const auto text = read_trusted_file(compiled_path);
    if (!text) {
        return mistake(compiled_path, text.error().code == ENOENT
                                          ? core::Error{"read", "", "the filters of the files are not compiled",
                                                        "`bpfctl config compile` does that", ENOENT}
                                          : text.error());
    }
    if (auto taken = config::take_programs(*source, *text); !taken) {
        return mistake(compiled_path, taken.error());
    }
    return source;
}

} // namespace pfild::disk
