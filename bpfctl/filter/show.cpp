// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl filter show FILE`: bytecode as a listing, and what is wrong with it.
#include <memory>
#include <ostream>

#include "bpfctl/bytecode_file.h"
#include "bpfctl/filter/program_text.h"
#include "bpfctl/verbs.h"
#include "cbpf/program.h"

namespace pfild::bpfctl {
namespace {

struct ShowOperands {
    std::string file;
    ProgramForm form;
};

Outcome<Question> gather_show(const ShowOperands& operands) {
    const auto form = operands.form.form(kFilterShow.name);
    if (!form) {
        return tl::make_unexpected(form.error());
    }
    auto program = read_bytecode(operands.file);
    if (!program) {
        return fail(Exit::kRefused, std::move(program.error()));
    }
    Question question;
    question.work = [form = *form, program = std::move(*program)](const Options& options, const Console& console) {
        const auto verified = cbpf::Program::verify(program);
        const std::string flaw = verified ? "" : verified.error().message();
        if (options.json) {
            Json json = json_of_program(program);
            json["verifies"] = verified.has_value();
            json["because"] = verified ? Json() : Json(flaw);
            console.out << pretty(json) << '\n';
        } else {
            console.out << cbpf::print(program, form);
            if (!verified && form == cbpf::TextForm::kListing) {
                console.out << "; it does not verify: " << flaw << '\n';
            }
        }
        return Outcome<void>();
    };
    return question;
}

Arguments declare_show(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<ShowOperands>();
    app.add_option("FILE", operands->file, "a program as tcpdump prints it with -d, -dd or -ddd; - is standard input")
        ->required();
    operands->form.declare(app);
    return [operands] { return gather_show(*operands); };
}

} // namespace

const Verb kFilterShow{
    .name = "filter show",
    .synopsis = "[-d|-dd|-ddd] FILE",
    .summary = "print a program in another form",
    .notes =
        "No daemon is asked. A program that does not verify is printed, too, as long as it can be read; a listing\n"
        "then ends with the reason, as a comment.\n"
        "\n"
        "With --json: instructions [[code, jt, jf, k]...], listing, verifies, because (null if it does).\n"
        "\n"
        "Examples:\n"
        "  bpfctl filter show dns.bpf\n"
        "  tcpdump -y RAW -ddd 'udp port 53' | bpfctl filter show -\n"
        "  bpfctl filter show -dd listing.txt          a listing as C\n",
    .request = "",
    .declare = declare_show,
    .text = no_text,
};

} // namespace pfild::bpfctl
