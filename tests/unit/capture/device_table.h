// SPDX-License-Identifier: BSD-2-Clause
// A table of devices with two Ethernet interfaces and a tunnel, and what it has told their taps.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "capture/device_table.h"
#include "tests/unit/capture/device.h"

namespace pfild::capture {

class ListTaps final : public TapPort {
  public:
    void set_tap(std::uint32_t ifindex, TapWish wish) override {
        taps[ifindex] = wish;
        told++;
    }
    /// What the programs return for a packet without bytes tells them apart.
    void set_filters(std::uint32_t ifindex, core::Direction direction,
                     std::span<const cbpf::Program* const> programs) override {
        std::vector<std::uint32_t>& list = filters[{ifindex, direction}];
        list.clear();
        for (const cbpf::Program* program : programs) {
            list.push_back(program->instructions().front().k);
        }
        filters_told++;
    }
    void catch_up() override { caught_up++; }
    [[nodiscard]] core::Result<void> set_promiscuous(std::uint32_t ifindex, bool on) override {
        calls++;
        if (refuses != 0) {
            return core::fail({"set promiscuous", "", "the driver refuses", "", refuses});
        }
        if (on) {
            EXPECT_TRUE(promiscuous.insert(ifindex).second) << "twice";
        } else {
            EXPECT_EQ(promiscuous.erase(ifindex), 1U) << "was not on";
        }
        return {};
    }

    [[nodiscard]] core::Result<void> write(std::uint32_t ifindex, const WrittenFrame& frame) override {
        written.push_back({.ifindex = ifindex, .bytes = {frame.bytes.begin(), frame.bytes.end()}, .how = frame});
        if (refuses != 0) {
            return core::fail({"write", "", "the interface refuses", "", refuses});
        }
        return {};
    }

    [[nodiscard]] bool is_up_by_now(std::uint32_t ifindex) noexcept override {
        asked_whether_up++;
        return up.contains(ifindex);
    }

    struct Written {
        std::uint32_t ifindex;
        std::vector<std::uint8_t> bytes;
        WrittenFrame how; ///< its bytes are gone
    };
    std::vector<Written> written;
    std::map<std::uint32_t, TapWish> taps;
    std::set<std::uint32_t> up; ///< and nobody has been told yet
    int asked_whether_up = 0;
    std::map<std::pair<std::uint32_t, core::Direction>, std::vector<std::uint32_t>> filters;
    int filters_told = 0;
    std::set<std::uint32_t> promiscuous;
    int told = 0;
    int calls = 0;
    int refuses = 0; ///< errno
    int caught_up = 0;
};

class DeviceTables : public testing::Test {
  protected:
    static constexpr std::uint32_t kEth0 = 3;
    static constexpr std::uint32_t kEth1 = 4;
    static constexpr std::uint32_t kTun0 = 5;

    DeviceTables() {
        table_.put_interface({.index = kEth0, .name = "eth0"});
        table_.put_interface({.index = kEth1, .name = "eth1"});
        table_.put_interface({.index = kTun0, .name = "tun0", .data_link = 12});
    }
    ~DeviceTables() override {
        std::uint64_t buffered = 0;
        for (const DeviceInfo& device : table_.devices()) {
            buffered += device.buffered;
        }
        EXPECT_TRUE(table_.totals().balanced(buffered));
    }

    DeviceNumber open(Access access = Access::kBoth, std::uint32_t uid = 1000) {
        const auto number = table_.open({.uid = uid, .pid = 1, .access = access}, client_);
        EXPECT_TRUE(number.has_value());
        return number.value_or(0);
    }
    DeviceNumber open_on(std::string_view interface, Access access = Access::kBoth) {
        const DeviceNumber number = open(access);
        EXPECT_EQ(attach(number, interface), 0);
        table_.announce();
        return number;
    }
    int attach(DeviceNumber number, std::string_view interface) {
        const auto result = table_.attach(number, interface);
        return result ? 0 : result.error().code;
    }
    int set_promiscuous(DeviceNumber number) {
        const auto result = table_.set_promiscuous(number);
        return result ? 0 : result.error().code;
    }
    void dispatch(std::uint32_t ifindex, core::Direction direction = core::Direction::kIn) {
        table_.dispatch(TestPacket(60, {.ifindex = ifindex, .direction = direction}).tapped());
        table_.announce();
    }
    [[nodiscard]] std::uint64_t received(DeviceNumber number) const { return table_.find(number)->stats().received; }
    [[nodiscard]] Device& device(DeviceNumber number) const { return *table_.find(number); }

    ListClient client_;
    ListTaps taps_;
    DeviceTable table_{DeviceLimits{}, taps_};
};

} // namespace pfild::capture
