// SPDX-License-Identifier: BSD-2-Clause
// Buffers that a program looks into: what it may do with their memory, and how long records stay there.
#include <cerrno>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device_fixture.h"

namespace pfild::device {
namespace {

using test::Answer;
using test::DeviceClient;

class DeviceSocketShare : public test::DeviceSocket {
  protected:
    /// A device whose buffers are shared, and where they are.
    struct Shared {
        Capture capture;
        sys::Fd memory;
        const std::uint8_t* bytes = nullptr;
    };
    static Shared share(DeviceClient& client) {
        Shared shared{.capture = capture(client), .memory = {}};
        Answer answer = client.ask(PFILD_OP_SHARE, shared.capture.device);
        EXPECT_EQ(answer.error(), 0) << answer.text();
        EXPECT_EQ(answer.as<std::uint32_t>(), 2 * kSize);
        shared.memory = std::move(answer.fd);
        void* const mapped = ::mmap(nullptr, std::size_t{2} * kSize, PROT_READ, MAP_SHARED, shared.memory.get(), 0);
        EXPECT_NE(mapped, MAP_FAILED);
        shared.bytes = static_cast<const std::uint8_t*>(mapped);
        return shared;
    }
    /// Records that a read lends, as their packets' first bytes; -1 and its errno if it failed.
    static std::vector<int> borrow(DeviceClient& client, const Shared& shared) {
        client.send_read(shared.capture.device, kSize, PFILD_READ_LEND | PFILD_READ_NONBLOCKING);
        const Answer answer = client.receive();
        if (answer.error() != 0) {
            return {-1, answer.error()};
        }
        const auto lent = answer.as<pfild_lent>();
        EXPECT_LE(lent.offset + lent.length, 2 * kSize);
        std::vector<int> fills;
        for (std::uint32_t at = lent.offset; at < lent.offset + lent.length; at += kRecord) {
            fills.push_back(shared.bytes[at + sizeof(pfild_record)]);
        }
        return fills;
    }
    void TearDown() override {
        DeviceSocket::TearDown();
        EXPECT_EQ(open_before_, test::open_descriptors());
    }

    std::size_t open_before_ = test::open_descriptors();
};

TEST_F(DeviceSocketShare, lends_records_where_they_are_until_the_next_read) {
    start();
    DeviceClient client = this->client();
    const Shared shared = share(client);
    packets(8, kPacket, 1);
    packets(1, kPacket, 2);
    EXPECT_EQ(borrow(client, shared), std::vector<int>(8, 1));
    packets(7, kPacket, 3);
    packets(2, kPacket, 4); // there is no room
    EXPECT_EQ(shared.bytes[sizeof(pfild_record)], 1) << "still there";
    EXPECT_EQ(borrow(client, shared), (std::vector<int>{2, 3, 3, 3, 3, 3, 3, 3}));
    EXPECT_EQ(borrow(client, shared), (std::vector<int>{-1, EAGAIN}));
    const auto stats = client.ask(PFILD_OP_GET_STATS, shared.capture.device).as<pfild_stats>();
    EXPECT_EQ(stats.delivered, 16U);
    EXPECT_EQ(stats.dropped, 2U);
    ::munmap(const_cast<std::uint8_t*>(shared.bytes), std::size_t{2} * kSize);
}

TEST_F(DeviceSocketShare, memory_can_be_looked_at_and_nothing_else) {
    start();
    DeviceClient client = this->client();
    const Shared shared = share(client);
    const int fd = shared.memory.get();
    EXPECT_EQ(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    EXPECT_EQ(errno, EACCES);
    EXPECT_EQ(::mprotect(const_cast<std::uint8_t*>(shared.bytes), kSize, PROT_READ | PROT_WRITE), -1);
    EXPECT_EQ(::madvise(const_cast<std::uint8_t*>(shared.bytes), kSize, MADV_REMOVE), -1);
    EXPECT_EQ(::write(fd, "x", 1), -1);
    EXPECT_EQ(errno, EBADF);
    struct stat file {};
    ASSERT_EQ(::fstat(fd, &file), 0);
    EXPECT_EQ(file.st_mode & 07777, 0400) << "or it could be opened anew for writing, by /proc/self/fd";
    EXPECT_EQ(::ftruncate(fd, 0), -1) << "or the daemon would fault";
    EXPECT_EQ(::ftruncate(fd, std::int64_t{4} * kSize), -1);
    EXPECT_EQ(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kSize), -1);
    EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    packets(8, kPacket, 7);
    EXPECT_EQ(borrow(client, shared), std::vector<int>(8, 7)) << "the daemon writes there all the same";
    ::munmap(const_cast<std::uint8_t*>(shared.bytes), std::size_t{2} * kSize);
}

TEST_F(DeviceSocketShare, needs_an_interface_and_lending_needs_it) {
    start();
    DeviceClient client = this->client();
    const std::uint32_t unattached = client.open().head.device;
    EXPECT_EQ(client.ask(PFILD_OP_SHARE, unattached).error(), EINVAL);
    const Capture capture = this->capture(client);
    EXPECT_EQ(client.read(capture.device, kSize, PFILD_READ_LEND).error(), EINVAL);
    EXPECT_EQ(client.ask(PFILD_OP_SHARE, capture.device, "x", 1).error(), EINVAL);
    client.send_read(capture.device, kSize);
    EXPECT_EQ(client.ask(PFILD_OP_SHARE, capture.device).error(), EIO) << "the read waits";
    EXPECT_EQ(client.ask(PFILD_OP_SHARE, 77).error(), EBADF);
}

std::int64_t bytes_in_use(int fd) {
    constexpr std::int64_t kBlock = 512;
    struct stat file {};
    EXPECT_EQ(::fstat(fd, &file), 0);
    return file.st_blocks * kBlock;
}

TEST_F(DeviceSocketShare, memory_goes_with_its_device_whoever_keeps_the_descriptor) {
    start();
    DeviceClient client = this->client();
    const Shared closed = share(client);
    packets(8, kPacket, 5);
    EXPECT_EQ(borrow(client, closed).size(), 8U);
    EXPECT_EQ(bytes_in_use(closed.memory.get()), 2 * kSize);
    EXPECT_EQ(client.ask(PFILD_OP_CLOSE, closed.capture.device).error(), 0);
    EXPECT_EQ(bytes_in_use(closed.memory.get()), 0);
    EXPECT_EQ(closed.bytes[sizeof(pfild_record)], 0) << "it can be looked at without harm";
    DeviceClient dying = this->client();
    const Shared orphaned = share(dying);
    dying.hang_up();
    EXPECT_TRUE(devices_become(0));
    EXPECT_EQ(bytes_in_use(orphaned.memory.get()), 0);
    for (const Shared* shared : {&closed, &orphaned}) {
        ::munmap(const_cast<std::uint8_t*>(shared->bytes), std::size_t{2} * kSize);
    }
}

TEST_F(DeviceSocketShare, outlives_the_daemon_for_who_has_mapped_it) {
    start();
    DeviceClient client = this->client();
    const Shared shared = share(client);
    packets(8, kPacket, 5);
    EXPECT_EQ(borrow(client, shared).size(), 8U);
    thread_.reset();
    EXPECT_EQ(shared.bytes[sizeof(pfild_record)], 5);
    ::munmap(const_cast<std::uint8_t*>(shared.bytes), std::size_t{2} * kSize);
}

} // namespace
} // namespace pfild::device
