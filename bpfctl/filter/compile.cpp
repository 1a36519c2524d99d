// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl filter compile EXPR`: an expression as the program that it means.
#include <memory>
#include <ostream>

#include "bpfctl/filter/program_text.h"
#include "bpfctl/filter/source.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

struct CompileOperands {
    FilterSource source;
    ProgramForm form;
};

Outcome<Question> gather_compile(const CompileOperands& operands) {
    FilterSource source = operands.source;
    source.snap_length = source.snap_length == 0 ? filter::kSnapLength : source.snap_length;
    const auto form = operands.form.form(kFilterCompile.name);
    if (!form) {
        return tl::make_unexpected(form.error());
    }
    const filter::NamedLinkType type = source.type();
    auto compiled = source.instructions(type.type());
    if (!compiled) {
        return tl::make_unexpected(std::move(compiled.error()));
    }
    Question question;
    question.work = [source, type, form = *form, program = std::move(*compiled)](const Options& options,
                                                                                 const Console& console) {
        if (!options.json) {
            console.out << cbpf::print(program, form);
            return Outcome<void>();
        }
        Json json{{"expression", source.expression()},
                  {"link_type", {{"number", type.number}, {"name", type.name}}},
                  {"snap_length", source.snap_length},
                  {"optimised", !source.unoptimised}};
        json.update(json_of_program(program));
        console.out << pretty(json) << '\n';
        return Outcome<void>();
    };
    return question;
}

Arguments declare_compile(CLI::App& app, Options& options) {
    auto operands = std::make_shared<CompileOperands>();
    operands->source.declare_expression(app);
    app.get_option("EXPR")->required();
    operands->form.declare(app, options);
    operands->source.declare_link_type(app);
    app.add_option("-s,--snapshot-length", operands->source.snap_length,
                   "what the program returns for a packet that matches, else 262144, as with 0")
        ->option_text("SNAPLEN")
        ->check(whole_number(0, filter::kSnapLength));
    return [operands] { return gather_compile(*operands); };
}

} // namespace

const Verb kFilterCompile{
    .name = "filter compile",
    .synopsis = "[-d|-dd|-ddd] [-y TYPE] [-s SNAPLEN] [-O] [--resolve] EXPR",
    .summary = "print the program that an expression means",
    .notes =
        "No daemon is asked. What is printed is byte for byte what tcpdump prints for the same link type, and any of\n"
        "its forms can be given to --bytecode. Names of services come from /etc/services.\n"
        "\n"
        "With --json: expression, link_type {number, name}, snap_length, optimised, instructions\n"
        "[[code, jt, jf, k]...], listing.\n"
        "\n"
        "Examples:\n"
        "  bpfctl filter compile tcp dst port 443\n"
        "  bpfctl filter compile -ddd -y inet 'udp port 53' > dns.bpf\n"
        "  bpfctl hook add cbpf:dns --bytecode dns.bpf --on-match count --type inet\n",
    .request = "",
    .declare = declare_compile,
    .text = no_text,
};

} // namespace pfild::bpfctl
