// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config compile`: the filters of the files as programs, for the daemon, which compiles nothing.
#include <cerrno>
#include <memory>
#include <ostream>

#include "bpfctl/config/compile_model.h"
#include "bpfctl/config/instance_file.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "config/compiled.h"
#include "control/verbs.h"
#include "disk/durable.h"
#include "disk/source_files.h"

namespace pfild::bpfctl {
namespace {

/// The mistakes are printed; how many there are comes back.
tl::unexpected<Failure> refuse(const std::vector<std::string>& mistakes, const std::string& file,
                               const Console& console) {
    for (const std::string& mistake : mistakes) {
        console.err << mistake << '\n';
    }
    return fail(Exit::kRefused, {std::string(kConfigCompile.name), file,
                                 counted(mistakes.size(), "mistake") + ", nothing was written", "", EINVAL});
}

Outcome<void> compile_files(const std::string& file, const Options& options, const Console& console) {
    const auto source = compiled(disk::read_source_files(file, control::verb_names()));
    if (!source) {
        return refuse(source.error(), file, console);
    }
    const std::string& state_dir = source->model.settings.state_dir;
    const std::string folder = state_dir + '/' + options.instance;
    auto written = disk::make_folder(state_dir).and_then([&] { return disk::make_folder(folder); }).and_then([&] {
        return disk::write_durably(folder + "/compiled", config::compiled_text(source->digest, source->model));
    });
    if (!written) {
        return fail(Exit::kRefused, std::move(written.error()));
    }
    if (options.json) {
        console.out << pretty(Json{{"files", source->digest}, {"hooks", source->model.hooks.size()}}) << '\n';
    } else {
        console.out << file << ": " << counted(source->model.hooks.size(), "hook") << " compiled\n";
    }
    return {};
}

Arguments declare_config_compile(CLI::App& app, Options& /*options*/) {
    auto file = std::make_shared<std::string>();
    app.add_option("--config", *file, "the instance's file, else /etc/pfild/NAME.toml; its folder NAME.d belongs to it")
        ->option_text("FILE");
    return [file] {
        Question question;
        question.work = [file](const Options& options, const Console& console) {
            return compile_files(file_or_that_of_instance(*file, options.instance), options, console);
        };
        return Outcome<Question>(question);
    };
}

} // namespace

const Verb kConfigCompile{
    .name = "config compile",
    .synopsis = "[--config FILE]",
    .summary = "compile the filters of the configuration, for the daemon",
    .notes = "No daemon is asked, and no name server: names of hosts are mistakes. What comes of it is kept in\n"
             "/var/lib/pfild/NAME/compiled, and good for the files as they are now. A daemon that starts or reads its "
             "files\n"
             "again takes the programs from there; if the files have changed since, it says so.\n"
             "\n"
             "With --json: files (their digest), hooks.\n"
             "\n"
             "Example:\n"
             "  bpfctl config compile && systemctl reload pfild@default\n",
    .request = "",
    .declare = declare_config_compile,
    .text = no_text,
};

} // namespace pfild::bpfctl
