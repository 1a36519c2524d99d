// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl config save`: the model in force as a configuration file.
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "bpfctl/config/instance_file.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "config/described.h"
#include "config/saved.h"
#include "disk/durable.h"
#include "disk/source_files.h"
#include "disk/trusted_file.h"

namespace pfild::bpfctl {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStandardOutput = "-";

tl::unexpected<Failure> refused(const std::string& file, std::string why, std::string advice, int code) {
    return fail(Exit::kRefused, {std::string(kConfigSave.name), file, std::move(why), std::move(advice), code});
}

core::Result<void> write_programs(const fs::path& folder, const config::Files& programs) {
    for (const config::File& program : programs) {
        const fs::path path = folder / program.path;
        auto written =
            disk::make_folder(path.parent_path()).and_then([&] { return disk::write_durably(path, program.text); });
        if (!written) {
            return written;
        }
    }
    return {};
}

/// What was there is kept beside. The answer: where; nothing: there was nothing.
Outcome<std::string> keep_former(const std::string& file) {
    const std::string former = file + ".old";
    std::error_code error;
    if (!fs::exists(file, error)) {
        return std::string();
    }
    fs::copy_file(file, former, fs::copy_options::overwrite_existing, error);
    if (error) {
        return refused(file, "the former file cannot be kept as " + former + ": " + error.message(), "", error.value());
    }
    return former;
}

/// Files that would be read together with it would say the same a second time.
Outcome<void> check_folder(const std::string& file) {
    const std::string folder = disk::drop_in_folder(file);
    const auto names = disk::trusted_names(folder, ".toml");
    if (!names) {
        return fail(Exit::kRefused, names.error());
    }
    if (!names->empty()) {
        return refused(file, folder + '/' + names->front() + " belongs to it and would say the same again",
                       "move it away, or save to another file", EEXIST);
    }
    return {};
}

Outcome<Json> save(const fs::path& file, const config::Model& model) {
    const config::Saved saved = config::saved(model, file.stem().string() + ".programs/");
    Json result{{"file", file.string()},       {"former", nullptr},           {"interfaces", model.interfaces.size()},
                {"hooks", model.hooks.size()}, {"links", model.links.size()}, {"programs", saved.programs.size()}};
    if (file == kStandardOutput) {
        if (!saved.programs.empty()) {
            return refused(file, "some hooks have no expression, so their programs need files", "name a file", EINVAL);
        }
        result["text"] = saved.text;
        return result;
    }
    if (auto free = check_folder(file); !free) {
        return tl::make_unexpected(std::move(free.error()));
    }
    const auto former = keep_former(file);
    if (!former) {
        return tl::make_unexpected(former.error());
    }
    auto written = write_programs(file.parent_path(), saved.programs).and_then([&] {
        return disk::write_durably(file, saved.text);
    });
    if (!written) {
        return fail(Exit::kRefused, std::move(written.error()));
    }
    if (!former->empty()) {
        result["former"] = *former;
    }
    return result;
}

Outcome<Json> save_answered(const std::string& named, const Options& options, const Json& answer) {
    const auto model = config::model_of_json(compact(member(answer, "model")));
    if (!model) {
        return fail(Exit::kUnreachable, model.error());
    }
    const std::string file = file_or_that_of_instance(named, options.instance, answer);
    if (number(answer, "confirm_within_s")) {
        return refused(file, "the model in force waits for its confirmation",
                       "`bpfctl config confirm` or `bpfctl config rollback` first", EBUSY);
    }
    return save(file == kStandardOutput ? fs::path(file) : fs::absolute(file), *model);
}

Arguments declare_save(CLI::App& app, Options& /*options*/) {
    auto file = std::make_shared<std::string>();
    app.add_option("FILE", *file, "where to; - is standard output, else the file of the instance")->option_text("FILE");
    return [file] {
        Question question(Json::object());
        question.derive = [file](const Json& answer, const Options& options) {
            return save_answered(*file, options, answer);
        };
        return Outcome<Question>(question);
    };
}

std::string text_of_save(const Exchange& exchange) {
    const Json& result = exchange.result;
    if (member(result, "text").is_string()) {
        return member(result, "text").get<std::string>();
    }
    std::string line = printable(text(result, "file")) + ": " +
                       counted(number(result, "interfaces").value_or(0), "interface") + ", " +
                       counted(number(result, "hooks").value_or(0), "hook") + ", " +
                       counted(number(result, "links").value_or(0), "link");
    if (member(result, "former").is_string()) {
        line += "; what was there is " + printable(text(result, "former"));
    }
    return line + '\n';
}

} // namespace

const Verb kConfigSave{
    .name = "config save",
    .synopsis = "[FILE]",
    .summary = "write the model in force as a configuration file",
    .notes = "What bpfctl and `config apply` have made is in the file then, and a reload changes nothing but whose it "
             "is.\n"
             "Without FILE: the file of the instance. What was there is kept as FILE.old; its comments are not taken\n"
             "over. Programs of hooks without an expression go to the folder NAME.programs beside it. It is refused\n"
             "while there are files in the folder NAME.d, which would say the same again, and while the model waits\n"
             "for its confirmation. Panic is no part of a file.\n"
             "\n"
             "With --json: file, former, interfaces, hooks, links, programs; for - text instead.\n"
             "\n"
             "Example:\n"
             "  bpfctl config save && systemctl reload pfild@default\n",
    .request = "config-show",
    .declare = declare_save,
    .text = text_of_save,
};

} // namespace pfild::bpfctl
