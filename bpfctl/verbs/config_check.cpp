// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config check`: every mistake of a configuration, without a daemon.
#include <cerrno>
#include <memory>
#include <ostream>

#include "bpfctl/config/compile_model.h"
#include "bpfctl/config/read_model.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "control/verbs.h"
#include "disk/source_files.h"

namespace pfild::bpfctl {
namespace {

/// Of a configuration file: as many as there are.
std::vector<std::string> mistakes_of(const std::string& file) {
    std::vector<std::string> mistakes;
    auto source = disk::read_source_files(file, control::verb_names());
    if (!source) {
        for (const config::FileMistake& mistake : source.error()) {
            mistakes.push_back(mistake.text());
        }
        return mistakes;
    }
    for (const core::Error& mistake : compile_model(source->model)) {
        mistakes.push_back(file + ": " + mistake.line());
    }
    return mistakes;
}

Outcome<void> check(const std::string& file, const Options& options, const Console& console) {
    const std::string name(kConfigCheck.name);
    const auto read = read_model(name, file);
    if (read) {
        const std::size_t hooks = read->model.hooks.size();
        if (options.json) {
            console.out << pretty(Json{{"interfaces", read->model.interfaces.size()},
                                       {"hooks", hooks},
                                       {"links", read->model.links.size()}})
                        << '\n';
        } else {
            console.out << file << ": in order, " << counted(read->model.interfaces.size(), "interface") << ", "
                        << counted(hooks, "hook") << ", " << counted(read->model.links.size(), "link") << '\n';
        }
        return {};
    }
    const std::vector<std::string> mistakes = file == "-" ? std::vector<std::string>() : mistakes_of(file);
    if (mistakes.size() < 2 || read.error().error.code != EINVAL) {
        return tl::make_unexpected(read.error());
    }
    for (const std::string& mistake : mistakes) {
        console.err << mistake << '\n';
    }
    return fail(Exit::kRefused, {name, file, counted(mistakes.size(), "mistake"), "", EINVAL});
}

Arguments declare_check(CLI::App& app, Options& /*options*/) {
    auto file = std::make_shared<std::string>();
    app.add_option("FILE", *file, "a configuration file, or what `config show` printed, else /etc/pfild/NAME.toml")
        ->option_text("FILE");
    return [file] {
        Question question;
        question.work = [file](const Options& options, const Console& console) {
            return check(file->empty() ? "/etc/pfild/" + options.instance + ".toml" : *file, options, console);
        };
        return Outcome<Question>(question);
    };
}

} // namespace

const Verb kConfigCheck{
    .name = "config check",
    .synopsis = "[FILE]",
    .summary = "is a configuration in order?",
    .notes = "Reads the file, those of its folder FILE.d and the programs they name, and compiles the filters. No\n"
             "daemon is asked, and nothing is written. Exit status 1 after mistakes, a line each.\n"
             "\n"
             "With --json: interfaces, hooks, links: how many there are.\n"
             "\n"
             "Example:\n"
             "  bpfctl config check && systemctl reload pfild@default\n",
    .request = "",
    .declare = declare_check,
    .text = no_text,
};

} // namespace pfild::bpfctl
