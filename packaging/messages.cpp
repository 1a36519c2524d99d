// SPDX-License-Identifier: BSD-2-Clause
// What is made of the descriptions of the control protocol, as files:
//
//     messages --manual FILE    brings the made parts of a manual up to date; says nothing if they are
//     messages --check FILE     exit status 1 if they are not
//     messages --schemas DIR    a JSON Schema for the arguments and the result of each verb, and no other in DIR
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "control/manual.h"

namespace {

namespace control = pfild::control;
namespace fs = std::filesystem;

std::string content_of(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
}

bool write_file(const std::string& path, const std::string& content) {
    std::ofstream file(path, std::ios::trunc);
    return static_cast<bool>(file << content << std::flush);
}

/// What is left there of a message that there is no more, is removed: a build folder lives longer than a verb.
int write_schemas(const fs::path& directory) {
    fs::create_directories(directory);
    const auto schemas = control::schema_files();
    for (const auto& entry : fs::directory_iterator(directory)) {
        const bool is_made = std::any_of(schemas.begin(), schemas.end(),
                                         [&](const auto& made) { return made.first == entry.path().filename(); });
        if (!is_made && entry.path().extension() == ".json") {
            fs::remove(entry.path());
        }
    }
    for (const auto& [name, content] : schemas) {
        if (!write_file(directory / name, content)) {
            std::cerr << (directory / name).string() << ": cannot be written\n";
            return 1;
        }
    }
    return 0;
}

} // namespace

int main(int count, char** words) { // NOLINT(bugprone-exception-escape): a tool of the build may end by one
    const std::string what = count == 3 ? words[1] : "";
    const std::string where = count == 3 ? words[2] : "";
    if (what == "--schemas") {
        return write_schemas(where);
    }
    if (what != "--manual" && what != "--check") {
        std::cerr << "usage: messages --manual FILE | --check FILE | --schemas DIR\n";
        return 2;
    }
    const std::string is = content_of(where);
    const std::string shall = control::with_made_parts(is);
    if (is == shall) {
        return 0;
    }
    if (what == "--check") {
        std::cerr << where
                  << ": its tables are not those of the descriptions. Bring them up to date: messages --manual "
                  << where << '\n';
        return 1;
    }
    return write_file(where, shall) ? 0 : 1;
}
