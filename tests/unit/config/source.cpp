// SPDX-License-Identifier: BSD-2-Clause
// Configuration files, good and bad: what they mean, and for each mistake the line that an administrator reads.
#include "config/source.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include <gtest/gtest.h>

#include "any_model.h"
#include "config/described.h"
#include "config/edit.h"
#include "config/saved.h"

namespace pfild::config {
namespace {

/// A disk of a few files.
core::Result<std::string> read(const std::string& path) {
    static const std::map<std::string, std::string> kFiles{
        {"/etc/pfild/good.bpf", "2 # of them\n48 0 0 9\n6 0 0 65535\n"},
        {"/etc/pfild/cut.bpf", "2\n6 0 0 65535\n"},
        {"/etc/pfild/wrong.bpf", "1\n48 0 0 9\n"},
        {"/elsewhere/good.bpf", "1\n6 0 0 0\n"},
    };
    const auto found = kFiles.find(path);
    if (found == kFiles.end()) {
        return core::fail({"read", path, "no such file or directory", "", ENOENT});
    }
    return found->second;
}

std::optional<std::uint32_t> user(const std::string& name) {
    static const std::map<std::string, std::uint32_t> kUsers{{"alice", 1000}, {"bob", 1001}, {"also-bob", 1001}};
    const auto found = kUsers.find(name);
    return found == kUsers.end() ? std::nullopt : std::optional(found->second);
}

FileResult<Model> parse(const std::string& text) {
    const Surroundings around{.read = read, .user = user, .verbs = {"attach", "detach", "stats", "status"}};
    return read_source({{"/etc/pfild/p.toml", text}}, around).map([](Source&& source) {
        return std::move(source.model);
    });
}

const std::string kHook = "[[hook]]\n"
                          "name = \"cbpf:a\"\n"
                          "type = \"inet\"\n"
                          "on_match = \"drop\"\n"
                          "bytecode = \"good.bpf\"\n";

struct Bad {
    const char* sentence;
    std::string text;
    std::vector<std::string> mistakes; ///< without the file's name
};

std::vector<Bad> bad_keys() {
    return {
        {"TOML that is none", "buffers = \n", {":1:11: Error while parsing key-value pair: expected value, saw '\\n'"}},
        {"a key twice", "buffers = 5000\nbuffers = 5000\n", {}},
        {"a key nobody knows", "buffer = 5000\n", {":1:1: buffer: is not known here (did you mean 'buffers'?)"}},
        {"a level nobody knows",
         "log_level = \"loud\"\n",
         {":1:13: log_level: must be 'trace', 'debug', 'info', 'warning' or 'error'"}},
        {"a level in capitals",
         "log_level = \"INFO\"\n",
         {":1:13: log_level: must be 'trace', 'debug', 'info', 'warning' or 'error'"}},
        {"a level as a number",
         "log_level = 3\n",
         {":1:13: log_level: must be 'trace', 'debug', 'info', 'warning' or 'error'"}},
        {"an answer nobody knows", "unknown = \"reject\"\n", {":1:11: unknown: must be 'pass', 'drop' or 'closed'"}},
        {"a fail mode that is none", "silent = \"open\"\n", {":1:10: silent: must be 'pass', 'drop' or 'closed'"}},
        {"a fail mode with a capital",
         "unknown = \"Closed\"\n",
         {":1:11: unknown: must be 'pass', 'drop' or 'closed'"}},
        {"a yes as an answer", "unknown = true\n", {":1:11: unknown: must be 'pass', 'drop' or 'closed'"}},
        {"too few buffers", "buffers = 4095\n", {":1:11: buffers: must be a whole number from 4096 to 1048576"}},
        {"too many buffers", "buffers = 1048577\n", {":1:11: buffers: must be a whole number from 4096 to 1048576"}},
        {"buffers that would wrap",
         "buffers = 4294971392\n",
         {":1:11: buffers: must be a whole number from 4096 to 1048576"}},
        {"negative buffers", "buffers = -4096\n", {":1:11: buffers: must be a whole number from 4096 to 1048576"}},
        {"a fraction of buffers",
         "buffers = 5000.0\n",
         {":1:11: buffers: must be a whole number from 4096 to 1048576"}},
        {"too many devices", "devices = 1025\n", {":1:11: devices: must be a whole number from 0 to 1024"}},
        {"a ring that is no power of two",
         "capture_ring_kib = 3000\n",
         {":1:20: capture_ring_kib: must be a power of two"}},
        {"a ring too small for a record",
         "capture_ring_kib = 64\n",
         {":1:20: capture_ring_kib: must be a whole number from 128 to 1048576"}},
        {"buffers larger than a socket holds",
         "capture_buffer_kib = 16385\n",
         {":1:22: capture_buffer_kib: must be a whole number from 4 to 16384"}},
        {"buffers in words", "buffers = \"5000\"\n", {":1:11: buffers: must be a whole number from 4096 to 1048576"}},
        {"a folder that depends on where one stands",
         "runtime_dir = \"run\"\n",
         {":1:15: runtime_dir: must begin with a slash"}},
        {"no folder", "runtime_dir = \"\"\n", {":1:15: runtime_dir: must be 1 to 255 visible ASCII characters"}},
        {"one table where several can be",
         "[interface]\nname = \"eth0\"\n",
         {":1:1: interface: must be tables, each begun by [[interface]]"}},
        {"a list of names instead of tables", "interface = [\"eth0\"]\n", {":1:14: interface[1]: must be an object"}},
        {"an interface without a name", "\n[[interface]]\n", {":2:1: interface[1].name: is missing"}},
        {"an interface with too long a name",
         "[[interface]]\nname = \"" + std::string(128, 'a') + "\"\n",
         {":2:8: interface[1].name: must be 1 to 127 visible ASCII characters"}},
        {"an interface with a path as name",
         "[[interface]]\nname = \"a/b\"\n",
         {":2:8: interface[1].name: must be 1 to 127 visible ASCII characters without a slash"}},
        {"an interface twice",
         "[[interface]]\nname = \"eth0\"\n[[interface]]\nname = \"eth0\"\n",
         {":4:8: interface[2].name: 'eth0' is there twice"}},
        {"a key of another table",
         "[[interface]]\nname = \"eth0\"\nbuffers = 5000\n",
         {":3:1: interface[1].buffers: is not known here (known: name, unknown, silent, mode, position, strict, "
          "wanted)"}},
        {"several mistakes are all told, in the order of the file",
         "[[interface]]\nunknown = 1\n[[interface]]\nname = 2\nmtu = 3\n",
         {":1:1: interface[1].name: is missing", ":2:11: interface[1].unknown: must be 'pass', 'drop' or 'closed'",
          ":4:8: interface[2].name: must be a string",
          ":5:1: interface[2].mtu: is not known here (known: name, unknown, silent, mode, position, strict, wanted)"}},
    };
}

std::vector<Bad> bad_rules() {
    const std::string here = "[[link]]\nhook = \"cbpf:a\"\nhead = \"inet\"\n";
    return {
        {"a hook with nothing",
         "[[hook]]\n",
         {":1:1: hook[1].name: is missing", ":1:1: hook[1].type: is missing", ":1:1: hook[1].on_match: is missing",
          ":1:1: hook[1].filter: is missing, and there is no bytecode either"}},
        {"a hook that is to run nowhere",
         kHook + "run = \"nowhere\"\n",
         {":6:7: hook[1].run: must be 'auto', 'engine' or 'kernel'"}},
        {"a hook without a name behind its module",
         "[[hook]]\nname = \"cbpf\"\n" + kHook.substr(kHook.find("type")),
         {":2:8: hook[1].name: must be MODULE:NAME, each of 1 to 63 visible ASCII characters"}},
        {"a hook twice", kHook + kHook, {":7:8: hook[2].name: 'cbpf:a' is there twice"}},
        {"bytecode that is not there",
         "[[hook]]\nname = \"cbpf:a\"\ntype = \"inet\"\non_match = \"drop\"\n"
         "bytecode = \"none.bpf\"\n",
         {":5:12: hook[1].bytecode: read /etc/pfild/none.bpf: no such file or directory"}},
        {"bytecode that is cut off",
         "[[hook]]\nname = \"cbpf:a\"\ntype = \"inet\"\non_match = \"drop\"\n"
         "bytecode = \"cut.bpf\"\n",
         {}},
        {"bytecode that does not verify",
         "[[hook]]\nname = \"cbpf:a\"\ntype = \"inet\"\non_match = \"drop\"\n"
         "bytecode = \"wrong.bpf\"\n",
         {}},
        {"a filter text that moves the cursor",
         kHook.substr(0, kHook.find("bytecode")) + "filter = \"a\\u001b[2J\"\n",
         {":5:10: hook[1].filter: must be 0 to 65536 characters, of the control characters only tab and newline"}},
        {"a filter that nobody compiles",
         kHook + "expression = \"tcp\"\n",
         {":6:1: hook[1].expression: is not known here (known: name, type, on_match, filter, run, neighbours, force, "
          "enabled, bytecode)"}},
        {"a link with nothing",
         kHook + "[[link]]\n",
         {":6:1: link[1].hook: is missing", ":6:1: link[1].head: is missing", ":6:1: link[1].directions: is missing"}},
        {"a link of a hook that is not there",
         here + "directions = [\"in\"]\n",
         {":2:8: link[1].hook: there is no hook of that name"}},
        {"a link of a hook with a mistake tells the hook's mistake only",
         kHook + "colour = 1\n" + here + "directions = [\"in\"]\n",
         {":6:1: hook[1].colour: is not known here (known: name, type, on_match, filter, run, neighbours, force, "
          "enabled, bytecode)"}},
        {"a link to an interface that is not there",
         kHook + "[[link]]\nhook = \"cbpf:a\"\nhead = \"eth0\"\ndirections = [\"in\"]\n",
         {":8:8: link[1].head: must be inet, inet6, ethernet or the name of an interface"}},
        {"a link between types",
         kHook + "[[link]]\nhook = \"cbpf:a\"\nhead = \"inet6\"\ndirections = [\"in\"]\n",
         {":7:8: link[1].hook: is of type inet, the head of type inet6"}},
        {"an inet hook at an interface",
         "[[interface]]\nname = \"eth0\"\n" + kHook +
             "[[link]]\nhook = \"cbpf:a\"\nhead = \"eth0\"\ndirections = [\"in\"]\n",
         {":9:8: link[1].hook: is of type inet, the head of type ethernet"}},
        {"a link in no direction",
         kHook + here + "directions = []\n",
         {":9:14: link[1].directions: must have 1 to 2 items"}},
        {"a direction nobody knows",
         kHook + here + "directions = [\"both\"]\n",
         {":9:15: link[1].directions[1]: must be 'in' or 'out'"}},
        {"a direction twice",
         kHook + here + "directions = [\"in\", \"in\"]\n",
         {":9:14: link[1].directions: must have each once"}},
        {"a direction without brackets",
         kHook + here + "directions = \"in\"\n",
         {":9:14: link[1].directions: must be a list"}},
        {"a number as direction",
         kHook + here + "directions = [1]\n",
         {":9:15: link[1].directions[1]: must be 'in' or 'out'"}},
        {"append as a word",
         kHook + here + "directions = [\"in\"]\nappend = \"yes\"\n",
         {":10:10: link[1].append: must be true or false"}},
        {"a link twice in one direction",
         kHook + here + "directions = [\"in\"]\n" + here + "directions = [\"in\", \"out\"]\n",
         {":13:14: link[2].directions: it is linked there already, direction in"}},
    };
}

TEST(Source, every_mistake_is_told_with_its_place_key_and_reason) {
    std::vector<Bad> table = bad_keys();
    const std::vector<Bad> rules = bad_rules();
    table.insert(table.end(), rules.begin(), rules.end());
    for (const Bad& bad : table) {
        SCOPED_TRACE(bad.sentence);
        const auto config = parse(bad.text);
        ASSERT_FALSE(config);
        std::vector<std::string> told;
        for (const FileMistake& mistake : config.error()) {
            told.push_back(mistake.text());
            EXPECT_EQ(told.back().find('\n'), std::string::npos) << told.back();
            ASSERT_EQ(told.back().substr(0, 18), "/etc/pfild/p.toml:");
            told.back().erase(0, 17);
        }
        if (bad.mistakes.empty()) {
            EXPECT_EQ(told.size(), 1U) << "the words are those of another layer";
        } else {
            EXPECT_EQ(told, bad.mistakes);
        }
    }
}

TEST(Source, bytecode_is_refused_with_the_words_of_its_reader) {
    const auto mistake_of = [](const std::string& file) {
        const auto config =
            parse("[[hook]]\nname = \"cbpf:a\"\ntype = \"inet\"\non_match = \"drop\"\nbytecode = \"" + file + "\"\n");
        return config ? "none" : config.error().front().text();
    };
    EXPECT_EQ(mistake_of("good.bpf"), "none");
    EXPECT_EQ(mistake_of("/elsewhere/good.bpf"), "none");
    EXPECT_NE(mistake_of("cut.bpf").find("p.toml:5:12: hook[1].bytecode: cut.bpf: line "), std::string::npos)
        << mistake_of("cut.bpf");
    EXPECT_NE(mistake_of("wrong.bpf").find("(CF-05)"), std::string::npos) << mistake_of("wrong.bpf");
}

TEST(Source, an_empty_file_means_the_documented_defaults) {
    for (const char* text : {"", "# nothing\n", "\n\n"}) {
        const auto config = parse(text);
        ASSERT_TRUE(config);
        EXPECT_EQ(config->settings.log_level, LogLevel::kInfo);
        EXPECT_EQ(config->settings.unknown, core::FailMode::kPass);
        EXPECT_EQ(config->settings.buffers, 32768U);
        EXPECT_EQ(config->settings.runtime_dir, "/run/pfild");
        EXPECT_EQ(config->settings, Settings());
        EXPECT_TRUE(config->interfaces.empty());
        EXPECT_TRUE(config->hooks.empty());
        EXPECT_TRUE(config->links.empty());
    }
}

TEST(Source, every_key_is_understood) {
    const auto config =
        parse("log_level = \"warning\"\nunknown = \"drop\"\nmode = \"xdp\"\nposition = \"first\"\nbuffers = 4096\n"
              "devices = 0\ncapture_ring_kib = 128\ncapture_buffer_kib = 4\nruntime_dir = \"/tmp/x\"\n"
              "guard_ports = [2222]\nextension_headers = \"drop\"\nfragments = \"drop\"\n"
              "[[interface]]\nname = \"eth0\"\n[[interface]]\nname = \"eth1\"\nunknown = \"pass\"\nmode = "
              "\"tc\"\nposition = \"anywhere\"\n"
              "[[hook]]\nname = \"cbpf:a\"\ntype = \"inet\"\non_match = \"drop\"\nfilter = \"tcp dst port 23\"\n"
              "[[hook]]\nname = \"cbpf:b\"\ntype = \"ethernet\"\non_match = \"count\"\n"
              "bytecode = \"/elsewhere/good.bpf\"\n"
              "[[link]]\nhook = \"cbpf:a\"\nhead = \"inet\"\ndirections = [\"in\", \"out\"]\n"
              "[[link]]\nhook = \"cbpf:b\"\nhead = \"eth1\"\ndirections = [\"out\"]\nappend = true\n");
    ASSERT_TRUE(config) << config.error().front().text();
    EXPECT_EQ(config->settings.log_level, LogLevel::kWarning);
    EXPECT_EQ(config->settings.buffers, 4096U);
    EXPECT_EQ(config->settings.devices, 0U);
    EXPECT_EQ(config->settings.capture_ring_kib, 128U);
    EXPECT_EQ(config->settings.capture_buffer_kib, 4U);
    EXPECT_EQ(config->settings.extension_headers, core::ExtensionHeaders::kDrop);
    EXPECT_EQ(config->settings.fragments, core::Fragments::kDrop);
    EXPECT_EQ(config->settings.runtime_dir, "/tmp/x");
    EXPECT_EQ(config->settings.guard_ports, std::vector<std::uint16_t>{2222});
    EXPECT_EQ(config->interfaces, (std::vector<Interface>{{.name = "eth0",
                                                           .unknown = core::FailMode::kDrop,
                                                           .mode = core::HeadMode::kXdp,
                                                           .position = core::HeadPosition::kFirst},
                                                          {.name = "eth1", .mode = core::HeadMode::kTc}}))
        << "the file's answer is for those who give none";
    const Hook a{"cbpf:a", core::HeadType::kInet, core::OnMatch::kDrop, "tcp dst port 23", {}};
    const Hook b{"cbpf:b", core::HeadType::kEthernet, core::OnMatch::kCount, std::nullopt, {{6, 0, 0, 0}}};
    EXPECT_EQ(config->hooks, (std::vector<Hook>{a, b}));
    ASSERT_EQ(config->links.size(), 2U);
    EXPECT_EQ(config->links[0], (Link{"cbpf:b", "eth1", {false, true}, true}));
    EXPECT_EQ(config->links[1], (Link{"cbpf:a", "inet", core::Directions::both()}));
}

TEST(Source, knows_peers_by_name_and_by_number) {
    const auto config = parse("[[peer]]\nuser = \"bob\"\nverbs = [\"status\"]\n"
                              "[[peer]]\nuser = 1000\nverbs = [\"attach\", \"status\"]\n"
                              "[[peer]]\nuser = \"65534\"\nverbs = [\"stats\"]\n");
    ASSERT_TRUE(config) << config.error().front().text();
    EXPECT_EQ(config->peers,
              (std::vector<Peer>{
                  {"1000", 1000, {"attach", "status"}}, {"65534", 65534, {"stats"}}, {"bob", 1001, {"status"}}}));
    EXPECT_EQ(parse("[[peer]]\nuser = 4294967294\nverbs = [\"stats\"]\n")->peers.front().uid, kMaxUid);
    EXPECT_EQ(parse("[[peer]]\nuser = 0\nverbs = [\"stats\"]\n")->peers.front().uid, 0U);
}

TEST(Source, tells_what_is_wrong_with_a_peer) {
    const auto mistakes = [](const std::string& text) {
        const auto config = parse("[[peer]]\n" + text);
        std::vector<std::string> said;
        for (const FileMistake& mistake : config ? std::vector<FileMistake>() : config.error()) {
            said.push_back(mistake.text().substr(std::string("/etc/pfild/p.toml:").size()));
        }
        return said;
    };
    using Said = std::vector<std::string>;
    const std::string verbs = "verbs = [\"status\"]\n";
    EXPECT_EQ(
        mistakes("user = \"eve\"\n" + verbs),
        (Said{"2:8: peer[1].user: there is no user 'eve' in /etc/passwd (one from elsewhere is named by his number)"}));
    EXPECT_EQ(mistakes("user = \"99999999999\"\n" + verbs),
              (Said{"2:8: peer[1].user: a user's number is at most 4294967294"}));
    EXPECT_EQ(mistakes("user = 4294967295\n" + verbs),
              (Said{"2:8: peer[1].user: must be a whole number from 0 to 4294967294"}));
    EXPECT_EQ(mistakes("user = -1\n" + verbs),
              (Said{"2:8: peer[1].user: must be a whole number from 0 to 4294967294"}));
    EXPECT_EQ(mistakes("user = \"\"\n" + verbs),
              (Said{"2:8: peer[1].user: must be 1 to 255 visible ASCII characters"}));
    EXPECT_EQ(mistakes("user = true\n" + verbs),
              (Said{"2:8: peer[1].user: must be a whole number from 0 to 4294967294"}));
    EXPECT_EQ(mistakes(verbs), (Said{"1:1: peer[1].user: is missing"}));
    EXPECT_EQ(mistakes("user = 1\n"), (Said{"1:1: peer[1].verbs: is missing"}));
    EXPECT_EQ(mistakes("user = 1\nverbs = []\n"), (Said{"3:9: peer[1].verbs: must have 1 to 64 items"}));
    EXPECT_EQ(mistakes("user = 1\nverbs = \"status\"\n"), (Said{"3:9: peer[1].verbs: must be a list"}));
    EXPECT_EQ(mistakes("user = 1\nverbs = [\"status\", \"stat\"]\n"),
              (Said{"3:20: peer[1].verbs: there is no verb 'stat' (did you mean 'stats'?)"}));
    EXPECT_EQ(mistakes("user = 1\nverbs = [\"status\", \"status\"]\n"),
              (Said{"3:9: peer[1].verbs: must have each once"}));
    EXPECT_EQ(mistakes("user = \"bob\"\n" + verbs + "[[peer]]\nuser = \"bob\"\n" + verbs),
              (Said{"5:8: peer[2].user: 'bob' is there twice"}));
    EXPECT_EQ(mistakes("user = \"bob\"\n" + verbs + "[[peer]]\nuser = \"also-bob\"\n" + verbs),
              (Said{"5:8: peer[2].user: 'also-bob' is there twice, as 'bob', too"}));
    EXPECT_EQ(mistakes("user = 1\ncommands = [\"status\"]\n" + verbs),
              (Said{"3:1: peer[1].commands: is not known here (known: user, verbs)"}));
}

TEST(Source, the_limits_themselves_are_allowed) {
    EXPECT_EQ(parse("buffers = 4096\n")->settings.buffers, kMinBuffers);
    EXPECT_EQ(parse("buffers = 1_048_576\n")->settings.buffers, kMaxBuffers);
    EXPECT_EQ(parse("buffers = 5000\n")->settings.buffers, 5000U) << "no power of two is asked for";
    EXPECT_TRUE(parse("[[interface]]\nname = \"abcdefghijklmno\"\n"));
    EXPECT_TRUE(parse(kHook + "[[link]]\nhook = \"cbpf:a\"\nhead = \"inet\"\ndirections = [\"in\"]\n" +
                      "[[link]]\nhook = \"cbpf:a\"\nhead = \"inet\"\ndirections = [\"out\"]\n"));
}

TEST(Source, of_several_files_has_the_items_of_all_and_of_a_setting_the_last_word) {
    const auto source = read_source(
        {{"/etc/pfild/p.toml", "buffers = 5000\nunknown = \"drop\"\n[[interface]]\nname = \"eth0\"\n"},
         {"/etc/pfild/p.d/10.toml",
          "buffers = 6000\nmode = \"tc\"\n" + kHook.substr(0, kHook.find("bytecode")) + "filter = \"udp\"\n"},
         {"/etc/pfild/p.d/20.toml", "[[link]]\nhook = \"cbpf:a\"\nhead = \"inet\"\ndirections = [\"in\"]\n"}},
        {.read = read});
    ASSERT_TRUE(source) << source.error().front().text();
    EXPECT_EQ(source->model.settings.buffers, 6000U);
    EXPECT_EQ(
        source->model.interfaces,
        (std::vector<Interface>{{.name = "eth0", .unknown = core::FailMode::kDrop, .mode = core::HeadMode::kTc}}));
    EXPECT_EQ(source->model.links.size(), 1U);
}

TEST(Source, tells_the_mistakes_of_all_files_in_their_order) {
    const auto source = read_source({{"p.toml", "buffers = 1\n[[interface]]\nname = \"eth0\"\n"},
                                     {"p.d/1.toml", "[[\n"},
                                     {"p.d/2.toml", "runtime_dir = \"x\"\n[[interface]]\nname = \"eth0\"\n"}},
                                    {.read = read});
    ASSERT_FALSE(source);
    std::vector<std::string> places;
    for (const FileMistake& mistake : source.error()) {
        places.push_back(mistake.file + ':' + std::to_string(mistake.line) + ' ' + mistake.key);
    }
    EXPECT_EQ(places, (std::vector<std::string>{"p.toml:1 buffers", "p.d/1.toml:1 ", "p.d/2.toml:1 runtime_dir",
                                                "p.d/2.toml:3 interface[1].name"}));
}

TEST(Source, has_a_digest_of_every_byte_that_was_read) {
    const auto digest = [](const Files& files, const FileReader& reader) {
        return read_source(files, {.read = reader})->digest;
    };
    const Files files{{"p.toml", kHook}, {"p.d/a.toml", "# 1\n"}};
    const auto with = [](const char* program) {
        return [program](const std::string& /*path*/) -> core::Result<std::string> { return program; };
    };
    const std::string once = digest(files, with("1\n6 0 0 1\n"));
    EXPECT_EQ(once, digest(files, with("1\n6 0 0 1\n")));
    EXPECT_NE(once, digest(files, with("1\n6 0 0 2\n")));
    EXPECT_NE(once, digest({files[0]}, with("1\n6 0 0 1\n")));
    EXPECT_NE(once, digest({files[0], {"p.d/b.toml", "# 1\n"}}, with("1\n6 0 0 1\n")));
    EXPECT_NE(once, digest({files[0], {"p.d/a.toml", "# 2\n"}}, with("1\n6 0 0 1\n")));
    EXPECT_EQ(once, digest({{"/etc/p.toml", kHook}, files[1]}, with("1\n6 0 0 1\n"))) << "wherever they are";
}

TEST(Source, refuses_a_program_for_another_link_type_and_one_beside_a_filter) {
    // tcpdump -y EN10MB -ddd udp
    const char* const of_ethernet = "2\n40 0 0 12\n6 0 0 1\n";
    const char* const ip_type = "4\n40 0 0 12\n21 0 1 2048\n6 0 0 1\n6 0 0 0\n";
    const auto mistake = [](const std::string& text, const char* program) {
        const auto source =
            read_source({{"p.toml", text}},
                        {.read = [program](const std::string&) -> core::Result<std::string> { return program; }});
        return source ? std::string("none") : source.error().front().reason;
    };
    EXPECT_EQ(mistake(kHook, of_ethernet), "none") << "it looks for nothing";
    EXPECT_EQ(mistake(kHook, ip_type),
              "good.bpf: it is a program for another link type than RAW, which hooks of type inet are shown");
    EXPECT_EQ(mistake(kHook + "filter = \"udp\"\n", of_ethernet),
              "there is a filter, too, and that is what counts: leave one of them out");
    EXPECT_EQ(mistake(kHook.substr(0, kHook.find("bytecode")) + "filter = \" \"\n", of_ethernet),
              "is empty; to match every packet write 'greater 0'");
}

/// Equal but for the owners, for what is compiled later, and for what is no part of a file.
Model as_of_files(Model model) {
    model.panic = false;
    for (Interface& interface : model.interfaces) {
        interface.owner = Owner::kFile;
    }
    for (Hook& hook : model.hooks) {
        hook.owner = Owner::kFile;
        hook.compiled = core::Compiled::kUnverified;
        if (hook.filter) {
            hook.program.clear();
        }
    }
    for (Link& link : model.links) {
        link.owner = Owner::kFile;
    }
    return model;
}

TEST(SavedModel, is_read_again_as_it_was) {
    test::AnyModel any(31);
    for (int round = 0; round < 1000; ++round) {
        const Model model = any.next();
        const Saved text = saved(model, "of-it/");
        std::map<std::string, std::string> programs;
        for (const File& program : text.programs) {
            programs.emplace("/etc/pfild/" + program.path, program.text);
        }
        const Surroundings around{
            .read = [&](const std::string& path) -> core::Result<std::string> { return programs.at(path); },
            .user = [&](const std::string& name) -> std::optional<std::uint32_t> {
                const auto found = std::find_if(model.peers.begin(), model.peers.end(),
                                                [&](const Peer& peer) { return peer.name == name; });
                return found->uid;
            },
            .verbs = {"attach", "stats", "status"}};
        const auto read = read_source({{"/etc/pfild/p.toml", text.text}}, around);
        ASSERT_TRUE(read) << read.error().front().text() << '\n' << text.text;
        ASSERT_EQ(canonical_page(read->model), canonical_page(as_of_files(model))) << text.text;
    }
}

TEST(SavedModel, says_what_is_not_the_default_in_the_order_of_the_manual) {
    Model model;
    model.settings.buffers = 5000;
    model.interfaces = {{.name = "eth0", .unknown = core::FailMode::kDrop}};
    model.hooks = {{.name = "my:telnet", .type = core::HeadType::kInet, .filter = "\ntcp dst port 23"},
                   {.name = "my:word", .type = core::HeadType::kInet, .program = {{6, 0, 0, 0}}}};
    model.links = {{.hook = "my:telnet", .head = "inet", .directions = {true, true}}};
    const Saved text = saved(model, "x-");
    EXPECT_EQ(text.text, "buffers = 5000\n"
                         "\n"
                         "[[interface]]\n"
                         "name = 'eth0'\n"
                         "unknown = 'drop'\n"
                         "silent = 'drop'\n"
                         "mode = 'auto'\n"
                         "position = 'anywhere'\n"
                         "strict = false\n"
                         "\n"
                         "[[hook]]\n"
                         "name = 'my:telnet'\n"
                         "type = 'inet'\n"
                         "on_match = 'drop'\n"
                         "filter = \"\\ntcp dst port 23\"\n"
                         "\n"
                         "[[hook]]\n"
                         "name = 'my:word'\n"
                         "type = 'inet'\n"
                         "on_match = 'drop'\n"
                         "bytecode = 'x-1.bpf'\n"
                         "\n"
                         "[[link]]\n"
                         "hook = 'my:telnet'\n"
                         "head = 'inet'\n"
                         "directions = ['in', 'out']\n");
    ASSERT_EQ(text.programs.size(), 1U);
    EXPECT_EQ(text.programs.front().text, "1\n6 0 0 0\n");
}

} // namespace
} // namespace pfild::config
