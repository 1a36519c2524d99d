// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl capture IFACE|any [EXPR]`: its options, as a plan; what it does is in capture/.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpfctl/capture/perform.h"
#include "bpfctl/capture/plan.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kLongestInterface = 127; // an alternative name
constexpr std::size_t kMostInterfaces = 8;     // half of all devices
constexpr std::uint32_t kKib = 1024;
constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kMostMillions = 1'000'000'000;
constexpr std::uint64_t kMostSeconds = 1'000'000'000;
constexpr std::uint64_t kMostFiles = 1'000'000;
constexpr std::size_t kLongestExpression = 65'536; // bytes
constexpr std::uint64_t kLargestBuffer = 1U << 30U;

struct CaptureOperands {
    CapturePlan plan;
    std::optional<std::string> interface; ///< the first word, unless there was -i
    std::vector<std::string> words;
    std::string direction = "both";
    bool resolve = false;
    bool quiet = false;   ///< -p: not promiscuous
    bool numeric = false; ///< -n, which is always so
    std::optional<std::string> file_of_expression;
    std::optional<std::uint64_t> duration;      ///< seconds
    std::optional<std::uint64_t> millions;      ///< of bytes, -C
    std::optional<std::uint32_t> kib_of_buffer; ///< -B
};

std::string expression_of(const std::vector<std::string>& words) {
    std::string expression;
    for (const std::string& word : words) {
        expression += (&word == &words.front() ? "" : " ") + word;
    }
    return expression;
}

/// Why these interfaces are none; nothing: they are.
std::optional<std::string> flaw_of(const std::vector<std::string>& interfaces) {
    if (interfaces.empty()) {
        return "IFACE is missing";
    }
    for (const std::string& interface : interfaces) {
        if (interface.empty() || interface.size() > kLongestInterface) {
            return "IFACE: a name of an interface has 1 to 127 characters";
        }
        if (std::count(interfaces.begin(), interfaces.end(), interface) > 1) {
            return "IFACE: '" + interface + "' is there twice";
        }
    }
    if (interfaces.size() > kMostInterfaces) {
        return "IFACE: at most " + std::to_string(kMostInterfaces) + " can be captured from together";
    }
    if (interfaces.size() > 1 && std::count(interfaces.begin(), interfaces.end(), "any") > 0) {
        return "IFACE: `any` has the others, too";
    }
    return std::nullopt;
}

/// Why files cannot be written so; nothing: they can.
std::optional<std::string> flaw_of_files(const CapturePlan& plan) {
    const Rotation& rotation = plan.rotation;
    const bool is_of_file = plan.format || plan.bytes || rotation.any() || rotation.files;
    if (is_of_file && !plan.file) {
        return "--format, --limit-bytes, -C, -G and -W are of a file: -w says which";
    }
    if (rotation.any() && plan.file == "-") {
        return "-w -: there is only one standard output, so no -C and -G";
    }
    if (rotation.files && !rotation.any()) {
        return "-W counts the files of -C or -G";
    }
    if (rotation.files && rotation.bytes && rotation.seconds) {
        return "-W counts the files of -C or those of -G, not of both";
    }
    constexpr std::int64_t kSome = 1'000'000'000;
    if (rotation.seconds &&
        rotated_name(*plan.file, rotation, kSome, 0) ==
            rotated_name(*plan.file, rotation, kSome + static_cast<std::int64_t>(*rotation.seconds), 0)) {
        return "-G: FILE must change with the time, as %Y%m%d-%H%M%S does, or each file would overwrite the one before";
    }
    return std::nullopt;
}

/// The words, or the file of -F.
Outcome<void> read_expression(const CaptureOperands& operands, const std::vector<std::string>& words,
                              std::string& expression) {
    if (!operands.file_of_expression) {
        expression = expression_of(words);
        return {};
    }
    if (!words.empty()) {
        return usage_failure(kCapture.name, "-F FILE has the expression, so '" + words.front() + "' is too much");
    }
    errno = 0;
    std::ifstream file(*operands.file_of_expression);
    expression.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || expression.size() > kLongestExpression) {
        const int code = file ? EFBIG : errno;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        return fail(Exit::kRefused, {"read", *operands.file_of_expression, std::strerror(code), "", code});
    }
    if (expression.find_first_not_of(" \t\r\n") == std::string::npos) { // it would match every packet
        return fail(Exit::kRefused, {"read", *operands.file_of_expression, "there is no expression in it", "", EINVAL});
    }
    return {};
}

