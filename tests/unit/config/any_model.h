// SPDX-License-Identifier: BSD-2-Clause
// Models by chance, in order and without flaws: what the properties of config/ are tried with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "config/model.h"

namespace pfild::config::test {

class AnyModel {
  public:
    explicit AnyModel(std::uint32_t seed) : random_(seed) {}

    /// Few names, so that two models have much in common.
    [[nodiscard]] Model next() {
        Model model;
        model.settings = settings();
        model.panic = once_in(4);
        for (const char* name : {"eth0", "eth1", "wan"}) {
            if (once_in(2)) {
                model.interfaces.push_back({.name = name,
                                            .unknown = word<core::FailMode>(3),
                                            .silent = word<core::FailMode>(3),
                                            .mode = word<core::HeadMode>(4),
                                            .position = word<core::HeadPosition>(2),
                                            .strict = once_in(4),
                                            .owner = word<Owner>(3)});
            }
        }
        for (int i = 0; i < 5; ++i) {
            if (once_in(2)) {
                model.hooks.push_back(hook("cbpf:" + std::string(1, static_cast<char>('a' + i))));
            }
        }
        add_links(model);
        for (const char* name : {"1000", "alice", "bob"}) {
            if (once_in(2)) {
                const auto uid = static_cast<std::uint32_t>(1000 + model.peers.size());
                model.peers.push_back({name, uid, {once_in(2) ? "status" : "attach", "stats"}});
            }
        }
        put_in_order(model);
        return model;
    }

    [[nodiscard]] bool once_in(std::uint32_t times) { return below(times) == 0; }
    [[nodiscard]] std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }

    [[nodiscard]] Hook hook(std::string name) {
        Hook made{.name = std::move(name), .type = word<core::HeadType>(3), .on_match = word<core::OnMatch>(3)};
        if (once_in(2)) {
            made.filter = once_in(4)   ? "tcp dst port 23\n or \"\xc3\xa4\\"
                          : once_in(4) ? "\n\tip and\n\ttcp\n"
                                       : "udp port " + std::to_string(below(100));
        }
        made.program.resize(below(3), {0x30, 0, 0, below(64)});
        made.program.push_back({0x06, 0, 0, once_in(2) ? 0 : 0xffffffff});
        made.run = word<core::RunsIn>(3);
        made.compiled = word<core::Compiled>(4);
        made.enabled = !once_in(4);
        made.owner = word<Owner>(3);
        return made;
    }

  private:
    template <typename Enum>
    Enum word(std::uint32_t end) {
        return static_cast<Enum>(below(end));
    }

    Settings settings() {
        Settings made;
        if (once_in(2)) {
            made.log_level = word<LogLevel>(5);
            made.unknown = word<core::FailMode>(3);
            made.silent = word<core::FailMode>(3);
            made.buffers = kMinBuffers + below(kMaxBuffers - kMinBuffers);
            made.flows = below(kMaxFlows);
            made.capture_ring_kib = kMinCaptureRing << below(8);
            made.guard_ports = {22, static_cast<std::uint16_t>(1 + below(65535))};
            made.tc_attach = word<TcAttach>(2);
            made.runtime_dir = once_in(2) ? "/run/pfild" : "/tmp/x";
        }
        return made;
    }

    void add_links(Model& model) {
        std::vector<std::string> heads{"inet", "inet6", "ethernet"};
        for (const Interface& interface : model.interfaces) {
            if (interface.mode != core::HeadMode::kTap) {
                heads.push_back(interface.name);
            }
        }
        std::vector<Hook> hooks = model.hooks;
        for (const std::string& head : heads) {
            std::shuffle(hooks.begin(), hooks.end(), random_);
            for (const Hook& hook : hooks) {
                if (hook.type == type_of_head(head) && !once_in(3)) {
                    const bool in = once_in(2);
                    model.links.push_back({hook.name, head, {in, !in || once_in(2)}, once_in(3), word<Owner>(3)});
                }
            }
        }
    }

    std::mt19937 random_;
};

} // namespace pfild::config::test
