// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl extcap`: what Wireshark and tshark ask a program that captures for them (extcap(4)): which interfaces, with
// which options, and then to capture into a pipe.
//
//     --extcap-interfaces                               "interface {value=pfild:eth0}{display=..}" a line
//     --extcap-interface X --extcap-dlts | --extcap-config | --extcap-capture-filter F
//     --extcap-interface X --capture --fifo PIPE        pcapng, until SIGTERM
//
// X is pfild:IFACE of the default instance, pfild:INSTANCE:IFACE of others.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bpfctl/capture/perform.h"
#include "bpfctl/endpoint.h"
#include "bpfctl/fields.h"
#include "bpfctl/run.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr std::string_view kPrefix = "pfild:";
constexpr std::string_view kDefault = "default";
constexpr std::uint64_t kMostBuffer = 1U << 30U;

struct ExtcapOperands {
    bool list = false;
    bool link_types = false;
    bool config = false;
    bool capture = false;
    std::optional<std::string> interface;
    std::optional<std::string> fifo;
    std::optional<std::string> expression;
    std::string version; ///< of Wireshark
    CapturePlan plan;
    std::string direction = "both";
    bool quiet = false; ///< not promiscuous
};

/// An interface of an instance, as Wireshark has it.
struct Named {
    std::string instance;
    std::string interface;
};

std::string value_of(const Named& named) {
    const std::string instance = named.instance == kDefault ? "" : named.instance + ':';
    return std::string(kPrefix) + instance + named.interface;
}

/// Nothing: it is not one of ours. Neither instances nor interfaces have a colon in their names.
std::optional<Named> named_by(const std::string& value) {
    if (value.substr(0, kPrefix.size()) != kPrefix) {
        return std::nullopt;
    }
    const std::string rest = value.substr(kPrefix.size());
    const std::size_t colon = rest.find(':');
    Named named = colon == std::string::npos ? Named{std::string(kDefault), rest}
                                             : Named{rest.substr(0, colon), rest.substr(colon + 1)};
    const bool is_whole = !named.instance.empty() && !named.interface.empty() &&
                          named.instance.find('/') == std::string::npos && named.instance[0] != '.';
    return is_whole ? std::optional(std::move(named)) : std::nullopt;
}

