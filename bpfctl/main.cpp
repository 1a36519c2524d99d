// SPDX-License-Identifier: BSD-2-Clause
// bpfctl(8): the command line of pfild. All of it is in run.h; here are the process's own words and streams.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "bpfctl/run.h"

int main(int argc, char** argv) {
    using namespace pfild::bpfctl;
    try {
        const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
        return static_cast<int>(run(words, {std::cout, std::cerr}, ask_daemon));
    } catch (const std::exception& error) { // memory ran out, or a row of the verb table is wrong
        std::cerr << "bpfctl: internal error: " << error.what() << '\n';
        return static_cast<int>(Exit::kRefused);
    }
}
