// SPDX-License-Identifier: BSD-2-Clause
// A kernel in memory, and attachments in it, which fail at the step that they are told to and write down what was asked
// of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "daemon/interfaces/attachment.h"
#include "steps.h"

namespace pfild::interfaces::test {

using Log = std::vector<std::string>;

using pfild::test::Steps;

/// What the fakes of one test share.
struct Kernel {
    Steps steps;
    Log log;
    std::map<std::uint32_t, net::Link> links;
    std::map<std::uint32_t, std::uint32_t> heads; ///< ifindex -> number of the attachment that has heads there
    std::set<std::uint32_t> left;                 ///< has heads of a killed daemon
    std::set<std::uint32_t> foreign;              ///< has heads of another living instance
    std::map<std::uint8_t, std::uint32_t> slots;  ///< slot -> number of the attachment that has it
    std::set<std::uint32_t> ports;                ///< numbers of attachments that have a port, or for which it is made
    std::size_t room = 64;                        ///< interfaces that packet memory is there for
    std::uint32_t numbers = 0;

    void put(std::uint32_t ifindex, std::string name, std::vector<std::string> altnames = {}) {
        net::Link& link = links[ifindex];
        link.ifindex = ifindex;
        link.name = std::move(name);
        link.altnames = std::move(altnames);
    }
    [[nodiscard]] std::size_t with_sockets() const { return ports.size(); }
};

class FakePort final : public PortWork {
  public:
    FakePort(Kernel& kernel, std::uint32_t number) : kernel_(kernel), number_(number) {}
    FakePort(const FakePort&) = delete;
    FakePort& operator=(const FakePort&) = delete;
    FakePort(FakePort&&) = delete;
    FakePort& operator=(FakePort&&) = delete;
    ~FakePort() override {
        if (made_ && !taken_) {
            kernel_.ports.erase(number_);
            kernel_.log.push_back(fmt::format("port of #{} ends", number_));
        }
    }

    void make() override {
        kernel_.ports.insert(number_);
        made_ = true;
        kernel_.log.push_back(fmt::format("port of #{} made", number_));
    }
    void take() { taken_ = true; }

  private:
    Kernel& kernel_;
    std::uint32_t number_;
    bool made_ = false;
    bool taken_ = false;
};

class FakeAttachment final : public Attachment {
  public:
    FakeAttachment(Kernel& kernel, AttachmentSpec spec)
        : Attachment(std::move(spec)), kernel_(kernel), number_(++kernel.numbers) {
        kernel_.slots.emplace(slot(), number_);
        coming_ = spec_.heads_first && !only_tapped();
        if (spec_.heads_first) {
            bring();
        } else if (!only_tapped()) {
            has_port_ = true;
            kernel_.ports.insert(number_);
        }
    }
    FakeAttachment(const FakeAttachment&) = delete;
    FakeAttachment& operator=(const FakeAttachment&) = delete;
    FakeAttachment(FakeAttachment&&) = delete;
    FakeAttachment& operator=(FakeAttachment&&) = delete;
    ~FakeAttachment() override {
        if (const auto here = kernel_.heads.find(link().ifindex);
            here != kernel_.heads.end() && here->second == number_) {
            kernel_.heads.erase(here);
        }
        if (has_port_) {
            kernel_.ports.erase(number_);
        }
        kernel_.slots.erase(slot());
        kernel_.log.push_back(fmt::format("{} #{} ends", link().name, number_));
    }

    [[nodiscard]] std::uint32_t number() const override { return number_; }
    [[nodiscard]] std::uint32_t way_in() const override { return has_port_ ? port_ifindex() + 1 : 0; }
    [[nodiscard]] bool has_xdp_head() const override { return has_heads_ && mode() == core::HeadMode::kXdp; }
    [[nodiscard]] bool has_heads() const override { return has_heads_; }
    [[nodiscard]] bool is_live() const override { return has_heads_; }
    [[nodiscard]] bool owns_port(std::uint32_t ifindex) const override {
        return has_port_ && ifindex == port_ifindex();
    }
    [[nodiscard]] std::vector<std::string> turned_off() const override { return spec_.turned_off; }
    [[nodiscard]] control::InterfaceView view() const override { return {}; }
    [[nodiscard]] control::Counters counters(core::Direction /*direction*/) const override { return {}; }

    [[nodiscard]] core::Result<void> go_live(WithoutHeads /*then*/) override {
        if (has_heads_) {
            return {};
        }
        return kernel_.steps.take("heads").map([&] { bring(); });
    }
    void keep() noexcept override { kept_ = true; }
    [[nodiscard]] core::Result<void> set_divert(core::Directions divert, core::Directions chained,
                                                const core::AskedUpkeep& asked) override {
        spec_.asked = asked;
        spec_.divert = divert;
        spec_.chained = chained;
        return {};
    }
    [[nodiscard]] core::Result<void> set_manner(core::FailModes fail, core::HeadPosition position) override {
        return kernel_.steps.take("manner").map([&] {
            spec_.fail = fail;
            spec_.position = position;
        });
    }

    [[nodiscard]] bool is_coming() const override { return coming_; }
    [[nodiscard]] bool needs_port() const override { return coming_ && !has_port_; }
    [[nodiscard]] std::shared_ptr<PortWork> port_work() const override {
        return std::make_shared<FakePort>(kernel_, number_);
    }
    [[nodiscard]] core::Result<void> take_port(PortWork& work) override {
        return kernel_.steps.take("port").map([&] {
            dynamic_cast<FakePort&>(work).take();
            has_port_ = true;
        });
    }
    [[nodiscard]] core::Result<void> go_on() override {
        coming_ = false;
        kernel_.log.push_back(fmt::format("{} goes on", link().name));
        return {};
    }

    [[nodiscard]] bool is_there() override {
        const auto here = kernel_.heads.find(link().ifindex);
        return here != kernel_.heads.end() && here->second == number_;
    }
    void let_go() noexcept override { kernel_.log.push_back(fmt::format("{} let go", link().name)); }
    [[nodiscard]] core::Result<void> take_back() override { return {}; }
    [[nodiscard]] Work clear_up() override {
        return [&kernel = kernel_, name = link().name, number = number_, had = std::exchange(has_port_, false)] {
            if (had) {
                kernel.ports.erase(number);
            }
            kernel.log.push_back(fmt::format("{} cleared up", name));
        };
    }
    [[nodiscard]] core::Result<void> follow(const net::Link& link) override {
        spec_.link = link;
        return {};
    }
    [[nodiscard]] core::Result<bool> repair() override {
        kernel_.log.push_back(fmt::format("{} looked at", link().name));
        return false;
    }
    void watch_lanes() override {}

    [[nodiscard]] const AttachmentSpec& spec() const { return spec_; }
    [[nodiscard]] bool kept() const { return kept_; }
    [[nodiscard]] std::uint32_t port_ifindex() const { return 1000 + number_; }

  private:
    void bring() {
        has_heads_ = true;
        kernel_.heads.insert_or_assign(link().ifindex, number_);
        kernel_.left.erase(link().ifindex);
        kernel_.log.push_back(fmt::format("{} has heads", link().name));
    }

    Kernel& kernel_;
    std::uint32_t number_;
    bool has_heads_ = false;
    bool has_port_ = false;
    bool coming_ = false;
    bool kept_ = false;
};

} // namespace pfild::interfaces::test
