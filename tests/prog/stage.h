// SPDX-License-Identifier: BSD-2-Clause
// Runs one kernel program over one packet by BPF_PROG_TEST_RUN and tells all that it did. Nothing is sent: a redirect
// is a verdict here, not a packet on its way.
//
// A TC program is run twice over two equal packets, once for its verdict and once for what it left behind (props.h), so
// whoever counts what it counts asks for each alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "tests/prog/frames.h"
#include "tests/prog/props.h"

struct pfild_stage; // the skeleton, known to stage.cpp only

namespace pfild::tests {

/// A packet, and how it stands before the program.
struct Scene {
    Bytes frame;
    std::uint32_t ifindex = 0;
    std::uint32_t ingress_ifindex = 0;
    std::uint32_t segments = 0;     ///< 0: not a buffer of several, or nobody has counted them
    std::uint32_t segment_size = 0; ///< payload bytes of each
    std::uint32_t mark = 0;
    StageProps before{};
};

/// What a verdict comes with.
struct Verdict {
    std::uint32_t action = 0; ///< TC_ACT_* or XDP_*; TC_ACT_UNSPEC is 0xffffffff
    std::uint32_t mark = 0;   ///< TC only
    Bytes frame;              ///< without a tag that is beside it
};

class Stage {
  public:
    template <typename T>
    using Outcome = tl::expected<T, std::string>; ///< or why it could not be run

    [[nodiscard]] static Outcome<std::unique_ptr<Stage>> build();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage();

    [[nodiscard]] Outcome<Verdict> verdict(int program_fd, const Scene& scene);
    [[nodiscard]] Outcome<StageProps> left_by(int program_fd, const Scene& scene);
    /// Without a program under test: what the stage itself says then.
    [[nodiscard]] Outcome<Verdict> verdict_of_nobody(const Scene& scene);

    /// An XDP program needs no stage. linear: so many bytes are in the first buffer, which Linux knows since 6.18; 0:
    /// all that fit.
    [[nodiscard]] static Outcome<Verdict> xdp_verdict(int program_fd, const Bytes& frame, std::uint32_t ifindex,
                                                      std::uint32_t linear = 0);

  private:
    explicit Stage(pfild_stage* skeleton) : skeleton_(skeleton) {}
    [[nodiscard]] Outcome<Verdict> play(const Scene& scene, int rounds);
    [[nodiscard]] Outcome<void> cast(int program_fd);

    pfild_stage* skeleton_;
};

} // namespace pfild::tests
