// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl filter run FILE`: which packets of a capture file match.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <ostream>

#include "bpfctl/fields.h"
#include "bpfctl/filter/replay.h"
#include "bpfctl/filter/source.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "cbpf/analysis/link_types.h"

namespace pfild::bpfctl {
namespace {

struct RunOperands {
    std::string file;
    FilterSource source;
    std::string engine = "native";
    bool count_only = false;
    bool any_link_type = false;
};

/// The form of a link type, if programs can be told to be meant for it.
const cbpf::LinkFormInfo* form_of(int number) {
    const auto* const found = std::find_if(cbpf::kLinkFormTable.begin(), cbpf::kLinkFormTable.end(),
                                           [number](const cbpf::LinkFormInfo& row) { return row.number == number; });
    return found == cbpf::kLinkFormTable.end() ? nullptr : found;
}

/// Why a program makes no sense for these packets; empty if it does.
std::string misfit(const cbpf::Program& program, const filter::NamedLinkType& type) {
    const cbpf::LinkFormInfo* const form = form_of(type.number);
    const cbpf::LinkFits fits = cbpf::link_fits_of(program);
    if (form == nullptr || fits.at(static_cast<std::size_t>(form->form)) != cbpf::Fit::kForeign) {
        return {};
    }
    std::string meant;
    for (const cbpf::LinkFormInfo& row : cbpf::kLinkFormTable) {
        if (fits.at(static_cast<std::size_t>(row.form)) == cbpf::Fit::kMeant) {
            meant += (meant.empty() ? "" : " or ") + std::string(row.phrase);
        }
    }
    return "the program is meant for " + meant + ", the packets are " + std::string(form->phrase) + " (" + type.name +
           ')';
}

std::string engine_text(const cbpf::Machine& machine, const RunOperands& operands) {
    const auto refusal = machine.refusal();
    return refusal ? "interpreter, because " + std::string(cbpf::jit::text(*refusal)) : operands.engine;
}

void print_run(const RunOperands& operands, const filter::NamedLinkType& type, const cbpf::Machine& machine,
               const Replayed& replayed, const Console& console) {
    const std::uint64_t matches = replayed.matches.count();
    console.out << printable(operands.file) << ": " << matches << " of " << counted(replayed.packets, "packet")
                << (matches == 1 ? " matches" : " match") << " (" << type.description << ", engine "
                << engine_text(machine, operands) << ")\n";
    if (!operands.count_only) {
        console.out << replayed.matches.text();
    }
}

Json json_of_run(const RunOperands& operands, const filter::NamedLinkType& type, const cbpf::Machine& machine,
                 const Replayed& replayed) {
    Json json{{"file", operands.file},
              {"link_type", {{"number", type.number}, {"name", type.name}}},
              {"engine", machine.refusal() ? "interpreter" : operands.engine},
              {"packets", replayed.packets},
              {"matches", replayed.matches.count()}};
    if (!operands.count_only) {
        json["indices"] = replayed.matches.json();
    }
    return json;
}

Outcome<void> perform_run(const RunOperands& operands, const Options& options, const Console& console) {
    auto file = filter::PacketFile::open(operands.file);
    if (!file) {
        return fail(Exit::kRefused, std::move(file.error()));
    }
    const filter::NamedLinkType type = file->link_type();
    auto source = operands.source.program(kFilterRun.name, type.type());
    if (!source) {
        return tl::make_unexpected(std::move(source.error()));
    }
    cbpf::Program& program = source->program;
    if (std::string why = misfit(program, type); operands.source.bytecode && !operands.any_link_type && !why.empty()) {
        return fail(Exit::kRefused, {std::string(kFilterRun.name), operands.file, std::move(why),
                                     "compile it for " + type.name + ", or add --any-link-type", EINVAL});
    }
    const auto engine = static_cast<ReplayEngine>(
        std::find(kReplayEngineNames.begin(), kReplayEngineNames.end(), operands.engine) - kReplayEngineNames.begin());
    const cbpf::Machine machine(std::move(program), engine == ReplayEngine::kInterpreter ? cbpf::Engine::kInterpreter
                                                                                         : cbpf::Engine::kNative);
    const auto replayed = replay(*file, machine, engine);
    if (!replayed) {
        return fail(Exit::kRefused, replayed.error());
    }
    if (options.json) {
        console.out << pretty(json_of_run(operands, type, machine, *replayed)) << '\n';
    } else {
        print_run(operands, type, machine, *replayed, console);
    }
    return {};
}

Outcome<Question> gather_run(const RunOperands& operands) {
    if (auto good = operands.source.check(kFilterRun.name); !good) {
        return tl::make_unexpected(std::move(good.error()));
    }
    if (operands.file == "-" && operands.source.bytecode == "-") {
        return usage_failure(kFilterRun.name, "the packets and the bytecode cannot both come from standard input");
    }
    if (operands.any_link_type && !operands.source.bytecode) {
        return usage_failure(kFilterRun.name, "--any-link-type is for --bytecode only");
    }
    Question question;
    question.work = [operands](const Options& options, const Console& console) {
        return perform_run(operands, options, console);
    };
    return question;
}

Arguments declare_run(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<RunOperands>();
    app.add_option("FILE", operands->file, "a capture file, pcap or pcapng; - is standard input")->required();
    operands->source.declare_expression(app);
    operands->source.declare_bytecode(app);
    app.add_option("--engine", operands->engine, "what runs the program, else native; batch: 64 packets at a time")
        ->check(one_of({kReplayEngineNames.begin(), kReplayEngineNames.end()}));
    app.add_flag("-c,--count", operands->count_only, "how many packets match, not which");
    app.add_flag("--any-link-type", operands->any_link_type, "run bytecode that is meant for other packets");
    return [operands] { return gather_run(*operands); };
}

} // namespace

const Verb kFilterRun{
    .name = "filter run",
    .synopsis =
        "FILE [--engine interpreter|native|batch] [-c] [-O] [--resolve] EXPR\n"
        "       bpfctl filter run FILE [--engine interpreter|native|batch] [-c] [--any-link-type] --bytecode FILE",
    .summary = "say which packets of a capture file match",
    .notes =
        "No daemon is asked. Packets are counted from 1. The expression is compiled for the link type of the file;\n"
        "bytecode that is meant for another one is refused. A file that is damaged is refused, too, with libpcap's\n"
        "message and the last packet that was good.\n"
        "\n"
        "With --json: file, link_type {number, name}, engine, packets, matches, indices (without -c).\n"
        "\n"
        "Examples:\n"
        "  bpfctl filter run web.pcap 'tcp dst port 443'\n"
        "  bpfctl filter run web.pcap --bytecode dns.bpf --engine batch -c\n"
        "  bpfctl capture eth0 -c 1000 -w - | bpfctl filter run - udp\n",
    .request = "",
    .declare = declare_run,
    .text = no_text,
};

} // namespace pfild::bpfctl
