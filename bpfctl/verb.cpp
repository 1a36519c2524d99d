// SPDX-License-Identifier: BSD-2-Clause
// See verb.h.
#include "bpfctl/verb.h"

#include <algorithm>
#include <cerrno>

#include "bpfctl/fields.h"
#include "describe/json.h"

namespace pfild::bpfctl {

tl::unexpected<Failure> usage_failure(std::string_view verb, std::string why) {
    const std::string name(verb);
    return fail(Exit::kUsage, {name, "", std::move(why), "see `bpfctl " + name + " --help`", EINVAL});
}

std::string hook_name_flaw(const std::string& name) {
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == name.size()) {
        return '\'' + name + "' is no hook name: write MODULE:NAME, for example cbpf:block-telnet";
    }
    return {};
}

void Directions::declare(CLI::App& app) {
    app.add_flag("-i,--in", in, "incoming packets")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_flag("-o,--out", out, "outgoing packets")->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

Json Directions::json() const {
    Json list = Json::array();
    if (in) {
        list.push_back("in");
    }
    if (out) {
        list.push_back("out");
    }
    return list;
}

CLI::Validator one_of(const std::vector<std::string>& words) {
    const auto check = [words](const std::string& word) {
        const bool known = std::find(words.begin(), words.end(), word) != words.end();
        return known ? std::string() : '\'' + word + "' is not one of " + joined(words, "nothing");
    };
    std::string description;
    for (const std::string& word : words) {
        description += (description.empty() ? "" : "|") + word;
    }
    return {check, description};
}

CLI::Validator words_of(const describe::Shape& request, std::string_view field) {
    const auto words = request.field(field).type->words();
    return one_of({words.begin(), words.end()});
}

void declare_fields(CLI::App& app, const describe::Shape& request, const std::shared_ptr<Json>& arguments) {
    for (const describe::Field& field : request.fields()) {
        const describe::Type& type = *field.type;
        if (field.required || (type.words().empty() && (type.item() != nullptr || type.shape() != nullptr))) {
            continue;
        }
        const std::string name(field.name);
        std::string option = "--" + name;
        std::replace(option.begin(), option.end(), '_', '-');
        auto* const added = app.add_option_function<std::string>(
            option,
            [arguments, name, &type](const std::string& word) {
                (*arguments)[name] = Json::parse(describe::json_line(type.of_word(word)), nullptr, false);
            },
            std::string(field.sentence));
        if (!type.words().empty()) {
            added->check(words_of(request, field.name));
        }
    }
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
    const auto check = [least, most](const std::string& word) {
        const bool digits =
            !word.empty() && word.size() <= 19 && word.find_first_not_of("0123456789") == std::string::npos;
        const std::uint64_t value = digits ? std::stoull(word) : 0;
        return digits && value >= least && value <= most
                   ? std::string()
                   : '\'' + word + "' is no number from " + std::to_string(least) + " to " + std::to_string(most);
    };
    return {check, ""};
}

Arguments no_arguments(CLI::App& /*app*/, Options& /*options*/) {
    return [] { return Outcome<Json>(Json::object()); };
}

std::string no_text(const Exchange& /*exchange*/) { return {}; }

} // namespace pfild::bpfctl
