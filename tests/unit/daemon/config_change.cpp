// SPDX-License-Identifier: BSD-2-Clause
// From one configuration to another: which actions, in which order, and that they lead where a fresh start leads.
#include "daemon/config_change.h"

#include <cerrno>
#include <random>

#include <gtest/gtest.h>

#include "api_fake_service.h"
#include "core/pfil/cbpf_hook.h"
#include "core/pfil/publication.h"
#include "core/pfil/registry.h"
#include "daemon/orchestrator/configure.h"

namespace pfild {
namespace {

using core::Directions;
using core::LinkRequest;

HookConfig hook(const std::string& name, std::uint32_t k = 0) {
    return {name, core::HeadType::ethernet, core::OnMatch::drop, std::nullopt, {{6, 0, 0, k}}};
}

std::vector<std::string> lines(const ConfigChange& change) {
    std::vector<std::string> all;
    for (const ConfigAction& action : change.actions) {
        all.push_back(told(action));
    }
    return all;
}

Config base() {
    Config config;
    config.interfaces = {{"eth0", core::UnknownPackets::pass}};
    config.hooks = {hook("cbpf:a"), hook("cbpf:b")};
    config.links = {{"cbpf:a", "ethernet", Directions::both()}, {"cbpf:b", "eth0", {true, false}}};
    return config;
}

using Lines = std::vector<std::string>;

TEST(ConfigChange, nothing_changes_when_nothing_changed) {
    const ConfigChange change = difference(base(), base());
    EXPECT_EQ(lines(change), Lines{});
    EXPECT_FALSE(change.log_level);
    EXPECT_TRUE(change.needs_restart.empty());
}

TEST(ConfigChange, at_start_rules_come_before_traffic) {
    EXPECT_EQ(lines(from_nothing(base())),
              (Lines{"add hook cbpf:a", "add hook cbpf:b", "link cbpf:a to ethernet, in and out",
                     "attach eth0, unknown pass, mode auto", "link cbpf:b to eth0, in"}));
    EXPECT_EQ(from_nothing(base()).log_level, LogLevel::info);
    Config other = base();
    other.frames = 5000;
    EXPECT_TRUE(from_nothing(other).needs_restart.empty());
}

TEST(ConfigChange, at_the_end_of_all_rules_traffic_goes_first) {
    EXPECT_EQ(lines(difference(base(), Config{})),
              (Lines{"unlink cbpf:b from eth0, in", "detach eth0", "unlink cbpf:a from ethernet, in and out",
                     "delete hook cbpf:a", "delete hook cbpf:b"}));
}

TEST(ConfigChange, what_can_change_live_and_what_needs_a_restart) {
    Config fresh = base();
    fresh.log_level = LogLevel::debug;
    fresh.unknown = core::UnknownPackets::drop;
    fresh.frames = 8192;
    fresh.tc_attach = TcAttach::clsact;
    fresh.odd_packets.fragments = core::Fragments::drop;
    fresh.runtime_dir = "/tmp";
    const ConfigChange change = difference(base(), fresh);
    EXPECT_EQ(change.log_level, LogLevel::debug);
    EXPECT_EQ(change.needs_restart, (Lines{"frames: 32768 stays in force, 8192 needs a restart",
                                           "tc_attach: auto stays in force, clsact needs a restart",
                                           "runtime_dir: /run/pfild stays in force, /tmp needs a restart",
                                           "fragments: pass stays in force, drop needs a restart"}));
    EXPECT_TRUE(change.actions.empty());
}

TEST(ConfigChange, what_needs_a_restart_is_told_again_until_there_was_one) {
    Config fresh = base();
    fresh.log_level = LogLevel::debug;
    fresh.frames = 8192;
    fresh.flows = 1024;
    fresh.devices = 8;
    fresh.capture_ring_kib = 4096;
    fresh.capture_buffer_kib = 512;
    fresh.flow_idle_s = 30;
    fresh.flow_tcp_idle_s = 90;
    fresh.odd_packets = {core::ExtensionHeaders::drop, core::Fragments::drop};
    fresh.tc_attach = TcAttach::clsact;
    fresh.runtime_dir = "/tmp";
    Config in_force = fresh;
    keep_what_needs_restart(in_force, base());
    EXPECT_EQ(in_force.log_level, LogLevel::debug) << "the twin: this one changes";
    EXPECT_EQ(difference(in_force, fresh).needs_restart.size(), 11U);
    EXPECT_TRUE(difference(in_force, base()).needs_restart.empty());
}

TEST(ConfigChange, an_interface_with_another_answer_is_attached_anew_with_the_links_of_its_head) {
    Config fresh = base();
    fresh.interfaces[0].unknown = core::UnknownPackets::drop;
    EXPECT_EQ(lines(difference(base(), fresh)),
              (Lines{"unlink cbpf:b from eth0, in", "detach eth0", "attach eth0, unknown drop, mode auto",
                     "link cbpf:b to eth0, in"}));
}

TEST(ConfigChange, a_hook_with_another_program_takes_its_links_along_and_no_other_head_is_touched) {
    Config fresh = base();
    fresh.hooks[1] = hook("cbpf:b", 1);
    EXPECT_EQ(lines(difference(base(), fresh)), (Lines{"unlink cbpf:b from eth0, in", "delete hook cbpf:b",
                                                       "add hook cbpf:b", "link cbpf:b to eth0, in"}));
}

TEST(ConfigChange, a_link_in_the_middle_renews_those_behind_it_because_order_is_meaning) {
    Config old_config = base();
    old_config.hooks.push_back(hook("cbpf:c"));
    old_config.links = {{"cbpf:a", "ethernet", {true, false}}, {"cbpf:c", "ethernet", {true, false}}};
    Config fresh = old_config;
    fresh.links.insert(fresh.links.begin() + 1, LinkRequest{"cbpf:b", "ethernet", {true, false}});
    EXPECT_EQ(lines(difference(old_config, fresh)),
              (Lines{"unlink cbpf:c from ethernet, in", "link cbpf:b to ethernet, in", "link cbpf:c to ethernet, in"}));
}

TEST(ConfigChange, every_action_has_an_inverse_and_the_inverse_of_that_is_the_action) {
    Config other = base();
    other.interfaces[0].unknown = core::UnknownPackets::drop;
    other.links.push_back({"cbpf:b", "ethernet", {false, true}, true});
    other.hooks[0] = hook("cbpf:a", 9);
    const ConfigChange change = difference(base(), other);
    ASSERT_GE(change.actions.size(), 8U);
    for (const ConfigAction& action : change.actions) {
        EXPECT_NE(told(inverse(action)).substr(0, 5), told(action).substr(0, 5));
        EXPECT_EQ(told(inverse(inverse(action))), told(action));
    }
}

TEST(ConfigChange, a_change_is_taken_back_from_its_last_action_on) {
    Config other = base();
    other.hooks.push_back(hook("cbpf:new", 9));
    other.links.push_back({"cbpf:new", "ethernet", {false, true}, true});
    const ConfigChange change = difference(base(), other);
    const ConfigChange back = inverse(change);
    ASSERT_EQ(back.actions.size(), change.actions.size());
    ASSERT_GE(back.actions.size(), 2U);
    for (std::size_t at = 0; at < back.actions.size(); ++at) {
        EXPECT_EQ(told(back.actions[at]), told(inverse(change.actions[change.actions.size() - 1 - at])));
    }
}

/// Heads and hooks for real (core/pfil), interfaces as nothing but their heads.
class RealRules {
  public:
    RealRules() { (void)registry_.register_head({.name = "ethernet", .type = core::HeadType::ethernet}); }

