// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config check`: every mistake of a configuration, without a daemon.
#include <cerrno>
#include <memory>
#include <ostream>

#include "bpfctl/config/compile_model.h"
#include "bpfctl/config/instance_file.h"
#include "bpfctl/config/read_model.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "control/verbs.h"
#include "disk/source_files.h"

namespace pfild::bpfctl {
namespace {

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
    if (file == "-" || read.error().error.code != EINVAL) {
        return tl::make_unexpected(read.error());
    }
    const auto source = compiled(disk::read_source_files(file, control::verb_names()));
    if (source || source.error().size() < 2) {
        return tl::make_unexpected(read.error());
    }
    for (const std::string& mistake : source.error()) {
        console.err << mistake << '\n';
    }
    return fail(Exit::kRefused, {name, file, counted(source.error().size(), "mistake"), "", EINVAL});
}

Arguments declare_check(CLI::App& app, Options& /*options*/) {
    auto file = std::make_shared<std::string>();
    app.add_option("FILE", *file, "a configuration file, or what `config show` printed, else /etc/pfild/NAME.toml")
        ->option_text("FILE");
    return [file] {
        Question question;
        question.work = [file](const Options& options, const Console& console) {
            return check(file_or_that_of_instance(*file, options.instance), options, console);
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
