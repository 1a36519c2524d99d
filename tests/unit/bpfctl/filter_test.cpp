// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl filter`: what each verb prints, as text and as JSON, and what it says of files and expressions that are
// none. No verb asks a daemon.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "bpfctl/filter/annotate.h"
#include "bpfctl/filter/index_ranges.h"
#include "bpfctl/run.h"
#include "cbpf/text.h"
#include "filter/capture_file.h"

namespace pfild::bpfctl {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;
using Words = std::vector<std::string>;

struct FilterEnded {
    Exit exit;
    std::string out;
    std::string err;
};

FilterEnded filter_with(const Words& words) {
    std::ostringstream out;
    std::ostringstream err;
    const Exit exit = run(words, {out, err}, [](const Endpoint&, std::string_view, const Json&) -> Outcome<Json> {
        ADD_FAILURE() << "the daemon was asked";
        return fail(Exit::kUnreachable, {"nobody", "", "must be asked", "", EIO});
    });
    return {exit, out.str(), err.str()};
}

/// A file that is gone at the end of the test.
class FilterFile {
  public:
    explicit FilterFile(const std::string& content = "") {
        close(mkstemp(path_.data()));
        std::ofstream(path_, std::ios::binary) << content;
    }
    FilterFile(const FilterFile&) = delete;
    FilterFile& operator=(const FilterFile&) = delete;
    ~FilterFile() { unlink(path_.c_str()); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string content() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

  private:
    std::string path_ = testing::TempDir() + "filter.XXXXXX";
};

/// IPv4 from 192.0.2.1 to 192.0.2.2, protocol, destination port.
Bytes packet(std::uint8_t protocol, std::uint8_t port) {
    return {0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 15, 160, 0, port, 0, 8, 0, 0};
}

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

void write_packets(const std::string& path, filter::LinkType type, const std::vector<Bytes>& packets) {
    auto file = filter::CaptureFile::create(path, type, 262144);
    ASSERT_TRUE(file);
    for (const Bytes& ip : packets) {
        Bytes bytes = type == filter::kEthernet ? Bytes{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0} : Bytes{};
        bytes.insert(bytes.end(), ip.begin(), ip.end());
        ASSERT_TRUE(file->write({1, 2, static_cast<std::uint32_t>(bytes.size()), bytes}));
    }
    ASSERT_TRUE(file->close());
}

TEST(FilterCompile, prints_the_three_forms_of_tcpdump) {
    const char* const listing = "(000) ldh      [12]\n(001) jeq      #0x800           jt 2\tjf 3\n"
                                "(002) ret      #262144\n(003) ret      #0\n";
    EXPECT_EQ(filter_with({"filter", "compile", "ip"}).out, listing);
    EXPECT_EQ(filter_with({"filter", "compile", "-d", "ip"}).out, listing);
    EXPECT_EQ(filter_with({"filter", "compile", "-dd", "ip"}).out,
              "{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n"
              "{ 0x6, 0, 0, 0x00000000 },\n");
    EXPECT_EQ(filter_with({"filter", "compile", "-ddd", "ip", "-s", "96"}).out,
              "4\n40 0 0 12\n21 0 1 2048\n6 0 0 96\n6 0 0 0\n");
    EXPECT_EQ(filter_with({"filter", "compile", "-ddd", "ip", "-s", "0"}).out,
              filter_with({"filter", "compile", "-ddd", "ip"}).out);
    EXPECT_EQ(filter_with({"filter", "compile", "-d", "-d", "-d", "-y", "inet", "ip"}).out,
              "5\n48 0 0 0\n84 0 0 240\n21 0 1 64\n6 0 0 262144\n6 0 0 0\n");
    EXPECT_EQ(filter_with({"filter", "compile", "tcp", "port", "80"}).out,
              filter_with({"filter", "compile", "tcp port 80"}).out);
}

TEST(FilterCompile, leaves_the_optimiser_out_when_told) {
    const auto optimised = filter_with({"filter", "compile", "-ddd", "ip or ip"});
    const auto plain = filter_with({"filter", "compile", "-ddd", "-O", "ip or ip"});
    EXPECT_EQ(optimised.out.substr(0, 2), "4\n");
    EXPECT_EQ(plain.out.substr(0, 2), "6\n");
}

TEST(FilterCompile, says_everything_as_json) {
    const auto ended = filter_with({"filter", "compile", "--json", "-y", "ethernet", "ip"});
    EXPECT_EQ(ended.out, pretty(Json::parse(R"({"expression": "ip", "link_type": {"number": 1, "name": "EN10MB"},
        "snap_length": 262144, "optimised": true,
        "instructions": [[40, 0, 0, 12], [21, 0, 1, 2048], [6, 0, 0, 262144], [6, 0, 0, 0]],
        "listing": ["(000) ldh      [12]", "(001) jeq      #0x800           jt 2\tjf 3", "(002) ret      #262144",
                    "(003) ret      #0"]})")) +
                             '\n');
}

TEST(FilterShow, turns_each_form_into_each_other) {
    const std::string forms[] = {"-d", "-dd", "-ddd"};
    for (const std::string& from : forms) {
        const FilterFile file(filter_with({"filter", "compile", from, "tcp dst port 443"}).out);
        for (const std::string& to : forms) {
            EXPECT_EQ(filter_with({"filter", "show", to, file.path()}).out,
                      filter_with({"filter", "compile", to, "tcp dst port 443"}).out)
                << from << " to " << to;
        }
    }
}

TEST(FilterShow, says_what_is_wrong_with_a_program_that_can_be_read) {
    const FilterFile file("ld [0]\ndiv #0\nret a\n");
    const auto ended = filter_with({"filter", "show", file.path()});
    EXPECT_EQ(ended.exit, Exit::kOk);
    EXPECT_EQ(ended.out, "(000) ld       [0]\n(001) div      #0\n(002) ret      \n"
                         "; it does not verify: instruction 1 (div #0, 0x34): division by the constant 0 (CF-11)\n");
    const auto json = Json::parse(filter_with({"filter", "show", "--json", file.path()}).out);
    EXPECT_EQ(json["verifies"], false);
    EXPECT_EQ(json["because"], "instruction 1 (div #0, 0x34): division by the constant 0 (CF-11)");
    const FilterFile good("ret #1\n");
    EXPECT_EQ(Json::parse(filter_with({"filter", "show", "--json", good.path()}).out)["because"], Json());
}

TEST(FilterShow, asks_the_daemon_for_the_program_of_a_hook) {
    std::string asked;
    const auto show = [&](const Words& words) {
        std::ostringstream out;
        std::ostringstream err;
        EXPECT_EQ(run(words, {out, err},
                      [&](const Endpoint&, std::string_view verb, const Json& arguments) -> Outcome<Json> {
                          asked = std::string(verb) + compact(arguments);
                          return Json::parse(R"({"name": "cbpf:a", "program": [[48, 0, 0, 9], [22, 0, 0, 0]]})");
                      }),
                  Exit::kOk)
            << err.str();
        return out.str();
    };
    EXPECT_EQ(show({"filter", "show", "--hook", "cbpf:a"}), "(000) ldb      [9]\n(001) ret      \n");
    EXPECT_EQ(asked, R"(hook-show{"name":"cbpf:a"})");
    EXPECT_EQ(show({"filter", "show", "-dd", "--hook", "cbpf:a"}),
              "{ 0x30, 0, 0, 0x00000009 },\n{ 0x16, 0, 0, 0x00000000 },\n");
    EXPECT_EQ(Json::parse(show({"filter", "show", "--json", "--hook", "cbpf:a"}))["name"], "cbpf:a");
}

TEST(FilterExplain, reads_like_this) {
    EXPECT_EQ(filter_with({"filter", "explain", "tcp", "dst", "port", "443"}).out,
              "tcp dst port 443, for EN10MB: 16 instructions\n"
              "\n"
              "(000) ldh      [12]                               ; A = EtherType\n"
              "(001) jeq      #0x86dd          jt 2    jf 6      ; EtherType = IPv6?\n"
              "(002) ldb      [20]                               ; A = IPv6 next header\n"
              "(003) jeq      #0x6             jt 4    jf 15     ; IPv6 next header = TCP?\n"
              "(004) ldh      [56]                               ; A = TCP destination port\n"
              "(005) jeq      #0x1bb           jt 14   jf 15     ; TCP destination port = 443?\n"
              "(006) jeq      #0x800           jt 7    jf 15     ; EtherType = IPv4?\n"
              "(007) ldb      [23]                               ; A = IPv4 protocol\n"
              "(008) jeq      #0x6             jt 9    jf 15     ; IPv4 protocol = TCP?\n"
              "(009) ldh      [20]                               ; A = IPv4 flags and fragment offset\n"
              "(010) jset     #0x1fff          jt 15   jf 11     ; a fragment, but not the first?\n"
              "(011) ldxb     4*([14]&0xf)                       ; X = length of the IPv4 header\n"
              "(012) ldh      [x + 16]                           ; A = TCP destination port\n"
              "(013) jeq      #0x1bb           jt 14   jf 15     ; TCP destination port = 443?\n"
              "(014) ret      #262144                            ; match: keep up to 262144 bytes\n"
              "(015) ret      #0                                 ; no match\n"
              "\n"
              "Compiled       optimised           optimiser of libpcap proved equal\n"
              "Depends on     bytes 12-13         EtherType\n"
              "               byte 14             IPv4 header length\n"
              "               bytes 16-77         TCP destination port, somewhere in these\n"
              "               byte 20             IPv6 next header\n"
              "               bytes 20-21         IPv4 flags and fragment offset\n"
              "               byte 23             IPv4 protocol\n"
              "               bytes 56-57         TCP destination port\n"
              "Snap length    78 bytes            are enough to judge a packet\n"
              "               262144 bytes        at most are kept of one that matches\n"
              "Link type      EN10MB              Ethernet frames\n"
              "Hook ethernet  asked per flow      the kernel knows the answer for the flow's next packets\n"
              "               kernel, XDP and TC  could be asked there for every packet\n"
              "Engine         native code\n");
}

/// With one blank for several: what is said, not how wide its column is.
std::string squeezed(const std::string& text) {
    std::string all;
    std::unique_copy(text.begin(), text.end(), std::back_inserter(all),
                     [](char a, char b) { return a == ' ' && b == ' '; });
    return all;
}

TEST(FilterExplain, says_why_a_hook_would_be_asked_for_every_packet) {
    const auto ended = filter_with({"filter", "explain", "-y", "inet", "ip[8] < 5"});
    EXPECT_THAT(squeezed(ended.out),
                HasSubstr("Hook inet asked per packet instruction 3 reads byte 8 (time to live), which"));
    EXPECT_THAT(squeezed(ended.out), HasSubstr("Hook inet6 asked per flow "));
    EXPECT_THAT(squeezed(ended.out), testing::Not(HasSubstr("Hook ethernet")));
}

TEST(FilterExplain, says_where_in_the_kernel_a_hook_could_be_asked_and_why_not) {
    const auto ended = filter_with({"filter", "explain", "-O", "-y", "inet", "ip[ip[0] & 0xf] = 4"});
    EXPECT_THAT(squeezed(ended.out), HasSubstr("\n kernel, XDP could be asked there for every packet\n"));
    EXPECT_THAT(squeezed(ended.out), HasSubstr("\n not in TC instruction "));
    const auto json = Json::parse(filter_with({"filter", "explain", "--json", "-y", "inet", "ip[8] < 5"}).out);
    EXPECT_EQ(json["hooks"][0]["kernel_refusals"], Json::parse(R"({"XDP": null, "TC": null})"));
}

TEST(FilterExplain, of_bytecode_that_looks_for_no_protocol) {
    const FilterFile file("ld len\njgt #100,0,1\nret #-1\nret #0\n");
    const auto ended = filter_with({"filter", "explain", "--bytecode", file.path()});
    EXPECT_THAT(squeezed(ended.out), HasSubstr("Depends on the length "));
    EXPECT_THAT(squeezed(ended.out), HasSubstr("Snap length 0 bytes "));
    EXPECT_THAT(squeezed(ended.out), HasSubstr("the whole packet at most is kept of one that matches"));
    EXPECT_THAT(squeezed(ended.out), HasSubstr("Link type any it tests no field that tells them apart"));
    const auto json = Json::parse(filter_with({"filter", "explain", "--json", "--bytecode", file.path()}).out);
    EXPECT_EQ(json["depends_on"], Json::parse(R"({"bytes": [], "wire_length": true, "readings": []})"));
    EXPECT_EQ(json["snap_length"], Json::parse(R"({"to_judge": 0, "to_keep": null})"));
    EXPECT_EQ(json["link_types"]["RAW"], "open");
    EXPECT_EQ(json["hooks"][0]["answers"], "per packet");
}

TEST(FilterExplain, compares_with_another_expression) {
    const auto same = filter_with({"filter", "explain", "tcp or udp", "--same-as", "udp or tcp"});
    EXPECT_THAT(squeezed(same.out), HasSubstr("Compared certainly equal for every packet, to: udp or tcp"));
    const auto other = filter_with({"filter", "explain", "tcp or udp", "--same-as", "udp"});
    EXPECT_THAT(squeezed(other.out), HasSubstr("Compared perhaps not equal to: udp\n"));
    const auto json = Json::parse(filter_with({"filter", "explain", "--json", "tcp", "--same-as", "tcp"}).out);
    EXPECT_EQ(json["same_as"], Json::parse(R"({"expression": "tcp", "certain": true})"));
}

TEST(FilterRun, counts_and_names_the_packets_that_match_on_every_engine) {
    const FilterFile file;
    write_packets(file.path(), filter::kEthernet,
                  {packet(kTcp, 80), packet(kTcp, 23), packet(kTcp, 23), packet(kUdp, 23), packet(kTcp, 23)});
    for (const std::string engine : {"interpreter", "native", "batch"}) {
        const auto ended = filter_with({"filter", "run", file.path(), "--engine", engine, "tcp dst port 23"});
        EXPECT_EQ(ended.out, file.path() + ": 3 of 5 packets match (Ethernet, engine " + engine + ")\n  2-3, 5\n");
        EXPECT_EQ(ended.exit, Exit::kOk);
        const auto json = Json::parse(
            filter_with({"filter", "run", file.path(), "--engine", engine, "tcp dst port 23", "--json"}).out);
        EXPECT_EQ(json["indices"], Json::parse("[2, 3, 5]"));
        EXPECT_EQ(json["packets"], 5);
        EXPECT_EQ(json["matches"], 3);
        EXPECT_EQ(json["link_type"]["name"], "EN10MB");
        EXPECT_EQ(json["engine"], engine);
    }
    EXPECT_EQ(filter_with({"filter", "run", file.path(), "-c", "udp"}).out,
              file.path() + ": 1 of 5 packets matches (Ethernet, engine native)\n");
    EXPECT_EQ(filter_with({"filter", "run", file.path(), "ip6"}).out,
              file.path() + ": 0 of 5 packets match (Ethernet, engine native)\n");
}

TEST(FilterRun, judges_more_packets_than_fit_a_batch) {
    const FilterFile file;
    std::vector<Bytes> packets(150, packet(kUdp, 53));
    packets[63] = packets[64] = packets[149] = packet(kTcp, 1);
    write_packets(file.path(), filter::kRaw, packets);
    for (const std::string engine : {"interpreter", "native", "batch"}) {
        EXPECT_THAT(filter_with({"filter", "run", file.path(), "--engine", engine, "tcp"}).out,
                    HasSubstr("3 of 150 packets match"));
        EXPECT_THAT(filter_with({"filter", "run", file.path(), "--engine", engine, "tcp"}).out,
                    HasSubstr("\n  64-65, 150\n"));
    }
}

TEST(FilterRun, refuses_bytecode_that_is_meant_for_other_packets) {
    const FilterFile file;
    write_packets(file.path(), filter::kEthernet, {packet(kTcp, 80)});
    const FilterFile raw(filter_with({"filter", "compile", "-y", "RAW", "tcp"}).out);
    const auto refused = filter_with({"filter", "run", file.path(), "--bytecode", raw.path()});
    EXPECT_EQ(refused.exit, Exit::kRefused);
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(refused.err, "bpfctl: filter run " + file.path() +
                               ": the program is meant for IP packets, the packets are Ethernet frames (EN10MB) "
                               "(compile it for EN10MB, or add --any-link-type)\n");
    const auto forced = filter_with({"filter", "run", file.path(), "--bytecode", raw.path(), "--any-link-type"});
    EXPECT_THAT(forced.out, HasSubstr("0 of 1 packet match"));
    const FilterFile right(filter_with({"filter", "compile", "-dd", "tcp"}).out);
    EXPECT_THAT(filter_with({"filter", "run", file.path(), "--bytecode", right.path()}).out,
                HasSubstr("1 of 1 packet"));
    const FilterFile open("ret #1\n");
    EXPECT_THAT(filter_with({"filter", "run", file.path(), "--bytecode", open.path()}).out, HasSubstr("1 of 1 packet"));
}

TEST(FilterRun, says_where_a_file_is_damaged) {
    const FilterFile whole;
    write_packets(whole.path(), filter::kEthernet, {packet(kTcp, 80), packet(kTcp, 80)});
    const std::string bytes = whole.content();
    constexpr std::size_t kFileHeader = 24;
    constexpr std::size_t kRecord = 16 + 42;
    std::string huge = bytes;
    huge.replace(kFileHeader + 8, 4, "\xff\xff\xff\x7f"); // caplen of the first packet
    struct Row {
        const char* sentence;
        std::string content;
        const char* part;
    };
    const Row rows[] = {
        {"nothing", "", "truncated dump file; tried to read 4 file header bytes, only got 0"},
        {"no capture file", "hello, this is no capture file", "unknown file format (it must be a capture file"},
        {"half a header", bytes.substr(0, 10), "truncated dump file"},
        {"the second packet is cut", bytes.substr(0, kFileHeader + kRecord + 20),
         "truncated dump file; tried to read 42 captured bytes, only got 4 (the file is damaged behind packet 1)"},
        {"its header is cut", bytes.substr(0, kFileHeader + kRecord + 3),
         "truncated dump file; tried to read 16 header bytes, only got 3 (the file is damaged behind packet 1)"},
        {"a packet that would fill memory", huge, "(the file is damaged behind packet 0)"},
    };
    for (const Row& row : rows) {
        const FilterFile file(row.content);
        const auto ended = filter_with({"filter", "run", file.path(), "tcp"});
        EXPECT_EQ(ended.exit, Exit::kRefused) << row.sentence;
        EXPECT_EQ(ended.out, "") << row.sentence;
        EXPECT_THAT(ended.err, HasSubstr("bpfctl: read " + file.path() + ": ")) << row.sentence;
        EXPECT_THAT(ended.err, HasSubstr(row.part)) << row.sentence;
    }
    EXPECT_EQ(filter_with({"filter", "run", "/nonexistent/a.pcap", "tcp"}).err,
              "bpfctl: read /nonexistent/a.pcap: No such file or directory\n");
}

struct FilterRefusal {
    const char* sentence;
    Words words;
    Exit exit;
    std::string line;
};

void expect_refused(const std::vector<FilterRefusal>& rows) {
    for (const FilterRefusal& row : rows) {
        const auto ended = filter_with(row.words);
        EXPECT_EQ(ended.exit, row.exit) << row.sentence;
        EXPECT_EQ(ended.out, "") << row.sentence;
        EXPECT_EQ(ended.err, row.line) << row.sentence;
    }
}

TEST(Filter, refuses_words_that_make_no_sense_and_says_why) {
    expect_refused({
        {"an expression that is none",
         {"filter", "compile", "tcp port"},
         Exit::kRefused,
         "bpfctl: filter 'tcp port': can't parse filter expression: syntax error (see pcap-filter(7))\n"},
        {"a name of a host",
         {"filter", "explain", "host localhost"},
         Exit::kRefused,
         "bpfctl: filter 'host localhost': unknown host 'localhost' (names are not looked up: write the address, or "
         "add "
         "--resolve)\n"},
        {"no expression",
         {"filter", "compile"},
         Exit::kUsage,
         "bpfctl: filter compile: EXPR is missing (see `bpfctl filter compile --help`)\n"},
        {"one form too many",
         {"filter", "compile", "-dddd", "ip"},
         Exit::kUsage,
         "bpfctl: filter compile: -d: there are -d, -dd and -ddd (see `bpfctl filter compile --help`)\n"},
        {"no such link type",
         {"filter", "compile", "-y", "ETHER", "ip"},
         Exit::kUsage,
         "bpfctl: filter compile: --link-type: 'ETHER' is no link type: write EN10MB, RAW, inet, ethernet or what "
         "`tcpdump -L` lists (see `bpfctl filter compile --help`)\n"},
        {"no such length",
         {"filter", "compile", "-s", "-1", "ip"},
         Exit::kUsage,
         "bpfctl: filter compile: --snapshot-length: '-1' is no number from 0 to 262144 (see `bpfctl filter compile "
         "--help`)\n"},
        {"neither a file nor a hook",
         {"filter", "show"},
         Exit::kUsage,
         "bpfctl: filter show: give either FILE or --hook (see `bpfctl filter show --help`)\n"},
        {"neither expression nor bytecode",
         {"filter", "run", "a.pcap"},
         Exit::kUsage,
         "bpfctl: filter run: give either EXPR or --bytecode (see `bpfctl filter run --help`)\n"},
        {"both",
         {"filter", "explain", "ip", "--bytecode", "a"},
         Exit::kUsage,
         "bpfctl: filter explain: give either EXPR or --bytecode (see `bpfctl filter explain --help`)\n"},
        {"the optimiser of bytecode",
         {"filter", "explain", "-O", "--bytecode", "a"},
         Exit::kUsage,
         "bpfctl: filter explain: --no-optimiser is for expressions only (see `bpfctl filter explain --help`)\n"},
        {"two files from one stream",
         {"filter", "run", "-", "--bytecode", "-"},
         Exit::kUsage,
         "bpfctl: filter run: the packets and the bytecode cannot both come from standard input (see `bpfctl filter "
         "run "
         "--help`)\n"},
        {"no such engine",
         {"filter", "run", "a", "--engine", "jit", "ip"},
         Exit::kUsage,
         "bpfctl: filter run: --engine: 'jit' is not one of interpreter, native, batch (see `bpfctl filter run "
         "--help`)\n"},
    });
    const auto json = filter_with({"filter", "compile", "--json", "tcp port"});
    EXPECT_EQ(Json::parse(json.err)["error"]["errno"], "EINVAL");
}

TEST(Filter, says_line_instruction_and_rule_of_programs_that_are_none) {
    const FilterFile broken("1\n48 0 0\n");
    const FilterFile unverified("ldb [0]\n");
    expect_refused({
        {"bytecode that cannot be read",
         {"filter", "show", broken.path()},
         Exit::kRefused,
         "bpfctl: bytecode " + broken.path() +
             ": line 2, column 7: instruction 0 (ldb, 0x30): the line ends before k (it must be what `tcpdump -d`, -dd "
             "or -ddd prints)\n"},
        {"bytecode that does not verify",
         {"filter", "explain", "--bytecode", unverified.path()},
         Exit::kRefused,
         "bpfctl: filter explain " + unverified.path() +
             ": the program does not verify: instruction 0 (ldb [0], 0x30): the program runs past its last instruction "
             "(CF-05) (`bpfctl filter show` lists it)\n"},
        {"a backward jump of libpcap's",
         {"filter", "explain", "ip6 protochain 6"},
         Exit::kRefused,
         "bpfctl: filter explain 'ip6 protochain 6': the program does not verify: instruction 18 (ja +4294967281, "
         "0x05): jump to outside the program (CF-06) (libpcap makes a loop of `protochain`, and a program has none: "
         "say "
         "where the protocol is, as in `ip6[6] = 6`)\n"},
    });
}

TEST(IndexRanges, are_lines_of_a_bounded_width) {
    IndexRanges ranges;
    EXPECT_EQ(ranges.text(), "");
    for (const std::uint64_t index : {1, 2, 3, 7, 9, 10, 100, 200, 300}) {
        ranges.add(index);
    }
    EXPECT_EQ(ranges.text(), "  1-3, 7, 9-10, 100, 200, 300\n");
    EXPECT_EQ(ranges.text(16), "  1-3, 7, 9-10,\n  100, 200, 300\n");
    EXPECT_EQ(ranges.count(), 9U);
    EXPECT_EQ(ranges.json(), Json::parse("[1, 2, 3, 7, 9, 10, 100, 200, 300]"));
}

std::vector<std::string> notes_of(const char* text, cbpf::LinkForm form) {
    const auto program = cbpf::assemble(text);
    EXPECT_TRUE(program) << text;
    std::vector<std::string> notes;
    for (const Note& note : annotate(*program, form)) {
        notes.push_back(note.text);
    }
    return notes;
}

TEST(Annotation, calls_bytes_what_they_are_on_the_way_that_leads_there) {
    using testing::ElementsAre;
    EXPECT_THAT(notes_of("ldh [12]\njeq #0x800,0,2\nldb [20]\nret a\nldb [20]\nret a", cbpf::LinkForm::kEthernet),
                ElementsAre("A = EtherType", "EtherType = IPv4?", "A = IPv4 flags and fragment offset, byte 0",
                            "match if A is not 0: keep up to A bytes", "A = byte 20",
                            "match if A is not 0: keep up to A bytes"));
    EXPECT_THAT(notes_of("ldh [12]\njeq #0x8100,0,4\nldh [16]\njeq #0x86dd,0,2\nldb [24]\nret a\nret #0",
                         cbpf::LinkForm::kEthernet),
                ElementsAre("A = EtherType", "EtherType = 802.1Q tag?", "A = EtherType", "EtherType = IPv6?",
                            "A = IPv6 next header", "match if A is not 0: keep up to A bytes", "no match"));
    EXPECT_THAT(notes_of("ldb [9]\njeq #17,0,2\nldx 4*([0]&0xf)\nldh [x+2]\nret a", cbpf::LinkForm::kRaw),
                ElementsAre("A = byte 9", "A = 17?", "X = 4 times the lower half of byte 0", "A = bytes X + 2 to X + 3",
                            "match if A is not 0: keep up to A bytes"))
        << "nobody has asked whether it is IPv4";
    EXPECT_THAT(notes_of("ret #5\nret #0", cbpf::LinkForm::kRaw), ElementsAre("match: keep up to 5 bytes", ""));
}

TEST(Annotation, numbers_bytes_of_link_types_that_it_does_not_know) {
    const auto ended = filter_with({"filter", "explain", "-y", "PPP", "ip"});
    EXPECT_THAT(ended.out, HasSubstr("; A = bytes 2 to 3\n"));
    EXPECT_THAT(ended.out, HasSubstr("; A = 33?\n"));
    EXPECT_THAT(ended.out, testing::Not(HasSubstr("Hook")));
}

TEST(Annotation, has_words_for_every_instruction) {
    for (const cbpf::OpcodeInfo& row : cbpf::kOpcodes) {
        const bool branches = row.operand == cbpf::Operand::kBranch || row.operand == cbpf::Operand::kBranchX;
        const std::vector<cbpf::Instruction> code{
            {0x02, 0, 0, 3},
            {row.code, static_cast<std::uint8_t>(branches ? 1 : 0), 0, row.operand == cbpf::Operand::kJump ? 1U : 3U},
            {0x06, 0, 0, 1},
            {0x06, 0, 0, 0}};
        const auto program = cbpf::Program::verify(code);
        ASSERT_TRUE(program) << row.name;
        for (const cbpf::LinkFormInfo& form : cbpf::kLinkFormTable) {
            const std::string text = annotate(*program, form.form)[1].text;
            EXPECT_NE(text, "") << row.name;
            EXPECT_THAT(text, testing::Not(HasSubstr(" ? "))) << row.name;
        }
    }
}

} // namespace
} // namespace pfild::bpfctl
