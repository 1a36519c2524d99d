// SPDX-License-Identifier: BSD-2-Clause
// Where `bpfctl capture` writes, when it ends by itself, and what tcpdump's letters mean: against a daemon of the test.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "bpfctl/capture/rotating_sink.h"
#include "tests/unit/bpfctl/device_daemon.h"

namespace pfild::bpfctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RotatedName, is_that_of_tcpdump) {
    setenv("TZ", "UTC", 1);
    tzset();
    struct Row {
        const char* sentence;
        Rotation rotation;
        std::uint64_t number;
        const char* name;
    };
    const Row rows[] = {
        {"the first of many", {.bytes = 1}, 0, "a%H"},
        {"the next ones have a number", {.bytes = 1}, 12, "a%H12"},
        {"a ring has numbers of one width", {.bytes = 1, .files = 12}, 3, "a%H03"},
        {"and begins again", {.bytes = 1, .files = 12}, 12, "a%H00"},
        {"by the time", {.seconds = 60}, 0, "a01"},
        {"by the time, and a number", {.bytes = 1, .seconds = 60}, 2, "a012"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(rotated_name("a%H", row.rotation, 3600, row.number), row.name) << row.sentence;
    }
}

/// What a sink took, by file.
struct Taken {
    std::vector<std::string> opened;
    int finished = 0;
    std::string refused{}; ///< a path that cannot be opened
};

class CountingSink final : public PacketSink {
  public:
    explicit CountingSink(Taken& taken) : taken_(taken) {}
    core::Result<void> put(const client::Record& packet, std::size_t /*source*/) override {
        size_ += packet.length;
        ++kept_;
        return {};
    }
    core::Result<void> flush() override { return {}; }
    core::Result<void> finish(Counted /*counted*/) override {
        ++taken_.finished;
        return {};
    }
    [[nodiscard]] std::uint64_t kept(std::uint64_t /*put*/) const override { return kept_; }
    [[nodiscard]] std::uint64_t size() const override { return size_; }

  private:
    Taken& taken_;
    std::uint64_t size_ = 0;
    std::uint64_t kept_ = 0;
};

core::Result<std::unique_ptr<PacketSink>> rotating(Taken& taken, const Rotation& rotation) {
    const auto open = [&taken](const std::string& path) -> core::Result<std::unique_ptr<PacketSink>> {
        if (path == taken.refused) {
            return core::fail({"write", path, "no", "", EACCES});
        }
        taken.opened.push_back(path);
        return std::make_unique<CountingSink>(taken);
    };
    return RotatingSink::start(rotation.seconds ? "a%s" : "a", rotation, open, 100);
}

TEST(RotatingSink, begins_a_file_when_the_one_before_has_enough_bytes) {
    Taken taken;
    auto sink = rotating(taken, {.bytes = 100});
    ASSERT_TRUE(sink);
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE((*sink)->put({.seconds = 100, .length = 60}, 0));
    }
    EXPECT_THAT(taken.opened, ElementsAre("a", "a1", "a2"));
    EXPECT_TRUE((*sink)->finish({}));
    EXPECT_EQ(taken.finished, 3);
    EXPECT_EQ((*sink)->kept(5), 5U);
    EXPECT_EQ((*sink)->size(), 300U);
}

TEST(RotatingSink, begins_a_file_by_the_time_of_packets_and_ends_after_so_many) {
    Taken taken;
    auto sink = rotating(taken, {.seconds = 10, .files = 2});
    ASSERT_TRUE(sink);
    for (const std::int64_t seconds : {101, 109, 110, 119}) {
        EXPECT_TRUE((*sink)->put({.seconds = seconds, .length = 60}, 0));
    }
    EXPECT_FALSE((*sink)->is_full());
    EXPECT_TRUE((*sink)->put({.seconds = 120, .length = 60}, 0));
    EXPECT_TRUE((*sink)->is_full());
    EXPECT_EQ(taken.opened.size(), 2U);
    EXPECT_EQ((*sink)->kept(5), 4U) << "the last packet is in no file";
}

TEST(RotatingSink, that_cannot_open_its_next_file_keeps_the_one_before) {
    Taken taken{.opened = {}, .refused = "a1"};
    auto sink = rotating(taken, {.bytes = 1});
    ASSERT_TRUE(sink);
    EXPECT_TRUE((*sink)->put({.seconds = 100, .length = 60}, 0));
    EXPECT_FALSE((*sink)->put({.seconds = 100, .length = 60}, 0));
    EXPECT_EQ((*sink)->kept(2), 1U);
}

