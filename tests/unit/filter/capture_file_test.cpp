// SPDX-License-Identifier: BSD-2-Clause
// Capture files written here and read back by libpcap: every field, and every way a write can fail.
#include "filter/capture_file.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

namespace pfild::filter {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::HasSubstr;

struct ReadPacket {
    std::int64_t seconds;
    std::int64_t fraction;
    std::uint32_t length;
    Bytes bytes;

    bool operator==(const ReadPacket&) const = default;
};

/// What libpcap finds in a file; its times as they are stored.
struct ReadFile {
    int precision = -1;
    int link_type = -1;
    int snap_length = -1;
    std::vector<ReadPacket> packets;

    explicit ReadFile(const std::string& path) {
        std::array<char, PCAP_ERRBUF_SIZE> error{};
        pcap_t* const file =
            pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
        if (file == nullptr) {
            ADD_FAILURE() << error.data();
            return;
        }
        precision = pcap_get_tstamp_precision(file);
        link_type = pcap_datalink(file);
        snap_length = pcap_snapshot(file);
        pcap_pkthdr* header = nullptr;
        const u_char* bytes = nullptr;
        while (pcap_next_ex(file, &header, &bytes) == 1) {
            packets.push_back(
                {header->ts.tv_sec, header->ts.tv_usec, header->len, Bytes(bytes, bytes + header->caplen)});
        }
        pcap_close(file);
    }
};

/// A name for a file that is gone at the end of the test.
class TemporaryPath {
  public:
    TemporaryPath() { close(mkstemp(path_.data())); }
    TemporaryPath(const TemporaryPath&) = delete;
    TemporaryPath& operator=(const TemporaryPath&) = delete;
    ~TemporaryPath() { unlink(path_.c_str()); }

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_ = testing::TempDir() + "capture.XXXXXX";
};

TEST(CaptureFile, holds_what_was_written_to_the_nanosecond) {
    const TemporaryPath temporary;
    const Bytes large(65550, 0xab);
    const Bytes small{1, 2, 3};
    struct Row {
        const char* sentence;
        TimedPacket packet;
    };
    const Row rows[] = {
        {"a packet, whole", {1'700'000'000, 123'456'789, 3, small}},
        {"the last nanosecond of a second", {1'700'000'001, 999'999'999, 3, small}},
        {"a packet of which the beginning was captured", {1'700'000'002, 0, 1514, small}},
        {"a packet of which nothing was captured", {1'700'000'003, 1, 60, {}}},
        {"a large one", {1'700'000'004, 1, 65550, large}},
    };
    auto file = CaptureFile::create(temporary.path(), kEthernet, 262144);
    ASSERT_TRUE(file) << file.error().line();
    for (const Row& row : rows) {
        EXPECT_TRUE(file->write(row.packet)) << row.sentence;
    }
    ASSERT_TRUE(file->close());
    const ReadFile read(temporary.path());
    EXPECT_EQ(read.precision, PCAP_TSTAMP_PRECISION_NANO);
    EXPECT_EQ(read.link_type, DLT_EN10MB);
    EXPECT_EQ(read.snap_length, 262144);
    ASSERT_EQ(read.packets.size(), std::size(rows));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        const TimedPacket& packet = rows[i].packet;
        const ReadPacket expected{packet.seconds, packet.nanoseconds, packet.length,
                                  Bytes(packet.bytes.begin(), packet.bytes.end())};
        EXPECT_EQ(read.packets[i], expected) << rows[i].sentence;
    }
}

TEST(CaptureFile, of_an_older_capture_is_emptied) {
    const TemporaryPath temporary;
    const Bytes bytes(100, 1);
    for (const int packets : {5, 1}) {
        auto file = CaptureFile::create(temporary.path(), kRaw, 96);
        ASSERT_TRUE(file);
        for (int i = 0; i < packets; ++i) {
            ASSERT_TRUE(file->write({1, 2, 100, bytes}));
        }
    } // closed by the destructor
    const ReadFile read(temporary.path());
    EXPECT_EQ(read.packets.size(), 1U);
    EXPECT_EQ(read.snap_length, 96);
    EXPECT_EQ(read.link_type, DLT_RAW);
}

TEST(CaptureFile, can_be_read_while_it_is_written) {
    const TemporaryPath temporary;
    const Bytes bytes(100, 1);
    auto file = CaptureFile::create(temporary.path(), kEthernet, 262144);
    ASSERT_TRUE(file);
    EXPECT_EQ(ReadFile(temporary.path()).packets.size(), 0U) << "the header is there at once";
    ASSERT_TRUE(file->write({1, 2, 100, bytes}));
    ASSERT_TRUE(file->flush());
    EXPECT_EQ(ReadFile(temporary.path()).packets.size(), 1U);
}

TEST(CaptureFile, reports_a_full_disk_once_and_for_all) {
    auto file = CaptureFile::create("/dev/full", kEthernet, 262144);
    ASSERT_FALSE(file) << "the header does not fit";
    EXPECT_EQ(file.error().code, ENOSPC);
    EXPECT_EQ(file.error().line(), "write /dev/full: No space left on device (what was written before can be read)");
}

TEST(CaptureFile, reports_a_reader_that_is_gone) {
    struct IgnoreBrokenPipe {
        IgnoreBrokenPipe() { std::signal(SIGPIPE, SIG_IGN); }
        ~IgnoreBrokenPipe() { std::signal(SIGPIPE, SIG_DFL); }
    } const ignore;
    int ends[2] = {-1, -1};
    ASSERT_EQ(pipe(ends), 0);
    auto file = CaptureFile::adopt(ends[1], "the pipe", kEthernet, 262144);
    ASSERT_TRUE(file);
    close(ends[0]);
    const Bytes bytes(300'000, 1); // more than is buffered
    const auto written = file->write({1, 2, 300'000, bytes});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, EPIPE);
    for (const auto& later : {file->write({1, 2, 3, {}}), file->flush(), file->close()}) {
        ASSERT_FALSE(later);
        EXPECT_EQ(later.error().line(), "write the pipe: Broken pipe");
    }
}

TEST(CaptureFile, that_cannot_be_made_says_why) {
    struct Row {
        const char* sentence;
        const char* path;
        int code;
    };
    const Row rows[] = {
        {"no folder", "/nonexistent/a.pcap", ENOENT},
        {"a folder", "/tmp", EISDIR},
        {"an empty name", "", ENOENT},
    };
    for (const Row& row : rows) {
        const auto file = CaptureFile::create(row.path, kEthernet, 262144);
        ASSERT_FALSE(file) << row.sentence;
        EXPECT_EQ(file.error().code, row.code) << row.sentence;
        EXPECT_THAT(file.error().line(), HasSubstr(std::string("write") + (*row.path == 0 ? "" : " ") + row.path))
            << row.sentence;
    }
    EXPECT_EQ(CaptureFile::adopt(-1, "x", kEthernet, 262144).error().code, EBADF);
}

} // namespace
} // namespace pfild::filter
