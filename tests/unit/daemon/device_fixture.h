// SPDX-License-Identifier: BSD-2-Clause
// A device thread at a socket in a folder of its own, with one interface, "eth0", whose packets the test makes.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/device/device_thread.h"
#include "device_client.h"

namespace pfild::test {

/// Belongs to the device thread while that runs.
class FakeTap final : public capture::TapPort {
  public:
    std::map<std::uint32_t, capture::TapWish> wishes;
    std::map<std::uint32_t, bool> promiscuous;
    std::map<std::uint32_t, std::vector<std::vector<std::uint8_t>>> written;
    int caught_up = 0;

    void set_tap(std::uint32_t ifindex, capture::TapWish wish) override { wishes[ifindex] = wish; }
    void set_filters(std::uint32_t /*ifindex*/, core::Direction /*direction*/,
                     std::span<const cbpf::Program* const> /*filters*/) override {}
    void catch_up() override { caught_up++; }
    core::Result<void> set_promiscuous(std::uint32_t ifindex, bool on) override {
        promiscuous[ifindex] = on;
        return {};
    }
    core::Result<void> write(std::uint32_t ifindex, const capture::WrittenFrame& frame) override {
        written[ifindex].emplace_back(frame.bytes.begin(), frame.bytes.end());
        return {};
    }
};

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class DeviceSocket : public ::testing::Test {
  protected:
    static constexpr std::uint32_t kIfindex = 7;
    static constexpr std::uint32_t kSize = 4096; ///< of the buffers of capture()
    static constexpr std::uint32_t kPacket = 480;
    static constexpr std::uint32_t kRecord = PFILD_RECORD_LENGTH(kPacket); ///< 8 of them are a whole buffer

    std::filesystem::path directory_;
    FakeTap tap_;
    device::DeviceThreadOptions options_;
    std::unique_ptr<device::DeviceThread> thread_;

    void SetUp() override {
        std::string pattern = "/tmp/pfild-device-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        options_.socket.path = path();
        if (const group* own = ::getgrgid(::getegid()); own != nullptr) {
            options_.socket.group = own->gr_name;
        }
    }
    void TearDown() override {
        thread_.reset();
        std::filesystem::remove_all(directory_);
    }

    [[nodiscard]] std::string path() const { return directory_ / "bpf.sock"; }

    void start() {
        auto started = device::DeviceThread::start(options_, tap_);
        ASSERT_TRUE(started) << started.error().line();
        thread_ = std::move(*started);
        put_interface(kIfindex, "eth0");
    }
    void put_interface(std::uint32_t index, const std::string& name) {
        thread_->call(
            [&](sys::Loop&, capture::DeviceTable& table) { table.put_interface({.index = index, .name = name}); });
    }
    void remove_interface(std::uint32_t index) {
        thread_->call([&](sys::Loop&, capture::DeviceTable& table) { table.remove_interface(index); });
    }
    /// Incoming ones, whose bytes are all `fill`, in one batch.
    void packets(std::size_t count, std::uint32_t length = kPacket, std::uint8_t fill = 0) {
        const std::vector<std::uint8_t> bytes(length, fill);
        const cbpf::Piece piece{bytes.data(), length};
        thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
            for (std::size_t i = 0; i < count; ++i) {
                table.dispatch(capture::TappedPacket({&piece, 1}, {.wire_length = length, .ifindex = kIfindex}));
            }
        });
    }
    [[nodiscard]] std::vector<capture::DeviceInfo> devices() {
        std::vector<capture::DeviceInfo> list;
        thread_->call([&](sys::Loop&, capture::DeviceTable& table) { list = table.devices(); });
        return list;
    }
    /// Asks until it is so, or for kPatience: what the device thread does for another process, it does some time later.
    template <typename Asked>
    [[nodiscard]] static bool becomes(Asked asked) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience);
        bool is = asked();
        while (!is && std::chrono::steady_clock::now() < end) {
            is = asked();
        }
        return is;
    }
    [[nodiscard]] bool devices_become(std::size_t count) {
        return becomes([&] { return devices().size() == count; });
    }
    [[nodiscard]] DeviceClient client() const { return DeviceClient(path()); }

    /// Opens a device of kSize on eth0.
    struct Capture {
        std::uint32_t device = 0;
        sys::Fd ready;
    };
    static Capture capture(DeviceClient& client, bool immediate = false, bool nonblocking = false) {
        Answer opened = client.open();
        EXPECT_EQ(opened.error(), 0) << opened.text();
        const std::uint32_t device = opened.head.device;
        EXPECT_EQ(client.ask_with(PFILD_OP_SET_BUFFER_SIZE, device, kSize).as<std::uint32_t>(), kSize);
        EXPECT_EQ(client.set_options(device, immediate, nonblocking).error(), 0);
        EXPECT_EQ(client.set_interface(device, "eth0").error(), 0);
        return {.device = device, .ready = std::move(opened.fd)};
    }
};

} // namespace pfild::test
