// SPDX-License-Identifier: BSD-2-Clause
// Stands in for libFuzzer in ordinary builds: runs a target once over every file of its corpus.
//
// Usage: fuzz_NAME FOLDER. Fails if the folder has no file, so that a lost corpus is noticed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size); // NOLINT(*-identifier-naming)

int main(int argc, char** argv) {
    if (argc != 2) {
        (void)std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    std::vector<std::filesystem::path> files;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1], problem)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const std::filesystem::path& path : files) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        (void)std::fprintf(stderr, "%s: %zu bytes\n", path.c_str(),
                           bytes.size()); // the last one printed is the culprit
        const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
        (void)LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    (void)std::fprintf(stderr, "%zu inputs of %s\n", files.size(), argv[1]);
    return files.empty() ? 1 : 0;
}
