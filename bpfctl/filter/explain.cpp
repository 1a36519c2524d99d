// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl filter explain EXPR`: what a program does line by line, what it depends on, and where it would run.
#include <memory>
#include <ostream>

#include "bpfctl/filter/compiled_by.h"
#include "bpfctl/filter/explanation.h"
#include "bpfctl/filter/source.h"
#include "bpfctl/verbs.h"
#include "cbpf/analysis/equivalence.h"

namespace pfild::bpfctl {
namespace {

struct ExplainOperands {
    FilterSource source;
    std::optional<std::string> same_as;
};

Outcome<Question> gather_explain(const ExplainOperands& operands) {
    const FilterSource& source = operands.source;
    if (auto good = source.check(kFilterExplain.name); !good) {
        return tl::make_unexpected(std::move(good.error()));
    }
    const filter::NamedLinkType type = source.type();
    const auto program = source.program(kFilterExplain.name, type.type());
    if (!program) {
        return tl::make_unexpected(program.error());
    }
    const std::string title = source.bytecode ? *source.bytecode : source.expression();
    auto explanation = std::make_shared<Explanation>(explain(program->program, {title, type.number, type.name}));
    explanation->compiled_by = program->compiled ? json_of(*program->compiled) : Json();
    if (operands.same_as) {
        FilterSource other = source;
        other.words = {*operands.same_as};
        other.bytecode.reset();
        const auto compared = other.program(kFilterExplain.name, type.type());
        if (!compared) {
            return tl::make_unexpected(compared.error());
        }
        explanation->same = cbpf::certainly_equal(program->program, compared->program);
        explanation->compared_with = *operands.same_as;
    }
    Question question;
    question.work = [explanation](const Options& options, const Console& console) {
        console.out << (options.json ? pretty(json_of(*explanation)) + '\n' : text_of(*explanation));
        return Outcome<void>();
    };
    return question;
}

Arguments declare_explain(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<ExplainOperands>();
    operands->source.declare_expression(app);
    operands->source.declare_bytecode(app);
    operands->source.declare_link_type(app);
    app.add_option("--same-as", operands->same_as, "another expression: does it mean the same for every packet?")
        ->option_text("EXPR");
    return [operands] { return gather_explain(*operands); };
}

} // namespace

const Verb kFilterExplain{
    .name = "filter explain",
    .synopsis = "[-y TYPE] [-O] [--resolve] [--same-as EXPR] EXPR|--bytecode FILE",
    .summary = "say what a program does, what it depends on and where it would run",
    .notes =
        "No daemon is asked. The listing is what a hook or capture gets, with a note on each line: what is loaded,\n"
        "asked or returned. Behind it:\n"
        "  Compiled     by libpcap's optimiser, if that is proved equal to the unoptimised program, else by pfild; "
        "why\n"
        "  Depends on   bytes that the answer can depend on; no change of any other byte changes it\n"
        "  Snap length  what suffices to judge a packet, and the most that is kept of one\n"
        "  Link type    for which packets it looks for the protocol at the right place\n"
        "  Hook         whether a hook with this filter is asked once per flow or for every packet, and why; whether\n"
        "               it could be asked in the kernel, where incoming packets are decided in XDP or in TC\n"
        "  Engine       how pfild's engine runs it\n"
        "Each of these is certain where it promises something. --same-as says \"the same\" only if that is certain.\n"
        "\n"
        "With --json: title, link_type, compiled_by {how, because, unoptimised_instructions, optimised_instructions}\n"
        "(null: bytecode, or -O), instructions, listing, notes, depends_on {bytes, wire_length, readings},\n"
        "snap_length {to_judge, to_keep} (null: the whole packet), link_types (meant, open, foreign), hooks\n"
        "{type, answers, because, kernel_refusals {XDP, TC} (null: it can run there)}, engine,\n"
        "same_as {expression, certain}.\n"
        "\n"
        "Examples:\n"
        "  bpfctl filter explain tcp dst port 443\n"
        "  bpfctl filter explain -y inet 'tcp[tcpflags] & tcp-syn != 0'\n"
        "  bpfctl filter explain 'tcp or udp' --same-as 'udp or tcp'\n",
    .request = "",
    .declare = declare_explain,
    .text = no_text,
};

} // namespace pfild::bpfctl
