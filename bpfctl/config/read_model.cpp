// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/config/read_model.h.
#include "bpfctl/config/read_model.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "bpfctl/config/compile_model.h"
#include "bpfctl/json.h"
#include "config/described.h"
#include "config/edit.h"
#include "control/verbs.h"
#include "disk/source_files.h"
#include "disk/trusted_file.h"

namespace pfild::bpfctl {
namespace {

constexpr const char* kStandardInput = "-";

tl::unexpected<Failure> refused(const std::string& verb, const std::string& file, const std::string& why,
                                std::size_t mistakes = 1) {
    const std::string advice = verb == "config check" ? "" : "`bpfctl config check` lists all mistakes";
    const std::string more = mistakes > 1 ? ", and " + std::to_string(mistakes - 1) + " more" : "";
    return fail(Exit::kRefused, {verb, file, why + more, advice, EINVAL});
}

bool holds_json(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{';
}

/// Also of what --json made of it.
core::Result<config::Model> model_of_page(const std::string& text) {
    const Json page = Json::parse(text, nullptr, false);
    const bool within = page.is_object() && page.contains("model") && page["model"].is_object();
    return config::model_of_json(within ? compact(page["model"]) : text);
}

config::FileResult<config::Source> source_of(const std::string& file, std::string text) {
    if (file != kStandardInput) {
        return disk::read_source_files(file, control::verb_names());
    }
    return config::read_source({{file, std::move(text)}},
                               {.read = disk::read_trusted_file, .verbs = control::verb_names()});
}

} // namespace

Outcome<ModelFile> read_model(const std::string& verb, const std::string& file) {
    std::string text;
    if (file == kStandardInput) {
        text.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
        errno = 0;
        std::ifstream stream(file);
        text.assign(std::istreambuf_iterator<char>(stream), {});
        if (!stream && text.empty() && errno != 0) {
            const int code = errno;
            return fail(Exit::kRefused, // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
                        {verb, file, std::strerror(code), "is this the name of a file?", code});
        }
    }
    if (holds_json(text)) {
        auto model = model_of_page(text);
        return model ? Outcome<ModelFile>(ModelFile{std::move(*model), true})
                     : refused(verb, file, model.error().line());
    }
    auto source = compiled(source_of(file, std::move(text)));
    if (!source) {
        return refused(verb, file, source.error().front(), source.error().size());
    }
    return ModelFile{std::move(source->model), false};
}

config::Model applied(const ModelFile& file, const config::Model& running) {
    return file.whole ? file.model : config::with_applied(file.model, running);
}

} // namespace pfild::bpfctl
