// SPDX-License-Identifier: BSD-2-Clause
// Who is let through to a verb, and where its arguments come from.
#include "daemon/api/dispatcher.h"

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "api_fake_service.h"
#include "control/verbs.h"

namespace pfild::api {
namespace {

using Json = nlohmann::json;

class DispatcherTest : public ::testing::Test {
  protected:
    test::FakeService service_;
    Dispatcher dispatcher_{service_, control::AttachDefaults{}};

    /// The errno of the answer; empty: there is none.
    std::string refusal(const std::string& verb, const control::Peer& peer) {
        const std::string line = R"({"protocol":2,"id":7,"verb":")" + verb + "\"}";
        const Json answer = Json::parse(dispatcher_.answer({.line = line, .peer = peer}));
        return answer["ok"] == true ? "" : std::string(answer["error"]["errno"]);
    }
    Json ask_in_memory(const std::string& verb, sys::Fd* memory, bool too_many = false) {
        const std::string line = R"({"protocol":2,"id":7,"verb":")" + verb + R"(","in_memory":true})";
        return Json::parse(
            dispatcher_.answer({.line = line, .peer = {.owner = true}, .memory = memory, .too_many = too_many}));
    }
};

sys::Fd sealed(const std::string& content) {
    sys::Fd fd(::memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    return fd;
}

TEST_F(DispatcherTest, readers_may_look_and_change_nothing) {
    const control::Peer reader{.uid = 1000, .reader = true};
    EXPECT_EQ(refusal("status", reader), "");
    EXPECT_EQ(service_.calls.size(), 1U);
    for (const control::Verb& verb : control::verbs()) {
        if (verb.changes) {
            EXPECT_EQ(refusal(std::string(verb.name), reader), "EACCES") << verb.name;
        }
    }
    EXPECT_EQ(service_.calls.size(), 1U);
}

TEST_F(DispatcherTest, a_guarded_verb_may_be_forced_and_no_other) {
    const auto ask = [&](const std::string& verb, const std::string& arguments, const std::string& force) {
        const std::string line =
            R"({"protocol":2,"id":7,"verb":")" + verb + R"(","arguments":)" + arguments + R"(,"force":)" + force + "}";
        return Json::parse(dispatcher_.answer({.line = line, .peer = {.pid = 77, .owner = true}, .pidfd = 5}));
    };
    const std::string link = R"({"hook":"cbpf:a","head":"inet","directions":["in"]})";
    EXPECT_EQ(ask("link", link, "true")["ok"], true);
    EXPECT_TRUE(service_.last_asker.force);
    EXPECT_EQ(service_.last_asker.peer.pid, 77U);
    EXPECT_EQ(service_.last_asker.pidfd, 5);
    EXPECT_EQ(ask("link", link, "false")["ok"], true);
    EXPECT_FALSE(service_.last_asker.force);
    EXPECT_EQ(ask("link", link, "1")["error"]["errno"], "EINVAL");
    EXPECT_EQ(ask("status", "{}", "true")["error"]["errno"], "EINVAL");
    EXPECT_EQ(ask("panic", R"({"on":true})", "true")["error"]["errno"], "EINVAL");
}

TEST_F(DispatcherTest, a_remark_stands_beside_the_answer_of_a_guarded_verb) {
    const auto ask = [&](const std::string& verb, const std::string& arguments) {
        const std::string line = R"({"protocol":2,"id":7,"verb":")" + verb + R"(","arguments":)" + arguments + "}";
        return Json::parse(dispatcher_.answer(line));
    };
    EXPECT_FALSE(ask("hook-delete", R"({"name":"cbpf:a"})").contains("remark"));
    service_.said_beside = "nothing to check";
    EXPECT_EQ(ask("hook-delete", R"({"name":"cbpf:a"})")["remark"], "nothing to check");
    EXPECT_FALSE(ask("status", "{}").contains("remark"));
}

TEST_F(DispatcherTest, a_user_may_use_the_verbs_that_are_given_to_him) {
    dispatcher_.set_grants({{1001, {"flows-flush"}}});
    EXPECT_EQ(refusal("flows-flush", {.uid = 1001}), "");
    EXPECT_EQ(refusal("status", {.uid = 1001}), "EACCES");
    EXPECT_EQ(refusal("flows-flush", {.uid = 1002}), "EACCES");
    EXPECT_EQ(service_.calls, std::vector<std::string>{"flows-flush"});
}

TEST_F(DispatcherTest, arguments_come_in_memory_if_the_verb_takes_them_there) {
    const std::string hook =
        R"({"name":"cbpf:a","type":"inet","on_match":"drop","program":[[6,0,0,1],[6,0,0,0]],"dlt":12})";
    sys::Fd memory = sealed(hook);
    EXPECT_EQ(ask_in_memory("hook-add", &memory)["ok"], true);
    EXPECT_FALSE(memory) << "it is taken";
    EXPECT_EQ(service_.last_hook.program.size(), 2U);
    EXPECT_EQ(ask_in_memory("hook-add", &memory)["error"]["errno"], "EINVAL");
    EXPECT_EQ(ask_in_memory("hook-add", nullptr)["error"]["errno"], "EINVAL");
    memory = sealed(hook);
    EXPECT_EQ(ask_in_memory("hook-add", &memory, true)["error"]["errno"], "EINVAL") << "one of several";
    memory = sealed("{}");
    EXPECT_EQ(ask_in_memory("status", &memory)["error"]["errno"], "EINVAL") << "it takes none";
    memory = sealed(R"({"name":"cbpf:a","colour":1})");
    EXPECT_EQ(ask_in_memory("hook-add", &memory)["error"]["errno"], "EINVAL");
    EXPECT_EQ(service_.calls.size(), 1U);
}

} // namespace
} // namespace pfild::api
