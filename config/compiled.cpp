// SPDX-License-Identifier: BSD-2-Clause
// See config/compiled.h.
#include "config/compiled.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/described.h"
#include "config/matchless.h"
#include "describe/json.h"

namespace pfild::config {
namespace {

constexpr std::uint64_t kFormat = 1;
constexpr const char* kReading = "read";
constexpr const char* kObject = "compiled model";
constexpr const char* kAdvice = "`bpfctl config compile` makes it anew";

} // namespace

bool needs_programs(const Model& model) {
    return std::any_of(model.hooks.begin(), model.hooks.end(), [](const Hook& hook) { return hook.program.empty(); });
}

std::string compiled_text(const std::string& files, const Model& model) {
    describe::Value value = describe::Value::table();
    value.set("format", kFormat);
    value.set("files", files);
    value.set("model", describe::write(model));
    return describe::json_line(value) + '\n';
}

core::Result<void> take_programs(Source& source, std::string_view compiled) {
    const auto value = describe::value_of_json(compiled);
    if (!value) {
        return core::fail({kReading, kObject, value.error().why, kAdvice, EINVAL});
    }
    const describe::Value* const format = value->find("format");
    const describe::Value* const files = value->find("files");
    const describe::Value* const model = value->find("model");
    if (format == nullptr || files == nullptr || model == nullptr || !(*format == describe::Value(kFormat))) {
        return core::fail({kReading, kObject, "it has another form", kAdvice, EINVAL});
    }
    if (!(*files == describe::Value(source.digest))) {
        return core::fail({kReading, kObject, "it was made of other files than are there now", kAdvice, ESTALE});
    }
    const auto whole = model_of(*model);
    if (!whole) {
        return core::fail({kReading, kObject, whole.error().why, kAdvice, EINVAL});
    }
    for (Hook& hook : source.model.hooks) {
        if (!hook.program.empty()) {
            continue;
        }
        const Hook* const found = find_hook(*whole, hook.name);
        if (found == nullptr || found->type != hook.type || found->filter != hook.filter) {
            return core::fail({kReading, kObject, "it has no program for the filter of " + hook.name, kAdvice, EINVAL});
        }
        hook.program = found->program;
        hook.compiled = found->compiled;
        if (const auto program = cbpf::Program::verify(hook.program)) {
            if (const auto why = matchless(hook, *program)) {
                return core::fail({"hook", hook.name, *why, "mend its filter; 'force = true' takes it", EINVAL});
            }
        }
    }
    return {};
}

} // namespace pfild::config
