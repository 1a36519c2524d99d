// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/config/compile_model.h.
#include "bpfctl/config/compile_model.h"

#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "cbpf/program.h"
#include "config/matchless.h"
#include "filter/link_type.h"
#include "filter/proved.h"

namespace pfild::bpfctl {
namespace {

static_assert(static_cast<int>(core::Compiled::kOptimised) == static_cast<int>(filter::Origin::kOptimised) &&
              static_cast<int>(core::Compiled::kReduced) == static_cast<int>(filter::Origin::kReduced) &&
              static_cast<int>(core::Compiled::kUnoptimised) == static_cast<int>(filter::Origin::kPlain));

core::Result<filter::Proved> compile(const config::Hook& hook) {
    const auto link_type = filter::link_type_of(std::string(core::name(hook.type)));
    auto proved = filter::compile_proved(*hook.filter, *link_type, filter::Names::kNumeric);
    if (!proved) {
        return proved;
    }
    if (const auto program = cbpf::Program::verify(proved->program); !program) {
        return core::fail({"filter", '\'' + *hook.filter + '\'', program.error().message(),
                           "split the filter into several hooks", EINVAL});
    }
    return proved;
}

} // namespace

std::vector<core::Error> compile_model(config::Model& model) {
    std::vector<core::Error> mistakes;
    std::map<std::pair<core::HeadType, std::string>, filter::Proved> known; // many hooks have the same filter
    for (config::Hook& hook : model.hooks) {
        if (!hook.filter) {
            continue;
        }
        const std::pair key(hook.type, *hook.filter);
        auto found = known.find(key);
        if (found == known.end()) {
            auto proved = compile(hook);
            if (!proved) {
                proved.error().what = "hook " + hook.name;
                mistakes.push_back(std::move(proved.error()));
                continue;
            }
            found = known.emplace(key, std::move(*proved)).first;
        }
        hook.program = found->second.program;
        hook.compiled = static_cast<core::Compiled>(found->second.origin);
        const auto program = cbpf::Program::verify(hook.program);
        if (const auto why = config::matchless(hook, *program)) {
            mistakes.push_back({"hook " + hook.name, '\'' + *hook.filter + '\'', *why,
                                "mend its filter; 'force = true' takes it", EINVAL});
        }
    }
    return mistakes;
}

tl::expected<config::Source, std::vector<std::string>> compiled(config::FileResult<config::Source> source) {
    std::vector<std::string> mistakes;
    if (!source) {
        for (const config::FileMistake& mistake : source.error()) {
            mistakes.push_back(mistake.text());
        }
        return tl::make_unexpected(std::move(mistakes));
    }
    for (const core::Error& mistake : compile_model(source->model)) {
        mistakes.push_back(mistake.line());
    }
    if (!mistakes.empty()) {
        return tl::make_unexpected(std::move(mistakes));
    }
    return *std::move(source);
}

} // namespace pfild::bpfctl