/// What is captured, and from where.
void declare_what(CLI::App& app, CaptureOperands& operands) {
    CapturePlan& plan = operands.plan;
    app.add_option("IFACE", operands.interface, "an attached interface, or `any`: all Ethernet ones that are attached");
    app.add_option("EXPR", operands.words, "which packets, as tcpdump takes it, see pcap-filter(7); all without");
    app.add_option("-i,--interface", plan.interfaces,
                   "the same, and several: -i eth0 -i eth1; every other word is EXPR")
        ->option_text("IFACE")
        ->allow_extra_args(false);
    app.add_option("-F,--expression-file", operands.file_of_expression, "EXPR is in a file")->option_text("FILE");
    app.add_option("-s,--snapshot-length", plan.snap_length, "bytes of each packet at most, else 262144, as with 0")
        ->option_text("SNAPLEN")
        ->check(whole_number(0, filter::kSnapLength));
    app.add_option("-Q,--direction", operands.direction, "which packets: those that come in, go out, or both (inout)")
        ->check(one_of({"in", "out", "both", "inout"}));
    app.add_flag("-U,--immediate", plan.immediate, "hand over each packet at once; so it is without -w");
    app.add_option("--buffer-size", plan.buffer_size,
                   "of each of the device's two buffers, else 4194304; the daemon may give less")
        ->option_text("BYTES")
        ->check(whole_number(1, kLargestBuffer));
    app.add_option("-B", operands.kib_of_buffer, "the same in KiB")
        ->option_text("KIB")
        ->check(whole_number(1, kLargestBuffer / kKib));
    app.add_flag("-p,--no-promiscuous", operands.quiet, "only what the interface takes for itself; `any` always so");
    app.add_flag("--wait", plan.wait, "wait until the interface is attached");
    app.add_flag("--resolve", operands.resolve, "look up names of hosts in the expression, once and now");
    app.add_flag("-n", operands.numeric, "no names of addresses are looked up: always so");
    app.add_flag("-e", plan.link_header, "show Ethernet addresses, too");
}

/// Where packets go, and when that ends.
void declare_files(CLI::App& app, CaptureOperands& operands) {
    CapturePlan& plan = operands.plan;
    const auto count = whole_number(1, std::numeric_limits<std::int64_t>::max());
    app.add_option("-w,--write", plan.file, "write a capture file; - is standard output")->option_text("FILE");
    app.add_option("--format", plan.format,
                   "of the file: pcap, or pcapng, which tells interface and direction; else see below")
        ->check(one_of({"pcap", "pcapng"}));
    app.add_option("-C", operands.millions, "begin the next file, FILE1, FILE2 .., after so many million bytes")
        ->option_text("MILLIONS")
        ->check(whole_number(1, kMostMillions));
    app.add_option("-G", plan.rotation.seconds, "begin the next file after so many seconds; FILE is as for strftime(3)")
        ->option_text("SECONDS")
        ->check(whole_number(1, kMostSeconds));
    app.add_option("-W", plan.rotation.files, "with -C: overwrite the first of so many files; with -G: end after them")
        ->option_text("FILES")
        ->check(whole_number(1, kMostFiles));
    app.add_option("-c,--count", plan.count, "end after so many packets")->option_text("N")->check(count);
    app.add_option("--duration", operands.duration, "end after so many seconds")
        ->option_text("SECONDS")
        ->check(whole_number(1, kMostSeconds));
    app.add_option("--limit-bytes", plan.bytes, "end before more is written than this")
        ->option_text("BYTES")
        ->check(count);
}