    core::Result<void> perform(const ConfigAction& action) { return std::visit(*this, action); }

    core::Result<void> operator()(const AttachAction& action) {
        const auto slot = static_cast<std::uint8_t>(action.interface.name.back() - '0');
        return registry_.register_head({.name = action.interface.name, .type = core::HeadType::ethernet, .slot = slot});
    }
    core::Result<void> operator()(const DetachAction& action) {
        return registry_.unregister_head(action.interface.name);
    }
    core::Result<void> operator()(const AddHookAction& action) {
        auto program = cbpf::Program::verify(action.hook.program);
        return registry_.add_hook(std::make_shared<core::CbpfHook>(
            core::CbpfHookSpec{.name = action.hook.name, .type = action.hook.type, .filter = action.hook.filter},
            std::move(*program)));
    }
    core::Result<void> operator()(const DeleteHookAction& action) { return registry_.remove_hook(action.hook.name); }
    core::Result<void> operator()(const LinkAction& action) { return registry_.link(action.link); }
    core::Result<void> operator()(const UnlinkAction& action) { return registry_.unlink(action.link); }

    [[nodiscard]] std::map<std::string, std::vector<std::string>> state() const {
        std::map<std::string, std::vector<std::string>> all;
        for (const core::HeadInfo& head : registry_.heads()) {
            all[head.name + " in"] = head.hooks[0];
            all[head.name + " out"] = head.hooks[1];
        }
        for (const core::HookInfo& info : registry_.hooks()) {
            all["hooks"].push_back(info.name);
        }
        std::sort(all["hooks"].begin(), all["hooks"].end());
        return all;
    }

