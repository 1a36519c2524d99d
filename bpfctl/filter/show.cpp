// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl filter show FILE`: bytecode, or a hook's program, as a listing, and what is wrong with it.
#include <array>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "bpfctl/bytecode_file.h"
#include "bpfctl/fields.h"
#include "bpfctl/filter/program_text.h"
#include "bpfctl/verbs.h"
#include "cbpf/program.h"

namespace pfild::bpfctl {
namespace {

struct ShowOperands {
    std::string file;
    std::string hook;
    ProgramForm form;
};

/// What is printed, as text in the form or as JSON.
std::string shown(const std::vector<cbpf::Instruction>& program, cbpf::TextForm form, bool as_json) {
    const auto verified = cbpf::Program::verify(program);
    const std::string flaw = verified ? "" : verified.error().message();
    if (as_json) {
        Json json = json_of_program(program);
        json["verifies"] = verified.has_value();
        json["because"] = verified ? Json() : Json(flaw);
        return pretty(json) + '\n';
    }
    const bool comments = !verified && form == cbpf::TextForm::kListing;
    return cbpf::print(program, form) + (comments ? "; it does not verify: " + flaw + '\n' : "");
}

Outcome<Question> show_file(const std::string& path, cbpf::TextForm form) {
    auto program = read_bytecode(path);
    if (!program) {
        return fail(Exit::kRefused, std::move(program.error()));
    }
    Question question;
    question.work = [form, program = std::move(*program)](const Options& options, const Console& console) {
        console.out << shown(program, form, options.json);
        return Outcome<void>();
    };
    return question;
}

/// One of the daemon's rows, [code, jt, jf, k]; nothing if it is none.
std::optional<cbpf::Instruction> instruction_of(const Json& row) {
    constexpr std::array<std::uint64_t, 4> kLargest{0xffff, 0xff, 0xff, 0xffffffff};
    std::array<std::uint64_t, kLargest.size()> values{};
    if (!row.is_array() || row.size() != values.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto* const value = row[i].get_ptr<const Json::number_unsigned_t*>();
        if (value == nullptr || *value > kLargest.at(i)) {
            return std::nullopt;
        }
        values.at(i) = *value;
    }
    return cbpf::Instruction{static_cast<std::uint16_t>(values[0]), static_cast<std::uint8_t>(values[1]),
                             static_cast<std::uint8_t>(values[2]), static_cast<std::uint32_t>(values[3])};
}

std::string text_of_hook_program(const Exchange& exchange) {
    std::vector<cbpf::Instruction> program;
    const Json& rows = member(exchange.result, "program");
    for (const Json& row : rows.is_array() ? rows : Json::array()) {
        const auto instruction = instruction_of(row);
        if (!instruction) {
            return "? (are bpfctl and pfild of the same version?)\n";
        }
        program.push_back(*instruction);
    }
    return shown(program, form_of(exchange.options), false);
}

Outcome<Question> gather_show(const ShowOperands& operands) {
    const auto form = operands.form.form(kFilterShow.name);
    if (!form) {
        return tl::make_unexpected(form.error());
    }
    if (operands.file.empty() == operands.hook.empty()) {
        return usage_failure(kFilterShow.name, "give either FILE or --hook");
    }
    if (operands.hook.empty()) {
        return show_file(operands.file, *form);
    }
    if (std::string flaw = hook_name_flaw(operands.hook); !flaw.empty()) {
        return usage_failure(kFilterShow.name, std::move(flaw));
    }
    return Question(Json{{"name", operands.hook}});
}

Arguments declare_show(CLI::App& app, Options& options) {
    auto operands = std::make_shared<ShowOperands>();
    app.add_option("FILE", operands->file, "a program as tcpdump prints it with -d, -dd or -ddd; - is standard input");
    app.add_option("--hook", operands->hook, "the program of this hook of pfild instead")->option_text("HOOK");
    operands->form.declare(app, options);
    return [operands] { return gather_show(*operands); };
}

} // namespace

const Verb kFilterShow{
    .name = "filter show",
    .synopsis = "[-d|-dd|-ddd] FILE|--hook HOOK",
    .summary = "print a program, from a file or of a hook",
    .notes =
        "Only --hook asks the daemon. A program that does not verify is printed, too, as long as it can be read; a "
        "listing\n"
        "then ends with the reason, as a comment.\n"
        "\n"
        "With --json: instructions [[code, jt, jf, k]...], listing, verifies, because (null if it does); of a hook\n"
        "what `bpfctl hooks --json` says of it, and program [[code, jt, jf, k]...].\n"
        "\n"
        "Examples:\n"
        "  bpfctl filter show dns.bpf\n"
        "  tcpdump -y RAW -ddd 'udp port 53' | bpfctl filter show -\n"
        "  bpfctl filter show -dd listing.txt          a listing as C\n"
        "  bpfctl filter show --hook cbpf:dns\n",
    .request = "hook-show",
    .declare = declare_show,
    .text = text_of_hook_program,
};

} // namespace pfild::bpfctl