Outcome<Question> gather_capture(const CaptureOperands& operands) {
    CapturePlan plan = operands.plan;
    std::vector<std::string> words = operands.words;
    if (!plan.interfaces.empty() && operands.interface) {
        words.insert(words.begin(), *operands.interface); // it begins the expression
    } else if (plan.interfaces.empty() && operands.interface) {
        plan.interfaces.push_back(*operands.interface);
    }
    if (const auto flaw = flaw_of(plan.interfaces)) {
        return usage_failure(kCapture.name, *flaw);
    }
    plan.snap_length = plan.snap_length == 0 ? filter::kSnapLength : plan.snap_length;
    if (auto read = read_expression(operands, words, plan.expression); !read) {
        return tl::make_unexpected(std::move(read.error()));
    }
    if (operands.duration) {
        plan.duration = std::chrono::seconds(*operands.duration);
    }
    if (operands.millions) {
        plan.rotation.bytes = *operands.millions * kMillion;
    }
    plan.buffer_size = operands.kib_of_buffer ? *operands.kib_of_buffer * kKib : plan.buffer_size;
    if (const auto flaw = flaw_of_files(plan)) {
        return usage_failure(kCapture.name, *flaw);
    }
    plan.names = operands.resolve ? filter::Names::kResolve : filter::Names::kNumeric;
    for (const std::string& interface : plan.interfaces) { // before anything is opened
        if (auto program = plan.program(interface, filter::kEthernet); !program) {
            return fail(Exit::kRefused, std::move(program.error()));
        }
    }
    plan.promiscuous = !operands.quiet;
    plan.directions = {operands.direction != "out", operands.direction != "in"};
    Question question;
    question.work = [plan = std::move(plan)](const Options& options, const Console& console) {
        return options.json && plan.file == "-"
                   ? usage_failure(kCapture.name, "-w - and --json both want standard output")
                   : perform_capture(plan, options, console);
    };
    return question;
}

Arguments declare_capture(CLI::App& app, Options& /*options*/) {
    auto operands = std::make_shared<CaptureOperands>();
    declare_what(app, *operands);
    declare_files(app, *operands);
    return [operands] { return gather_capture(*operands); };
}

} // namespace

const Verb kCapture{
    .name = "capture",
    .synopsis = "IFACE|any [-w FILE|-] [-c N] [-s SNAPLEN] [--direction in|out|both] [--immediate]\n"
                "                      [-i IFACE].. [-F FILE] [--wait] [-C MILLIONS] [-G SECONDS] [-W FILES]\n"
                "                      [--duration SECONDS] [--limit-bytes BYTES] [--format pcap|pcapng]\n"
                "                      [--buffer-size BYTES|-B KIB] [-pneU] [--resolve] [EXPR]",
    .summary = "show the packets of an interface, or write them to a file",
    .notes =
        "Incoming packets are seen before any hook, also those that are dropped then; outgoing ones behind the hooks,\n"
        "without those that were dropped. It ends with ^C, after N packets, or when the interface is gone (exit 1).\n"
        "Then it says how many packets it captured, how many the filter was shown, and how many found no room.\n"
        "SIGUSR1 has it say so at once, SIGUSR2 has it write what is buffered. It begins with what buffer it got.\n"
        "\n"
        "The interface is promiscuous meanwhile, so that what is sent to others is seen where it comes by; -p leaves "
        "it.\n"
        "`ip broadcast` in an expression means the interface's own netmask.\n"
        "\n"
        "Without -w there is a line for each packet: from tcpdump(8) if it is installed, which is given the packets\n"
        "and looks no name up; else time, direction, protocol, addresses, ports and length. Of several interfaces, "
        "and\n"
        "of `any`, each line names interface and direction.\n"
        "\n"
        "With -w they go to a file, times in nanoseconds, at the latest 200 ms after they came. It is pcapng if it is\n"
        "called FILE.pcapng, or has packets of several interfaces and is not called FILE.pcap: that has interfaces,\n"
        "directions and what was counted. Packets of two interfaces that came within a millisecond of each other may "
        "be\n"
        "in another order than they came.\n"
        "\n"
        "-C, -G and -W make several files, as tcpdump does; a file ends before the packet that is too late for it. Of\n"
        "files that are followed by others pcapng has no counts of the device. -W with -C overwrites the oldest.\n"
        "\n"
        "With --json there is an object a line for each packet: seconds, nanoseconds, interface, ifindex,\n"
        "direction, caplen, length (on the wire), data (hexadecimal). The last line is {\"statistics\": {captured,\n"
        "received, filtered, dropped, lost, buffer_size}}, as for SIGUSR1; with -w FILE there are no others.\n"
        "\n"
        "Root and the group pfild may capture. With --socket PATH the device socket is bpf.sock in the same folder.\n"
        "\n"
        "Examples:\n"
        "  bpfctl capture eth0 tcp port 80\n"
        "  bpfctl capture any -c 100 -w /tmp/dns.pcapng 'udp port 53'\n"
        "  bpfctl capture -i eth0 -i tun0 icmp\n"
        "  bpfctl capture eth0 -w /var/tmp/ring.pcapng -C 100 -W 10\n"
        "  bpfctl capture eth0 -w - --direction in | wireshark -k -i -\n",
    .request = "",
    .declare = declare_capture,
    .text = no_text,
};

} // namespace pfild::bpfctl
