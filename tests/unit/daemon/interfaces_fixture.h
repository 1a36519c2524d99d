// SPDX-License-Identifier: BSD-2-Clause
// Interfaces over edges in memory.
#pragma once

#include <map>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/interfaces/interfaces.h"
#include "interfaces_fake_edges.h"

namespace pfild::interfaces::test {

/// Three interfaces of a host, none of which is attached.
class InterfacesTest : public ::testing::Test {
  protected:
    InterfacesTest() {
        kernel_.put(1, "lo");
        kernel_.links[1].loopback = true;
        kernel_.put(2, "eth0", {"uplink"});
        kernel_.put(3, "eth1");
        kernel_.put(4, "eth2");
        interfaces_.tell({.seen = [this](const std::string& name) { told_.push_back("seen " + name); },
                          .gone = [this](const std::string& name) { told_.push_back("gone " + name); },
                          .renamed =
                              [this](const std::map<std::string, std::string>& names) {
                                  for (const auto& [before, now] : names) {
                                      told_.push_back(fmt::format("renamed {} {}", before, now));
                                  }
                              }});
    }
    /// What depends on attachments knows those that there are, and no others. Each has a slot of its own.
    void expect_whole() {
        std::map<std::string, std::uint8_t> heads;
        std::set<std::uint32_t> attached;
        std::set<std::uint8_t> slots;
        for (const auto& [ifindex, attachment] : interfaces_.all()) {
            attached.insert(ifindex);
            EXPECT_TRUE(slots.insert(attachment->slot()).second);
            if (!attachment->only_tapped()) {
                heads.emplace(attachment->link().name, attachment->slot());
            }
        }
        EXPECT_EQ(dependents_.heads, heads);
        EXPECT_EQ(dependents_.attached, attached);
    }
    /// Whatever was attached has been detached.
    void expect_nothing() {
        expect_whole();
        EXPECT_TRUE(interfaces_.all().empty());
        EXPECT_TRUE(kernel_.slots.empty());
        EXPECT_TRUE(kernel_.ports.empty());
        EXPECT_TRUE(kernel_.heads.empty());
    }
    [[nodiscard]] core::Result<void> put(const std::string& name, core::HeadMode mode = core::HeadMode::kTc) {
        config::Interface interface;
        interface.name = name;
        interface.mode = mode;
        return interfaces_.put(interface);
    }
    /// A change of one.
    [[nodiscard]] core::Result<void> attach(const std::string& name, core::HeadMode mode = core::HeadMode::kTc) {
        return put(name, mode).and_then([&] { return interfaces_.bring_heads(WithoutHeads::kGoes); });
    }
    /// It has come just now: its heads come at once.
    [[nodiscard]] core::Result<void> meet(const std::string& name) {
        interfaces_.set_manner({.heads_first = true});
        auto met = put(name);
        interfaces_.set_manner({});
        return met;
    }
    void detach(const std::string& name) {
        interfaces_.remove(name);
        interfaces_.drop_leaving();
    }
    /// It is taken out of the host_, and nobody knows yet.
    void take_out(std::uint32_t ifindex) {
        kernel_.links.erase(ifindex);
        kernel_.heads.erase(ifindex);
    }
    [[nodiscard]] const FakeAttachment& attachment(const std::string& name) {
        return dynamic_cast<const FakeAttachment&>(*interfaces_.find(name));
    }

    Kernel kernel_;
    FakeHost host_{kernel_};
    FakeDependents dependents_{kernel_};
    FakeSchedule schedule_;
    Interfaces interfaces_{host_, dependents_, schedule_};
    Log told_; ///< of what happens by itself
};

} // namespace pfild::interfaces::test
