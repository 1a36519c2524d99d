// SPDX-License-Identifier: BSD-2-Clause
// A world and a store in memory, which fail at the step that they are told to.
#pragma once

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/rules/kept_model.h"
#include "daemon/rules/world.h"
#include "steps.h"

namespace pfild::rules::test {

using pfild::test::Steps;

/// What packets meet.
struct Rules {
    std::map<std::string, config::Interface> interfaces;
    std::map<std::string, config::Hook> hooks;
    std::map<std::pair<std::string, core::Direction>, std::vector<std::string>> orders;
    bool panic = false;

    friend bool operator==(const Rules&, const Rules&) = default;
};

class FakeWorld final : public World {
  public:
    explicit FakeWorld(Steps& steps) : steps_(steps) {}

    std::set<std::string> there{"eth0", "eth1", "eth2"}; ///< interfaces of the host
    std::set<std::string> left;                          ///< guarded by heads of a killed daemon
    std::set<std::string> refuses;                       ///< interfaces that are there and cannot be attached
    std::map<std::string, std::string> altnames;         ///< of interfaces, one each
    HeadsCome heads_come = HeadsCome::kLast;
    std::size_t asked = 0; ///< things that were asked for

    [[nodiscard]] const Rules& in_force() const { return live_; }

    /// What netlink has announced, which the heads follow.
    void rename(const std::string& from, const std::string& to) {
        auto node = live_.interfaces.extract(from);
        node.key() = to;
        node.mapped().name = to;
        live_.interfaces.insert(std::move(node));
        for (const core::Direction direction : core::kEachDirection) {
            if (auto order = live_.orders.extract({from, direction}); order) {
                order.key().first = to;
                live_.orders.insert(std::move(order));
            }
        }
    }

    void prepare(WithoutXdp /*without_xdp*/, HeadsCome heads) override {
        heads_come = heads;
        if (!std::exchange(preparing_, true)) {
            next_ = live_;
        }
    }
    core::Result<void> go_live(Promises /*promises*/) override {
        auto done = steps_.take("go live");
        if (done) {
            live_ = next_;
            preparing_ = false;
        }
        return done;
    }
    [[nodiscard]] std::vector<config::HostInterface> host_interfaces(Look /*look*/) override {
        std::vector<config::HostInterface> found;
        for (const std::string& name : there) {
            found.push_back({.ifindex = static_cast<std::uint32_t>(name.back()), .name = name});
            if (const auto other = altnames.find(name); other != altnames.end()) {
                found.back().altnames = {other->second};
            }
        }
        return found;
    }
    [[nodiscard]] bool has_head(const std::string& name) const override {
        return config::common_head(name) || next_.interfaces.contains(name);
    }
    [[nodiscard]] bool has_left_heads(const std::string& interface) const override { return left.contains(interface); }
    core::Result<void> put_interface(const config::Interface& interface) override {
        asked++;
        if (!there.contains(interface.name)) {
            return core::fail({"attach", interface.name, "no such interface", "", ENODEV});
        }
        if (refuses.contains(interface.name)) {
            return core::fail({"attach", interface.name, "it is a tunnel", "", EOPNOTSUPP});
        }
        return steps_.take("attach").map([&] { next_.interfaces[interface.name] = interface; });
    }
    void remove_interface(const std::string& name) override {
        asked++;
        next_.interfaces.erase(name);
        std::erase_if(next_.orders, [&](const auto& order) { return order.first.first == name; });
    }
    core::Result<void> put_hook(const config::Hook& hook) override {
        asked++;
        return steps_.take("add hook").map([&] {
            next_.hooks[hook.name] = hook;
            next_.hooks[hook.name].enabled = true; // a world knows what packets meet, and nothing of the others
        });
    }
    void remove_hook(const std::string& name) override {
        asked++;
        next_.hooks.erase(name);
        for (auto& [place, order] : next_.orders) {
            std::erase(order, name);
        }
        std::erase_if(next_.orders, [](const auto& order) { return order.second.empty(); });
    }
    core::Result<void> set_run_order(const std::string& head, core::Direction direction,
                                     const std::vector<std::string>& hooks) override {
        asked++;
        for (const std::string& hook : hooks) {
            if (!next_.hooks.contains(hook) || next_.hooks[hook].type != config::type_of_head(head)) {
                return core::fail({"link", hook, "it is not there, or of another type", "", ENOENT});
            }
        }
        return steps_.take("link").map([&] {
            next_.orders[{head, direction}] = hooks;
            std::erase_if(next_.orders, [](const auto& order) { return order.second.empty(); });
        });
    }
    void set_panic(bool on) override { next_.panic = on; }
    [[nodiscard]] std::vector<Attached> attached(const config::Model& model) const override {
        std::vector<Attached> found;
        for (const config::Interface& interface : model.interfaces) {
            if (there.contains(interface.name)) {
                found.push_back({interface.name, static_cast<std::uint32_t>(interface.name.back()), {}});
            }
        }
        return found;
    }

  private:
    Steps& steps_;
    Rules live_;
    Rules next_;
    bool preparing_ = false;
};

class FakeStore final : public Store {
  public:
    explicit FakeStore(Steps& steps) : steps_(steps) {}

    bool full = false;
    std::size_t writes = 0;

    [[nodiscard]] const std::string& in_force() const { return in_force_; }

    core::Result<void> put_next(const std::string& text) override {
        if (full) {
            return core::fail({"write", "model", "no space left on device", "", ENOSPC});
        }
        writes++;
        return steps_.take("write").map([&] { next_ = text; });
    }
    core::Result<void> exchange() override {
        return steps_.take("exchange").map([&] { std::swap(next_, in_force_); });
    }

  private:
    Steps& steps_;
    std::string in_force_;
    std::string next_;
};

/// What a model means, in order.
[[nodiscard]] inline Rules rules_of(const config::Model& model, const std::set<std::string>& there) {
    Rules rules;
    for (const config::Interface& interface : model.interfaces) {
        if (there.contains(interface.name)) {
            rules.interfaces[interface.name] = interface;
        }
    }
    rules.panic = model.panic;
    for (const config::Hook& hook : model.hooks) {
        rules.hooks[hook.name] = hook;
        rules.hooks[hook.name].enabled = true;
    }
    for (const config::Link& link : model.links) {
        if (config::common_head(link.head) || there.contains(link.head)) {
            for (const core::Direction direction : core::kEachDirection) {
                auto order = config::run_order(config::links_at(model, link.head), direction);
                std::erase_if(order, [&](const std::string& hook) { return !config::find_hook(model, hook)->enabled; });
                if (!order.empty()) {
                    rules.orders[{link.head, direction}] = std::move(order);
                }
            }
        }
    }
    return rules;
}

} // namespace pfild::rules::test
