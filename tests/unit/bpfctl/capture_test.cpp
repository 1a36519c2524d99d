// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl capture` from words to exit code, against a daemon on a socket of the test: what it asks, what comes out, how
// it ends.
#include "bpfctl/capture/sinks.h"

#include <gmock/gmock.h>

#include "tests/unit/bpfctl/device_daemon.h"

namespace pfild::bpfctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Capture, writes_as_many_packets_as_were_wanted) {
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 2)), refused(EAGAIN, "read: timed out"), gives(records(2, 3))};
    const std::string file = daemon.path("a.pcap");
    const auto ended = daemon.run_words({"-w", file, "-c", "3", "-s", "96", "--direction", "in", "ip"});
    EXPECT_EQ(ended.exit, Exit::kOk);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(
        ended.err,
        "capturing on eth0, writing " + file +
            ", 2 buffers of 4 MiB\n3 packets captured\n10 packets received by filter\n1 packet dropped by kernel\n");
    EXPECT_THAT(seconds_in(file), ElementsAre(0, 1, 2));
    EXPECT_THAT(daemon.ops(), ElementsAre(PFILD_OP_OPEN, PFILD_OP_SET_OPTIONS, PFILD_OP_SET_READ_TIMEOUT,
                                          PFILD_OP_SET_FILTER, PFILD_OP_SET_BUFFER_SIZE, PFILD_OP_SET_INTERFACE,
                                          PFILD_OP_SET_PROMISCUOUS, PFILD_OP_GET_DATA_LINK, PFILD_OP_SHARE,
                                          PFILD_OP_READ, PFILD_OP_READ, PFILD_OP_READ, PFILD_OP_GET_STATS));
    EXPECT_EQ(daemon.request(PFILD_OP_SET_BUFFER_SIZE).value<std::uint32_t>(), 4194304U);
    EXPECT_EQ(daemon.request(PFILD_OP_READ).value<pfild_read>().size, 4194304U);
    EXPECT_EQ(daemon.request(PFILD_OP_SET_INTERFACE).text(), "eth0");
    EXPECT_EQ(daemon.request(PFILD_OP_SET_READ_TIMEOUT).value<pfild_read_timeout>().microseconds, 200'000);
    EXPECT_EQ(daemon.request(PFILD_OP_SET_OPTIONS).payload, (Bytes{0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
    const Bytes ip{0x28, 0, 0, 0, 12, 0, 0, 0, 0x15, 0, 0, 1, 0, 8, 0, 0,
                   6,    0, 0, 0, 96, 0, 0, 0, 6,    0, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(daemon.request(PFILD_OP_SET_FILTER).payload, ip);
}

TEST(Capture, asks_for_what_its_options_say) {
    struct Row {
        const char* sentence;
        CaptureWords words;
        Bytes options; ///< the first eight
        Bytes filter;
        std::uint32_t buffer;
    };
    const std::string file = "/dev/null";
    const Row rows[] = {
        {"every packet, whole", {"-w", file}, {0, 0, 0, 0, 1, 1, 1, 1}, {}, 4194304},
        {"the first bytes of every packet",
         {"-w", file, "-s", "64"},
         {0, 0, 0, 0, 1, 1, 1, 1},
         {6, 0, 0, 0, 64, 0, 0, 0},
         4194304},
        {"whole with 0, as tcpdump has it", {"-w", file, "-s", "0"}, {0, 0, 0, 0, 1, 1, 1, 1}, {}, 4194304},
        {"at once", {"-w", file, "--immediate"}, {1, 0, 0, 0, 1, 1, 1, 1}, {}, 4194304},
        {"what is shown is shown at once", {"--json"}, {1, 0, 0, 0, 1, 1, 1, 1}, {}, 4194304},
        {"outgoing packets", {"-w", file, "--direction", "out"}, {0, 0, 0, 0, 0, 1, 1, 1}, {}, 4194304},
        {"a small buffer", {"-w", file, "--buffer-size", "4096"}, {0, 0, 0, 0, 1, 1, 1, 1}, {}, 4096},
    };
    for (const Row& row : rows) {
        DeviceDaemon daemon;
        daemon.reads = {gives(records(0, 1))};
        CaptureWords words = row.words;
        words.insert(words.end(), {"-c", "1"});
        EXPECT_EQ(daemon.run_words(words).exit, Exit::kOk) << row.sentence;
        Bytes options = daemon.request(PFILD_OP_SET_OPTIONS).payload;
        options.resize(8);
        EXPECT_EQ(options, row.options) << row.sentence;
        EXPECT_EQ(daemon.request(PFILD_OP_SET_FILTER).payload, row.filter) << row.sentence;
        EXPECT_EQ(daemon.request(PFILD_OP_SET_BUFFER_SIZE).value<std::uint32_t>(), row.buffer) << row.sentence;
    }
}

TEST(Capture, asks_for_half_the_buffer_when_there_is_no_memory_but_not_for_ever) {
    struct Row {
        const char* sentence;
        std::uint32_t room; ///< bytes
        std::uint32_t wanted;
        std::vector<std::uint32_t> asked;
        Exit exit;
    };
    const Row rows[] = {
        {"a quarter is there", 524288, 2097152, {2097152, 1048576, 524288}, Exit::kOk},
        {"all is there", 2097152, 2097152, {2097152}, Exit::kOk},
        {"nothing is", 0, 16384, {16384, 8192, 4096}, Exit::kRefused},
    };
    for (const Row& row : rows) {
        DeviceDaemon daemon;
        daemon.reads = {gives(records(0, 1))};
        std::vector<std::uint32_t> asked;
        daemon.refuses = [&](const FakePeer& peer, const FakeRequest& request) {
            if (request.header.op == PFILD_OP_SET_BUFFER_SIZE) {
                asked.push_back(request.value<std::uint32_t>());
            }
            const bool refused = request.header.op == PFILD_OP_SET_INTERFACE && asked.back() > row.room;
            if (refused) {
                peer.refuse(request, ENOBUFS, "set interface eth0: the buffers would be too large");
            }
            return refused;
        };
        const auto ended =
            daemon.run_words({"-w", "/dev/null", "-c", "1", "--buffer-size", std::to_string(row.wanted)});
        EXPECT_EQ(ended.exit, row.exit) << row.sentence << ended.err;
        EXPECT_EQ(asked, row.asked) << row.sentence;
    }
}

TEST(Capture, of_ip_without_a_link_header_has_the_filter_and_the_file_for_that) {
    DeviceDaemon daemon;
    daemon.data_link = 12; // DLT_RAW
    daemon.reads = {gives(records(0, 1))};
    const std::string file = daemon.path("a.pcap");
    const auto ended = daemon.run_words({"-w", file, "-c", "1", "ip"});
    EXPECT_EQ(ended.exit, Exit::kOk) << ended.err;
    const Bytes raw_ip{0x30, 0, 0, 0, 0, 0, 0, 0, 0x54, 0, 0, 0, 0xf0, 0, 0, 0, 0x15, 0, 0, 1,
                       0x40, 0, 0, 0, 6, 0, 0, 0, 0,    0, 4, 0, 6,    0, 0, 0, 0,    0, 0, 0};
    std::vector<Bytes> filters;
    for (const FakeRequest& request : daemon.requests) {
        if (request.header.op == PFILD_OP_SET_FILTER) {
            filters.push_back(request.payload);
        }
    }
    ASSERT_EQ(filters.size(), 2U) << "before there is an interface, and when it is known";
    EXPECT_EQ(filters.back(), raw_ip);
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    pcap_t* const written = pcap_open_offline(file.c_str(), error.data());
    ASSERT_NE(written, nullptr) << error.data();
    EXPECT_EQ(pcap_datalink(written), DLT_RAW);
    pcap_close(written);
}

TEST(Capture, looks_at_packets_where_the_daemon_has_them) {
    const client::Descriptor memory(memfd_create("buffers", MFD_CLOEXEC));
    const Bytes all = records(0, 3);
    ASSERT_EQ(ftruncate(memory.get(), DeviceDaemon::kSharedBytes), 0);
    ASSERT_EQ(pwrite(memory.get(), all.data(), all.size(), 4096), static_cast<ssize_t>(all.size()));
    DeviceDaemon daemon;
    daemon.shared = memory.get();
    daemon.reads = {
        gives(bytes_of_value(pfild_lent{.offset = 4096, .length = static_cast<std::uint32_t>(all.size())}))};
    const std::string file = daemon.path("a.pcap");
    const auto ended = daemon.run_words({"-w", file, "-c", "3"});
    EXPECT_EQ(ended.exit, Exit::kOk) << ended.err;
    EXPECT_THAT(seconds_in(file), ElementsAre(0, 1, 2));
    EXPECT_EQ(daemon.request(PFILD_OP_READ).value<pfild_read>().flags, static_cast<std::uint32_t>(PFILD_READ_LEND));
}

TEST(Capture, of_another_link_type_is_refused) {
    DeviceDaemon daemon;
    daemon.data_link = 127; // DLT_IEEE802_11_RADIO
    const auto ended = daemon.run_words({"-w", daemon.path("a.pcap")});
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_EQ(ended.err,
              "bpfctl: capture eth0: its packets are of link type 127 (only Ethernet and IP can be captured)\n");
}

TEST(Capture, that_is_interrupted_fetches_what_is_buffered_and_ends_well) {
    for (const int signal : {SIGINT, SIGTERM}) {
        DeviceDaemon daemon;
        daemon.reads = {gives(records(0, 1))};
        daemon.stats.buffered = 3;
        daemon.when_idle = [&daemon, signal, self = pthread_self()] {
            daemon.reads = {gives(records(1, 2)), gives(records(3, 2)), gives(records(5, 2))};
            pthread_kill(self, signal);
        };
        const std::string file = daemon.path("a.pcap");
        const auto ended = daemon.run_words({"-w", file});
        EXPECT_EQ(ended.exit, Exit::kOk);
        EXPECT_THAT(ended.err, HasSubstr("\n5 packets captured\n"));
        EXPECT_THAT(seconds_in(file), ElementsAre(0, 1, 2, 3, 4)) << "but not what came later";
        EXPECT_EQ(daemon.request(PFILD_OP_CANCEL).value<std::uint32_t>(), daemon.requests.at(10).header.id);
        EXPECT_EQ(daemon.requests.at(13).value<pfild_read>().flags, static_cast<std::uint32_t>(PFILD_READ_NONBLOCKING));
    }
}

TEST(Capture, of_an_interface_that_goes_says_so) {
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 2)), refused(EIO, "read: the interface is gone")};
    const std::string file = daemon.path("a.pcap");
    const auto ended = daemon.run_words({"-w", file});
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_THAT(ended.err,
                HasSubstr("2 packets captured\n10 packets received by filter\n1 packet dropped by kernel\n"
                          "bpfctl: capture eth0: the interface is gone or was detached (`bpfctl status` lists what is "
                          "attached)\n"));
    EXPECT_THAT(seconds_in(file), ElementsAre(0, 1));
}

TEST(Capture, that_cannot_begin_says_why_and_touches_no_file) {
    struct Row {
        const char* sentence;
        int op;
        int code;
        const char* said;
        Exit exit;
        const char* line;
    };
    const Row rows[] = {
        {"no device is left", PFILD_OP_OPEN, ENOBUFS, "open device: all 16 are in use", Exit::kRefused,
         "bpfctl: open device: all 16 are in use\n"},
        {"no such interface", PFILD_OP_SET_INTERFACE, ENXIO, "set interface eth0: no such interface with a tap",
         Exit::kRefused,
         "bpfctl: capture eth0: it is not attached (`bpfctl attach eth0` first; with --tap only to capture from it)\n"},
        {"a filter that it does not take", PFILD_OP_SET_FILTER, EINVAL, "instruction 0", Exit::kRefused,
         "bpfctl: set filter: instruction 0\n"},
    };
    for (const Row& row : rows) {
        DeviceDaemon daemon;
        daemon.refuses = [&row](const FakePeer& peer, const FakeRequest& request) {
            if (request.header.op == row.op) {
                peer.refuse(request, row.code, row.said);
            }
            return request.header.op == row.op;
        };
        const auto ended = daemon.run_words({"-w", daemon.path("a.pcap")});
        EXPECT_EQ(ended.exit, row.exit) << row.sentence;
        EXPECT_EQ(ended.err, row.line) << row.sentence;
        EXPECT_NE(access(daemon.path("a.pcap").c_str(), F_OK), 0) << row.sentence;
    }
}

TEST(Capture, without_a_daemon_is_unreachable) {
    DeviceDaemon gone;
    unlink(gone.path("bpf.sock").c_str());
    const auto ended = gone.run_words({});
    EXPECT_EQ(ended.exit, Exit::kUnreachable);
    EXPECT_EQ(ended.err, "bpfctl: connect " + gone.path("bpf.sock") +
                             ": No such file or directory (is pfild running, and is this its socket?)\n");

    DeviceDaemon dies;
    dies.reads = {gives(records(0, 1)), nullptr};
    const auto cut = dies.run_words({"-w", dies.path("a.pcap")});
    EXPECT_EQ(cut.exit, Exit::kUnreachable);
    EXPECT_THAT(cut.err, HasSubstr("1 packet captured\nbpfctl: daemon " + dies.path("bpf.sock") +
                                   ": it closed the connection\n"));
    EXPECT_THAT(seconds_in(dies.path("a.pcap")), ElementsAre(0));

    DeviceDaemon lies;
    lies.reads = {gives(Bytes(40, 1))};
    EXPECT_THAT(lies.run_words({"--json"}).err, HasSubstr("a record of the daemon makes no sense"));
}

TEST(Capture, does_not_mix_packets_and_json_on_standard_output) {
    DeviceDaemon daemon;
    const auto ended = daemon.run_words({"-w", "-", "--json"});
    EXPECT_EQ(ended.exit, Exit::kUsage);
    EXPECT_THAT(ended.err, HasSubstr("-w - and --json both want standard output"));
    EXPECT_TRUE(daemon.requests.empty());
}

TEST(Capture, reports_a_full_disk) {
    DeviceDaemon daemon;
    const auto ended = daemon.run_words({"-w", "/dev/full"});
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_THAT(ended.err, HasSubstr("bpfctl: write /dev/full: No space left on device"));
}

TEST(Capture, prints_json_a_line_a_packet_and_statistics_last) {
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 2))};
    const auto ended = daemon.run_words({"--json", "-c", "2"});
    EXPECT_EQ(ended.exit, Exit::kOk);
    EXPECT_EQ(ended.err, "");
    std::istringstream lines(ended.out);
    std::string line;
    std::getline(lines, line);
    const Json packet = Json::parse(line);
    EXPECT_EQ(packet["nanoseconds"], 123'456'789);
    EXPECT_EQ(packet["interface"], "eth0");
    EXPECT_EQ(packet["direction"], "in");
    EXPECT_EQ(packet["caplen"], 60);
    EXPECT_EQ(packet["data"].get<std::string>().substr(0, 28), "0200000000020200000000010800");
    std::getline(lines, line);
    std::getline(lines, line);
    EXPECT_EQ(line,
              R"({"statistics":{"captured":2,"buffer_size":4194304,"received":10,"filtered":5,"dropped":1,"lost":1}})");
    EXPECT_FALSE(std::getline(lines, line));
}

