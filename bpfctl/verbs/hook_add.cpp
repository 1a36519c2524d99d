// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl hook add HOOK …` and `hook replace HOOK …`: compiles a filter, or reads a compiled one, verifies it and hands
// it to the daemon.
//
// The daemon gets bytecode and, for people, the text; it never sees a name that somebody would have to look up.
#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bpfctl/bytecode_file.h"
#include "bpfctl/fields.h"
#include "bpfctl/filter/compiled_by.h"
#include "bpfctl/text/hooks.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"
#include "cbpf/program.h"
#include "control/requests.h"
#include "filter/proved.h"

namespace pfild::bpfctl {
namespace {

struct HookAddOperands {
    std::string name;
    std::optional<std::string> filter;
    std::optional<std::string> bytecode;
    std::string on_match;
    std::string type;
    std::string run = "auto";
    std::string neighbours = "auto";
    bool resolve = false;
};

using Instructions = std::vector<cbpf::Instruction>;

/// What is sent, and how it came about if it was compiled here.
struct HookProgram {
    Instructions instructions;
    std::optional<filter::Proved> compiled;
};

/// What one command has compiled already, as the lines of a batch often have the same expression, is not compiled
/// again.
core::Result<filter::Proved> compiled(const HookAddOperands& operands, filter::LinkType link_type) {
    static std::map<std::tuple<std::string, std::string, bool>, filter::Proved> known;
    const std::tuple key(*operands.filter, operands.type, operands.resolve);
    if (const auto found = known.find(key); found != known.end()) {
        return found->second;
    }
    auto proved = filter::compile_proved(*operands.filter, link_type,
                                         operands.resolve ? filter::Names::kResolve : filter::Names::kNumeric);
    if (proved) {
        known.emplace(key, *proved);
    }
    return proved;
}

core::Result<HookProgram> program_of(const HookAddOperands& operands, filter::LinkType link_type) {
    if (operands.bytecode) {
        auto read = read_bytecode(*operands.bytecode);
        return read ? core::Result<HookProgram>(HookProgram{std::move(*read), std::nullopt})
                    : core::fail(std::move(read.error()));
    }
    auto proved = compiled(operands, link_type);
    return proved ? core::Result<HookProgram>(HookProgram{proved->program, *proved})
                  : core::fail(std::move(proved.error()));
}

tl::unexpected<Failure> unverified(const HookAddOperands& operands, const cbpf::Rejection& rejection) {
    const std::string advice = operands.filter ? filter::advice_on(rejection, "split the filter into several hooks")
                                               : "only programs that verify are linked into the path";
    return fail(Exit::kRefused, {std::string(kHookAdd.name), operands.name,
                                 "the program does not verify: " + rejection.message(), advice, EINVAL});
}

Json rows_of(const Instructions& program) {
    Json rows = Json::array();
    for (const cbpf::Instruction& in : program) {
        rows.push_back(Json::array({in.code, in.jt, in.jf, in.k}));
    }
    return rows;
}

std::string flaw_of(const HookAddOperands& operands) {
    if (operands.filter.has_value() == operands.bytecode.has_value()) {
        return "give either --filter or --bytecode";
    }
    if (operands.resolve && operands.bytecode) {
        return "--resolve is for --filter only";
    }
    return hook_name_flaw(operands.name);
}

Outcome<Question> gather_hook_add(const HookAddOperands& operands) {
    if (std::string flaw = flaw_of(operands); !flaw.empty()) {
        return usage_failure(kHookAdd.name, std::move(flaw));
    }
    const auto link_type = filter::link_type_of(operands.type);
    if (!link_type) {
        return usage_failure(kHookAdd.name, "--type: '" + operands.type + "' has no link type");
    }
    auto program = program_of(operands, *link_type);
    if (!program) {
        return fail(Exit::kRefused, std::move(program.error()));
    }
    if (const auto verified = cbpf::Program::verify(program->instructions); !verified) {
        return unverified(operands, verified.error());
    }
    Question question(Json{{"name", operands.name},
                           {"type", operands.type},
                           {"on_match", operands.on_match},
                           {"filter", operands.filter ? Json(*operands.filter) : Json()},
                           {"program", rows_of(program->instructions)},
                           {"dlt", link_type->number},
                           {"run", operands.run},
                           {"neighbours", operands.neighbours},
                           {"compiled", "unverified"}});
    if (program->compiled) {
        question.arguments["compiled"] = filter::name(program->compiled->origin);
        question.remarks = Json{{"compiled_by", json_of(*program->compiled)}};
    }
    return question;
}

Arguments declare_hook_add(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<HookAddOperands>();
    const describe::Shape& request = describe::shape_of<control::HookAddRequest>();
    app.add_option("HOOK", operands->name, "its name, MODULE:NAME, for example cbpf:block-telnet")->required();
    app.add_option("--filter", operands->filter, "an expression as tcpdump takes it, see pcap-filter(7); quote it")
        ->option_text("EXPR");
    app.add_option("--bytecode", operands->bytecode,
                   "a compiled filter, as tcpdump prints it with -d, -dd or -ddd; - is standard input")
        ->option_text("FILE");
    app.add_option("--on-match", operands->on_match, "what becomes of packets that match, see below")
        ->required()
        ->check(words_of(request, "on_match"));
    app.add_option("--type", operands->type, "which packets it filters, and so which heads it can be linked to")
        ->required()
        ->check(words_of(request, "type"));
    app.add_option("--run", operands->run, "where it runs, see below [auto]")
        ->check(words_of(request, "run"))
        ->option_text("WHERE");
    app.add_option("--neighbours", operands->neighbours, "which packets that keep the link up it is asked about [auto]")
        ->check(words_of(request, "neighbours"))
        ->option_text("WHICH");
    app.add_flag("--resolve", operands->resolve, "look up names of hosts in the expression, once and now");
    return [operands] { return gather_hook_add(*operands); };
}

/// What became of it, without where it is linked.
std::string made_text(const Exchange& exchange) {
    const Json& hook = exchange.result;
    const std::string name = text(hook, "name");
    std::string by;
    if (const Json& compiled_by = member(hook, "compiled_by"); compiled_by.is_object()) {
        for (const std::string& line : reason_lines(compiled_by)) {
            by += (by.empty() ? "Compiled: " : "          ") + line + '\n';
        }
    }
    return name + ": " + counted(number(hook, "instructions").value_or(0), "instruction") + ", " +
           on_match_text(text(hook, "on_match")) + '\n' + by + as_it_is_text(hook) + upkeep_text(hook);
}

std::string text_of_hook_add(const Exchange& exchange) {
    const Json& hook = exchange.result;
    return made_text(exchange) + "It filters nothing until it is linked: bpfctl link -i " + text(hook, "name") + ' ' +
           text(hook, "type") + '\n';
}

} // namespace

const Verb kHookAdd{
    .name = "hook add",
    .synopsis = "HOOK --filter EXPR|--bytecode FILE --on-match drop|pass|count --type inet|inet6|ethernet\n"
                "         [--run auto|engine|kernel] [--neighbours auto|obey|pass] [--resolve] [--force]",
    .summary = "make a hook; link lets packets meet it",
    .notes =
        "On match:\n"
        "  drop   packets that match are dropped; all others go on to the next hook\n"
        "  pass   packets that match go on to the next hook; all others are dropped\n"
        "  count  every packet goes on to the next hook; those that match are counted\n"
        "\n"
        "Type:\n"
        "  inet, inet6  IPv4 or IPv6 packets, from the IP header on; for the heads inet and inet6\n"
        "  ethernet     frames, from the Ethernet header on; for the head ethernet and those of interfaces\n"
        "\n"
        "Run:\n"
        "  auto    in the kernel where its filter looks at more than the flow, if it can be moved there; else in the\n"
        "          engine\n"
        "  engine  in the engine, and with it all hooks behind it\n"
        "  kernel  in the kernel; what would move it to the engine (a link, an attach) is refused, with the reason\n"
        "\n"
        "Neighbours (ARP, IPv6 neighbour and multicast listener discovery; EAPOL, LACP, LLDP, PTP, MACsec and STP to\n"
        "01:80:c2:00:00:00-0f):\n"
        "  auto  asked about those that its filter tells from other packets; the others pass. `bpfctl hooks` says "
        "which\n"
        "  obey  asked about all that its type is shown: rules that pass only what they match can cut the host off\n"
        "  pass  not asked: they pass\n"
        "\n"
        "A filter that can match no packet of its type is refused unless --force is given.\n"
        "The expression is compiled here, before the daemon is asked. Names of services come from /etc/services.\n"
        "What libpcap's optimiser makes of it is used only if it is proved equal to the unoptimised program; else "
        "that\n"
        "one is, reduced by pfild. The answer says which.\n"
        "Names of hosts are errors unless --resolve is given; then the addresses of this moment are compiled in.\n"
        "Bytecode must be compiled for the type: tcpdump -y RAW -ddd for inet and inet6, -y EN10MB for ethernet.\n"
        "\n"
        "Examples:\n"
        "  bpfctl hook add cbpf:block-telnet --filter 'tcp dst port 23' --on-match drop --type inet\n"
        "  bpfctl hook add cbpf:only-mine --filter 'net 192.0.2.0/24' --on-match pass --type inet\n"
        "  tcpdump -y RAW -ddd 'udp port 53' | bpfctl hook add cbpf:dns --bytecode - --on-match count --type inet\n",
    .request = "hook-add",
    .declare = declare_hook_add,
    .text = text_of_hook_add,
};

const Verb kHookReplace{
    .name = "hook replace",
    .synopsis = kHookAdd.synopsis,
    .summary = "give a hook another filter, where it is linked",
    .notes = "The options are those of `hook add`. Packets meet the old filter or the new one, never none; links, "
             "order and\n"
             "whether it is disabled stay as they are, and its counters begin again. The type cannot change.\n",
    .request = "hook-replace",
    .declare = declare_hook_add,
    .text = made_text,
};

} // namespace pfild::bpfctl