  private:
    core::Publication publication_;
    core::Registry registry_{publication_};
};

Config random_config(std::mt19937& random) {
    Config config;
    for (const char* name : {"eth0", "eth1", "eth2"}) {
        if (random() % 2 == 0) {
            config.interfaces.push_back({name, static_cast<core::UnknownPackets>(random() % 2)});
        }
    }
    for (const char* name : {"cbpf:a", "cbpf:b", "cbpf:c", "cbpf:d"}) {
        if (random() % 4 != 0) {
            config.hooks.push_back(hook(name, random() % 3));
        }
    }
    std::vector<std::string> heads{"ethernet"};
    for (const InterfaceConfig& interface : config.interfaces) {
        heads.push_back(interface.name);
    }
    for (const HookConfig& one : config.hooks) {
        for (const std::string& head : heads) {
            const bool in = random() % 2 == 0;
            const bool out = random() % 2 == 0;
            if (in || out) {
                config.links.push_back({one.name, head, {in, out}, random() % 2 == 0});
            }
        }
    }
    std::shuffle(config.links.begin(), config.links.end(), random);
    return config;
}

TEST(ConfigChange, leads_to_what_a_fresh_start_with_the_new_file_leads_to_and_back_again) {
    std::mt19937 random(3); // NOLINT(cert-msc51-cpp): the same configurations every time
    for (int i = 0; i < 300; ++i) {
        const Config old_config = random_config(random);
        const Config new_config = random_config(random);
        RealRules changed;
        RealRules fresh;
        for (const ConfigAction& action : from_nothing(old_config).actions) {
            ASSERT_TRUE(changed.perform(action)) << told(action);
        }
        const auto before = changed.state();
        const ConfigChange change = difference(old_config, new_config);
        for (const ConfigAction& action : change.actions) {
            const auto done = changed.perform(action);
            ASSERT_TRUE(done) << told(action) << ": " << done.error().line();
        }
        for (const ConfigAction& action : from_nothing(new_config).actions) {
            ASSERT_TRUE(fresh.perform(action));
        }
        ASSERT_EQ(changed.state(), fresh.state()) << i;
        for (auto action = change.actions.rbegin(); action != change.actions.rend(); ++action) {
            ASSERT_TRUE(changed.perform(inverse(*action))) << told(inverse(*action));
        }
        ASSERT_EQ(changed.state(), before) << i;
    }
}

TEST(Apply, calls_the_service_in_the_order_of_the_actions) {
    test::FakeService service;
    ASSERT_TRUE(apply(from_nothing(base()), service));
    EXPECT_EQ(service.calls,
              (Lines{"hook-add cbpf:a", "hook-add cbpf:b", "link cbpf:a ethernet", "attach eth0", "link cbpf:b eth0"}));
    EXPECT_EQ(service.last_hook.dlt, 1U);
    EXPECT_EQ(service.last_hook.program.size(), 1U);
    EXPECT_EQ(service.last_link, (core::LinkRequest{"cbpf:b", "eth0", {true, false}, false}));
}

/// Refuses one call, and only once.
class OnceFailing {
  public:
    static std::vector<std::string> calls_when(const std::string& refused, int code, const ConfigChange& change,
                                               bool& succeeded) {
        test::FakeService service;
        service.refuse_once = refused;
        service.refuse_code = code;
        succeeded = apply(change, service).has_value();
        return service.calls;
    }
};

TEST(Apply, takes_back_what_was_done_when_something_fails) {
    bool succeeded = true;
    const auto calls = OnceFailing::calls_when("attach eth0", ENODEV, from_nothing(base()), succeeded);
    EXPECT_FALSE(succeeded);
    EXPECT_EQ(calls, (Lines{"hook-add cbpf:a", "hook-add cbpf:b", "link cbpf:a ethernet", "attach eth0",
                            "unlink cbpf:a ethernet", "hook-delete cbpf:b", "hook-delete cbpf:a"}));
}

TEST(Apply, is_content_when_what_is_to_go_has_gone_and_not_when_it_cannot_go) {
    const ConfigChange change = difference(base(), Config{});
    const std::size_t all = change.actions.size();
    for (const auto& [refused, code] :
         {std::pair{"detach eth0", ENODEV}, {"unlink cbpf:a ethernet", ENOENT}, {"hook-delete cbpf:a", ENOENT}}) {
        bool succeeded = false;
        EXPECT_EQ(OnceFailing::calls_when(refused, code, change, succeeded).size(), all);
        EXPECT_TRUE(succeeded) << refused;
        (void)OnceFailing::calls_when(refused, EBUSY, change, succeeded);
        EXPECT_FALSE(succeeded) << refused;
    }
}

} // namespace
} // namespace pfild
