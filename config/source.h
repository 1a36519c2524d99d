// SPDX-License-Identifier: BSD-2-Clause
// The files of a configuration, as text, and what is wrong with them. Reading them from a disk is the caller's.
//
//     NAME.toml, then NAME.d/*.toml in the order of their names     Files
//     programs that they name                                       read through FileReader
//     users that they name                                          found by UserFinder
//
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/model.h"
#include "core/error.h"

namespace pfild::config {

struct File {
    std::string path;
    std::string text;
};
using Files = std::vector<File>;

/// The content of a file.
using FileReader = std::function<core::Result<std::string>(const std::string& path)>;

/// The number of the user of that name; nothing: there is none.
using UserFinder = std::function<std::optional<std::uint32_t>(const std::string& name)>;

/// What a file can name that is not in it.
struct Surroundings {
    FileReader read;
    UserFinder user = [](const std::string&) { return std::nullopt; };
    std::vector<std::string_view> verbs; ///< of the control protocol
};

/// One thing that is wrong with a file.
struct FileMistake {
    std::string file;
    std::uint32_t line = 0;   ///< from 1; 0: the file as a whole
    std::uint32_t column = 0; ///< from 1, in characters
    std::string key;          ///< "hook[1].type"; may be empty
    std::string reason;

    /// `FILE:LINE:COLUMN: KEY: REASON`
    [[nodiscard]] std::string text() const;

    friend bool operator==(const FileMistake&, const FileMistake&) = default;
};

template <typename T>
using FileResult = tl::expected<T, std::vector<FileMistake>>;

/// What files say.
struct Source {
    Model model;        ///< hooks that have a filter have no program yet
    std::string digest; ///< of all that was read: the files and the programs that they name, in order
};

/// All of the files or none: any mistake is one of the whole. Names of programs begin in the folder of their file.
[[nodiscard]] FileResult<Source> read_source(const Files& files, const Surroundings& around);

} // namespace pfild::config
