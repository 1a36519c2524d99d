// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl hook show HOOK`: one hook, with its program as tcpdump -d would list it.
#include <cstdint>
#include <memory>
#include <vector>

#include "bpfctl/fields.h"
#include "bpfctl/text/hooks.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "cbpf/text.h"

namespace pfild::bpfctl {
namespace {

Arguments declare_hook_show(CLI::App& app, Options& /*options*/) {
    auto name = std::make_shared<std::string>();
    app.add_option("HOOK", *name, "MODULE:NAME, for example cbpf:block-telnet")->required();
    return [name]() -> Outcome<Question> {
        if (std::string flaw = hook_name_flaw(*name); !flaw.empty()) {
            return usage_failure(kHookShow.name, std::move(flaw));
        }
        return Question(Json{{"name", *name}});
    };
}

/// Of rows [code, jt, jf, k]; what is none of them is one that does nothing.
std::vector<cbpf::Instruction> instructions_of(const Json& rows) {
    std::vector<cbpf::Instruction> program;
    for (const Json& row : rows) {
        const auto field = [&row](std::size_t which) {
            const bool there = row.is_array() && which < row.size() && row[which].is_number_unsigned();
            return there ? row[which].get<std::uint64_t>() : 0;
        };
        program.push_back({static_cast<std::uint16_t>(field(0)), static_cast<std::uint8_t>(field(1)),
                           static_cast<std::uint8_t>(field(2)), static_cast<std::uint32_t>(field(3))});
    }
    return program;
}

std::string text_of_hook_show(const Exchange& exchange) {
    const std::vector<cbpf::Instruction> program = instructions_of(member(exchange.result, "program"));
    return hooks_text(Json::array({exchange.result})) + whole_filter_text(exchange.result) + '\n' +
           counted(program.size(), "instruction") + '\n' + cbpf::print(program, cbpf::TextForm::kListing);
}

} // namespace

const Verb kHookShow{
    .name = "hook show",
    .synopsis = "HOOK",
    .summary = "a hook with its program",
    .notes = "The program as tcpdump -d would list it, from the header on that the type of the hook names.\n"
             "\n"
             "With --json: the members that `bpfctl --json hooks` has, and program: [[code, jt, jf, k], ...].\n",
    .request = "hook-show",
    .declare = declare_hook_show,
    .text = text_of_hook_show,
};

} // namespace pfild::bpfctl
