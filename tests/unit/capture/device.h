// SPDX-License-Identifier: BSD-2-Clause
// A device for tests, with a client that writes down what it is told, and packets by the length of their record.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "capture/device.h"
#include "cbpf/program.h"
#include "tests/unit/capture/records.h"

namespace pfild::capture {

inline constexpr core::Directions kInOnly{true, false};
inline constexpr core::Directions kOutOnly{false, true};

inline constexpr std::uint64_t kMillisecond = 1'000'000; ///< nanoseconds

/// How a read ended.
struct Answer {
    ReadId read = 0;
    int code = 0; ///< errno; 0: with these bytes
    core::Bytes bytes;
};

class ListClient final : public DeviceClient {
  public:
    [[nodiscard]] bool deliver(ReadId read, std::span<const std::uint8_t> records) noexcept override {
        if (faulty) {
            return false;
        }
        answers.push_back({.read = read, .code = 0, .bytes = core::Bytes(records.begin(), records.end())});
        return true;
    }
    [[nodiscard]] bool lend(ReadId read, std::span<const std::uint8_t> records) noexcept override {
        lent = records;
        return deliver(read, records);
    }
    void fail(ReadId read, const core::Error& error) override {
        EXPECT_FALSE(error.why.empty());
        answers.push_back({.read = read, .code = error.code, .bytes = {}});
    }
    void set_readiness(Readiness readiness) noexcept override { told.push_back(readiness); }

    std::vector<Answer> answers;
    std::vector<Readiness> told;
    std::span<const std::uint8_t> lent; ///< the last one
    bool faulty = false;                ///< copying out fails (BD-23)
};

inline cbpf::Program program_of(const std::vector<cbpf::Instruction>& instructions) {
    auto program = cbpf::Program::verify(instructions);
    EXPECT_TRUE(program.has_value()) << (program ? "" : program.error().message());
    return *program;
}

/// `ret #k`
inline cbpf::Program returning(std::uint32_t k) { return program_of({{0x06, 0, 0, k}}); }

/// A tapped packet that owns its bytes: 0, 1, 2, …
class TestPacket {
  public:
    explicit TestPacket(core::Bytes bytes, TapFacts facts = {}) : bytes_(std::move(bytes)), facts_(facts) {
        if (facts_.wire_length == 0) {
            facts_.wire_length = static_cast<std::uint32_t>(bytes_.size());
        }
        pieces_ = pieces_of(bytes_, {bytes_.size() / 3});
    }
    explicit TestPacket(std::size_t length, TapFacts facts = {}) : TestPacket(core::counting(length), facts) {}

    [[nodiscard]] TappedPacket tapped() const { return {pieces_, facts_}; }

  private:
    core::Bytes bytes_;
    TapFacts facts_;
    std::vector<cbpf::Piece> pieces_;
};

class DeviceTest : public testing::Test {
  protected:
    static constexpr std::uint32_t kSize = 4096;

    DeviceTest() { EXPECT_EQ(device_.set_buffer_size(kSize), kSize); }
    ~DeviceTest() override {
        EXPECT_TRUE(device_.lifetime().balanced(device_.buffered()));
        EXPECT_TRUE(device_.stats().balanced(device_.buffered()));
    }

    void attach() {
        ASSERT_TRUE(device_.attach().has_value());
        device_.announce();
        client_.told.clear();
    }
    void set(bool DeviceSettings::*flag, bool value = true) {
        DeviceSettings settings = device_.settings();
        settings.*flag = value;
        device_.set_settings(settings);
    }
    void be_freebsd() {
        DeviceSettings settings = device_.settings();
        settings.personality = Personality::kFreebsd;
        device_.set_settings(settings);
    }

    /// Packets as a batch, each of which makes a record of so many bytes.
    void offer(const std::vector<std::uint32_t>& record_lengths) {
        for (const std::uint32_t length : record_lengths) {
            device_.offer(TestPacket(length - 32).tapped());
        }
        device_.announce();
    }
    /// The errno of read(2), or 0 when it was answered or waits.
    int read(ReadId id = 1, bool nonblocking = false, std::uint64_t now_ns = 0) {
        return read({.id = id, .size = device_.buffer_size(), .nonblocking = nonblocking}, now_ns);
    }
    int read(const ReadRequest& request, std::uint64_t now_ns = 0) {
        const auto result = device_.read(request, now_ns);
        device_.announce();
        return result ? 0 : result.error().code;
    }
    /// Without waiting; the records are lent.
    int borrow() { return read({.id = 9, .size = device_.buffer_size(), .nonblocking = true, .lend = true}); }
    /// Reads and expects records of these lengths together.
    void expect_read(std::size_t bytes) {
        client_.answers.clear();
        EXPECT_EQ(read(9, true), 0);
        expect_answer(9, bytes);
    }
    void expect_answer(ReadId id, std::size_t bytes) {
        ASSERT_EQ(client_.answers.size(), 1U);
        EXPECT_EQ(client_.answers[0].read, id);
        EXPECT_EQ(client_.answers[0].code, 0);
        EXPECT_EQ(client_.answers[0].bytes.size(), bytes);
        (void)records_in(client_.answers[0].bytes);
        client_.answers.clear();
    }
    void expect_failure(ReadId id, int code) {
        ASSERT_EQ(client_.answers.size(), 1U);
        EXPECT_EQ(client_.answers[0].read, id);
        EXPECT_EQ(client_.answers[0].code, code);
        client_.answers.clear();
    }
    void expect_waiting() {
        EXPECT_TRUE(device_.waits());
        EXPECT_TRUE(client_.answers.empty());
    }

    ListClient client_;
    Device device_{Access::kBoth, BufferSizes{}, client_};
};

} // namespace pfild::capture