/// Instances that have a socket; only the one of the options if they name it.
std::vector<std::string> instances(const Options& options) {
    if (options.named || !options.socket.empty()) {
        return {options.instance};
    }
    std::vector<std::string> all;
    std::error_code none;
    for (const auto& folder : std::filesystem::directory_iterator("/run/pfild", none)) {
        if (std::filesystem::exists(folder.path() / "control.sock", none)) {
            all.push_back(folder.path().filename());
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

/// A text inside of braces.
std::string braced(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '{' || c == '}'; }, '_');
    return printable(std::move(text));
}

void print_interface(std::ostream& out, const Named& named) {
    const std::string what = named.interface == "any" ? "all interfaces" : named.interface;
    const std::string of = named.instance == kDefault ? "" : " of " + named.instance;
    out << "interface {value=" << braced(value_of(named)) << "}{display=pfild: " << braced(what + of) << "}\n";
}

/// One that does not answer, or may not be asked, has none.
void print_interfaces(const Options& options, std::ostream& out) {
    out << "extcap {version=" PFILD_VERSION "}{display=pfild}\n";
    for (const std::string& instance : instances(options)) {
        Options of = options;
        of.instance = instance;
        const auto status = ask_daemon(endpoint_of(of), "status", Json::object());
        if (!status || member(*status, "interfaces").empty()) {
            continue;
        }
        for (const Json& interface : member(*status, "interfaces")) {
            print_interface(out, {instance, text(interface, "name")});
        }
        print_interface(out, {instance, "any"});
    }
}

constexpr std::string_view kConfig =
    "arg {number=0}{call=--direction}{display=Direction}{tooltip=Which packets}{type=selector}\n"
    "value {arg=0}{value=both}{display=In and out}{default=true}\n"
    "value {arg=0}{value=in}{display=In}{default=false}\n"
    "value {arg=0}{value=out}{display=Out}{default=false}\n"
    "arg {number=1}{call=--no-promiscuous}{display=Not promiscuous}{tooltip=Only what the interface takes for itself}"
    "{type=boolflag}{default=false}\n"
    "arg {number=2}{call=--snapshot-length}{display=Snapshot length}{tooltip=Bytes of each packet at most; 0: whole}"
    "{type=unsigned}{range=0,262144}{default=0}\n"
    "arg {number=3}{call=--buffer-size}{display=Buffer size}{tooltip=Bytes of each of two buffers}"
    "{type=unsigned}{range=4096,1073741824}{default=4194304}\n";

/// What the words ask for, done.
Outcome<void> perform_extcap(const ExtcapOperands& operands, Options options, const Console& console) {
    if (operands.list) {
        print_interfaces(options, console.out);
        return {};
    }
    const auto named = operands.interface ? named_by(*operands.interface) : std::nullopt;
    if (!named) {
        return usage_failure(kExtcap.name, "--extcap-interface: pfild:IFACE or pfild:INSTANCE:IFACE is wanted");
    }
    if (operands.link_types) {
        console.out << "dlt {number=1}{name=EN10MB}{display=Ethernet}\n";
        return {};
    }
    if (operands.config) {
        console.out << kConfig;
        return {};
    }
    CapturePlan plan = operands.plan;
    plan.interfaces = {named->interface};
    plan.expression = operands.expression.value_or("");
    plan.snap_length = plan.snap_length == 0 ? filter::kSnapLength : plan.snap_length;
    if (auto program = plan.program(named->interface, filter::kEthernet); !program) {
        if (operands.capture) {
            return fail(Exit::kRefused, std::move(program.error()));
        }
        console.out << printable(program.error().why) << '\n'; // what is printed is what is wrong with the filter
        return {};
    }
    if (!operands.capture) {
        return {};
    }
    if (!operands.fifo) {
        return usage_failure(kExtcap.name, "--capture: --fifo is missing");
    }
    plan.file = operands.fifo;
    plan.format = "pcapng";
    plan.immediate = true;
    plan.promiscuous = !operands.quiet;
    plan.directions = {operands.direction != "out", operands.direction != "in"};
    options.instance = options.socket.empty() ? named->instance : options.instance;
    std::ostringstream unheard; // Wireshark takes what is said for an error
    return perform_capture(plan, options, {unheard, unheard});
}

Arguments declare_extcap(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<ExtcapOperands>();
    CapturePlan& plan = operands->plan;
    app.add_flag("--extcap-interfaces", operands->list, "list what can be captured from");
    app.add_option("--extcap-version", operands->version, "of who asks");
    app.add_option("--extcap-interface", operands->interface,
                   "the one that is meant: pfild:IFACE, pfild:INSTANCE:IFACE");
    app.add_flag("--extcap-dlts", operands->link_types, "list its link types");
    app.add_flag("--extcap-config", operands->config, "list the options of a capture, with their defaults");
    app.add_option("--extcap-capture-filter", operands->expression, "which packets; without --capture it is tried");
    app.add_flag("--capture", operands->capture, "capture");
    app.add_option("--fifo", operands->fifo, "where packets go, as pcapng");
    app.add_option("--direction", operands->direction)->check(one_of({"in", "out", "both"}));
    app.add_flag("--no-promiscuous", operands->quiet);
    app.add_option("--snapshot-length", plan.snap_length)->check(whole_number(0, filter::kSnapLength));
    app.add_option("--buffer-size", plan.buffer_size)->check(whole_number(1, kMostBuffer));
    return [operands]() -> Outcome<Question> {
        Question question;
        question.work = [operands](const Options& options, const Console& console) {
            return perform_extcap(*operands, options, console);
        };
        return question;
    };
}

} // namespace

const Verb kExtcap{
    .name = "extcap",
    .synopsis = "--extcap-interfaces | --extcap-interface pfild:[INSTANCE:]IFACE ..",
    .summary = "capture for Wireshark and tshark",
    .notes =
        "Wireshark and tshark call this, through the program `pfild` in their folder for extcap(4), which the package\n"
        "wireshark-pfild puts there: then their lists of interfaces have those of pfild, and they capture from them.\n"
        "\n"
        "Who may capture may capture so: root and the group pfild.\n"
        "\n"
        "Examples:\n"
        "  tshark -D\n"
        "  tshark -i pfild:eth0 -f 'tcp port 80'\n",
    .request = "",
    .declare = declare_extcap,
    .text = no_text,
};

} // namespace pfild::bpfctl