TEST(Capture, without_a_viewer_prints_its_own_lines) {
    const std::string path = getenv("PATH");
    setenv("PATH", "/nonexistent", 1);
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 1))};
    const auto ended = daemon.run_words({"-c", "1"});
    setenv("PATH", path.c_str(), 1);
    EXPECT_EQ(ended.exit, Exit::kOk) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr(".123456789 in  udp 192.0.2.1:1 > 192.0.2.2:53, length 60\n"));
    EXPECT_THAT(ended.err, HasSubstr("capturing on eth0, 2 buffers of 4 MiB\n1 packet captured\n"));
}

TEST(ViewerSink, gives_a_program_the_packets_and_waits_for_it) {
    const DeviceDaemon folder;
    const std::string file = folder.path("seen.pcap");
    auto sink = ViewerSink::start({"sh", "-c", "cat > " + file + "; sleep 0.02; echo done > " + file + ".end"},
                                  filter::kEthernet, 262144);
    ASSERT_TRUE(sink) << sink.error().line();
    const Bytes bytes = frame();
    EXPECT_TRUE((*sink)->put({.seconds = 1'700'000'009, .nanoseconds = 123'456'789, .length = 60, .bytes = bytes}, 0));
    EXPECT_TRUE((*sink)->flush());
    EXPECT_TRUE((*sink)->finish({}));
    EXPECT_THAT(seconds_in(file), ElementsAre(9));
    EXPECT_EQ(access((file + ".end").c_str(), F_OK), 0);
}

TEST(ViewerSink, that_fails_says_so) {
    EXPECT_EQ(ViewerSink::start({"/nonexistent/tcpdump"}, filter::kEthernet, 1).error().code, ENOENT);
    auto failing = ViewerSink::start({"sh", "-c", "cat > /dev/null; exit 3"}, filter::kEthernet, 262144);
    ASSERT_TRUE(failing);
    const auto finished = (*failing)->finish({});
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().line(), "show packets: sh has ended with an error (see above what it said)");
}

} // namespace
} // namespace pfild::bpfctl
