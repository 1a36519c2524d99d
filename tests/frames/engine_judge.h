// SPDX-License-Identifier: BSD-2-Clause
// The engine, with rules on a port and one interface, asked about one incoming frame after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/engine.h"
#include "core/flow/flow_key.h"
#include "core/pfil/cbpf_hook.h"
#include "core/pfil/registry.h"
#include "tests/frames/port_programs.h"
#include "tests/frames/recipe.h"

namespace pfild::frames {

/// What is linked: IPv4 and IPv6 packets to a port are dropped, or all others are.
struct PortRule {
    std::uint16_t port;
    core::OnMatch on_match;
};

inline constexpr PortRule kBlock{kBlockedPort, core::OnMatch::kDrop};
inline constexpr PortRule kDeny{kAllowedPort, core::OnMatch::kPass};

[[nodiscard]] inline cbpf::Program port_program(core::HeadType type, std::uint16_t port) {
    std::vector<cbpf::Instruction> instructions;
    for (const ProgramRow& row : type == core::HeadType::kInet ? inet_port_program(port) : inet6_port_program(port)) {
        instructions.push_back({row.code, row.jt, row.jf, row.k});
    }
    return cbpf::Program::verify(instructions).value();
}

/// Of what cannot fail here.
inline void must(const core::Result<void>& done) { EXPECT_TRUE(done) << done.error().line(); }

inline void register_heads(core::Registry& registry) {
    for (const core::HeadType type : core::kEachHeadType) {
        must(registry.register_head({.name = std::string(core::name(type)), .type = type}));
    }
}

/// => heads are registered.
inline void link_rule(core::Registry& registry, const PortRule& rule, core::RunsIn runs_in) {
    for (const core::HeadType type : {core::HeadType::kInet, core::HeadType::kInet6}) {
        core::CbpfHookSpec spec{.name = "cbpf:" + std::string(core::name(type)),
                                .type = type,
                                .on_match = rule.on_match,
                                .filter = {},
                                .runs_in = runs_in};
        const std::string name = spec.name;
        must(registry.add_hook(std::make_shared<core::CbpfHook>(std::move(spec), port_program(type, rule.port))));
        must(registry.link({.hook = name, .head = std::string(core::name(type)), .directions = {true, false}}));
    }
}

/// A hook that is shown every frame, and lets it go on. => heads are registered.
inline void link_counter(core::Registry& registry, core::RunsIn runs_in) {
    core::CbpfHookSpec spec{.name = "cbpf:frames",
                            .type = core::HeadType::kEthernet,
                            .on_match = core::OnMatch::kCount,
                            .filter = {},
                            .runs_in = runs_in};
    const std::vector<cbpf::Instruction> first_byte{{0x30, 0, 0, 0}, {0x16, 0, 0, 0}};
    must(registry.add_hook(
        std::make_shared<core::CbpfHook>(std::move(spec), cbpf::Program::verify(first_byte).value())));
    must(registry.link({.hook = "cbpf:frames", .head = "ethernet", .directions = {true, false}}));
}

class EngineJudge {
  public:
    explicit EngineJudge(const PortRule& rule) {
        register_heads(registry_);
        link_rule(registry_, rule, core::RunsIn::kEngine);
        engine_.add({.slot = 0, .ifindex = kIfindex, .p = &down_, .q = &up_});
    }
    EngineJudge(const EngineJudge&) = delete;
    EngineJudge& operator=(const EngineJudge&) = delete;
    ~EngineJudge() { rules_.offline(); }

    /// Whether a frame that a head has diverted comes back. first: so many bytes are in its first buffer, and so on
    /// until there are no buffers more; 0: all.
    [[nodiscard]] bool passes(const Bytes& frame, std::size_t first = 0) {
        Bytes labelled(frame.begin(), frame.begin() + 12);
        labelled.insert(labelled.end(), {PFILD_LABEL_TYPE >> 8U, PFILD_LABEL_TYPE & 255U, PFILD_LABEL_MARK >> 8U, 0});
        labelled.insert(labelled.end(), frame.begin() + 12, frame.end());
        up_.frame = first == 0 ? core::Frame::copy_of(pool_, labelled) : in_pieces(labelled, first);
        down_.passed = 0;
        rules_.online();
        (void)engine_.round();
        rules_.offline();
        return down_.passed != 0;
    }
    /// The key that the engine publishes an answer under; nothing where it does not.
    [[nodiscard]] std::optional<core::FlowKey> key(const Bytes& frame, std::uint32_t ifindex = kIfindex) {
        return core::read_flow_key(core::Frame::copy_of(pool_, frame), ifindex, core::Direction::kIn);
    }

  private:
    static constexpr std::uint32_t kIfindex = 7;
    static constexpr std::uint32_t kBufferBytes = 4096;

    /// Brings up one frame, and throws away what is sent down.
    struct Port final : core::FramePort {
        core::Frame frame;
        std::size_t passed = 0;

        std::size_t receive(std::span<core::Frame> out) noexcept override {
            if (frame.empty()) {
                return 0;
            }
            out[0] = std::move(frame);
            frame = core::Frame();
            return 1;
        }
        std::size_t transmit(std::span<core::Frame> frames) noexcept override {
            for (core::Frame& one : frames) {
                one.reset();
            }
            passed += frames.size();
            return frames.size();
        }
        void after_batch() noexcept override {}
    };

    core::Frame in_pieces(std::span<const std::uint8_t> bytes, std::size_t size) {
        core::Frame frame;
        for (std::size_t left = core::kMaxFrameBuffers; !bytes.empty(); left--) {
            const std::size_t taken = left == 1 ? bytes.size() : std::min(size, bytes.size());
            core::BufferIndex buffer = core::kNoBuffer;
            EXPECT_EQ(pool_.lend({&buffer, 1}, core::kHeldByEngine), 1U);
            std::copy_n(bytes.begin(), taken, pool_.start(buffer));
            frame.append(pool_, buffer, pool_.start(buffer), static_cast<std::uint32_t>(taken));
            bytes = bytes.subspan(taken);
        }
        return frame;
    }

    Bytes memory_ = Bytes(std::size_t{64} * kBufferBytes);
    core::BufferPool pool_{memory_, kBufferBytes};
    core::Publication rules_;
    core::Registry registry_{rules_};
    Port up_;
    Port down_;
    core::Engine engine_{rules_};
};

} // namespace pfild::frames