TEST(Capture, ends_before_its_file_has_more_bytes_than_it_may) {
    for (const std::string end : {".pcap", ".pcapng"}) {
        DeviceDaemon daemon;
        daemon.reads = {gives(records(0, 10))};
        const std::string file = daemon.path("a" + end);
        const auto ended = daemon.run_words({"-w", file, "--limit-bytes", "600"});
        EXPECT_EQ(ended.exit, Exit::kOk) << ended.err;
        const std::size_t kept = seconds_in(file).size();
        EXPECT_GT(kept, 2U);
        EXPECT_LT(kept, 8U);
        EXPECT_THAT(ended.err, HasSubstr('\n' + std::to_string(kept) + " packets captured\n"));
        EXPECT_LE(std::filesystem::file_size(file), end == ".pcap" ? 600U : 720U) << "statistics come on top";
    }
}

TEST(Capture, waits_for_an_interface_until_it_is_there) {
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 1))};
    int asked = 0;
    daemon.refuses = [&asked](const FakePeer& peer, const FakeRequest& request) {
        const bool refused = request.header.op == PFILD_OP_SET_INTERFACE && ++asked < 3;
        if (refused) {
            peer.refuse(request, ENXIO, "set interface eth0: no such interface with a tap");
        }
        return refused;
    };
    const auto ended = daemon.run_words({"-w", "/dev/null", "-c", "1", "--wait"});
    EXPECT_EQ(ended.exit, Exit::kOk);
    EXPECT_EQ(asked, 3);
    EXPECT_THAT(ended.err, HasSubstr("waiting for eth0 to be attached\ncapturing on eth0,"));
}

TEST(Capture, takes_the_letters_of_tcpdump) {
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 1))};
    const std::string expression = daemon.path("expression");
    std::ofstream(expression) << "ip\n";
    EXPECT_EQ(daemon.run_words({"-neUp", "-Q", "in", "-B", "8", "-w", "/dev/null", "-c", "1", "-F", expression}).exit,
              Exit::kOk);
    EXPECT_EQ(daemon.request(PFILD_OP_SET_BUFFER_SIZE).value<std::uint32_t>(), 8192U);
    EXPECT_EQ(daemon.request(PFILD_OP_SET_FILTER).payload.size(), 32U);
    EXPECT_EQ(daemon.request(PFILD_OP_SET_OPTIONS).payload.at(0), 1);
    EXPECT_EQ(daemon.request(PFILD_OP_SET_OPTIONS).payload.at(5), 0) << "not outgoing";
}

TEST(Capture, refuses_what_would_lose_packets_or_mean_nothing_and_asks_nobody) {
    struct Row {
        CaptureWords words;
        const char* why;
        Exit exit = Exit::kUsage;
    };
    const Row rows[] = {
        {{"-C", "1"}, "-w says which"},
        {{"-w", "-", "-C", "1"}, "only one standard output"},
        {{"-w", "a", "-W", "3"}, "-W counts the files"},
        {{"-w", "a%s", "-C", "1", "-G", "1", "-W", "3"}, "not of both"},
        {{"-w", "a%Y", "-G", "1"}, "would overwrite"},
        {{"-w", "a", "-G", "1"}, "would overwrite"},
        {{"--limit-bytes", "5"}, "-w says which"},
        {{"-F", "/dev/null", "ip"}, "is too much"},
        {{"-F", "/dev/null"}, "there is no expression in it", Exit::kRefused},
        {{"-F", "/nonexistent"}, "No such file", Exit::kRefused},
        {{"-i", "eth1", "-i", "eth1"}, "is there twice"},
        {{"-i", "eth1", "-i", "any"}, "has the others"},
    };
    for (const Row& row : rows) {
        DeviceDaemon daemon;
        const auto ended = daemon.run_words(row.words);
        EXPECT_EQ(ended.exit, row.exit) << row.why;
        EXPECT_THAT(ended.err, HasSubstr(row.why));
        EXPECT_TRUE(daemon.requests.empty()) << row.why;
    }
}

} // namespace
} // namespace pfild::bpfctl
