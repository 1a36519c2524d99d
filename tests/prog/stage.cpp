// SPDX-License-Identifier: BSD-2-Clause
#include "tests/prog/stage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "pfild/pfild_stage.skel.h"

namespace pfild::tests {
namespace {

constexpr std::size_t kRoomBehind = 64; ///< bytes by which a program may make a frame longer

tl::unexpected<std::string> failed(const std::string& what, int code) {
    return tl::make_unexpected(what + ": " + std::strerror(code < 0 ? -code : code));
}

Stage::Outcome<Verdict> run(int program_fd, const Bytes& frame, bpf_test_run_opts& options) {
    Verdict verdict;
    verdict.frame.resize(frame.size() + kRoomBehind);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = verdict.frame.data();
    options.data_size_out = static_cast<std::uint32_t>(verdict.frame.size());
    if (const int code = bpf_prog_test_run_opts(program_fd, &options); code != 0) {
        return failed("BPF_PROG_TEST_RUN", code);
    }
    verdict.action = options.retval;
    verdict.frame.resize(options.data_size_out);
    return verdict;
}

} // namespace

Stage::Outcome<std::unique_ptr<Stage>> Stage::build() {
    pfild_stage* skeleton = pfild_stage__open_and_load();
    if (skeleton == nullptr) {
        return failed("load the stage", errno);
    }
    return std::unique_ptr<Stage>(new Stage(skeleton));
}

Stage::~Stage() { pfild_stage__destroy(skeleton_); }

Stage::Outcome<void> Stage::cast(int program_fd) {
    const std::uint32_t key = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.actor), &key, &program_fd, BPF_ANY) != 0) {
        return failed("put the program on the stage", errno);
    }
    return {};
}

Stage::Outcome<Verdict> Stage::play(const Scene& scene, int rounds) {
    skeleton_->bss->stage_round = 0;
    skeleton_->bss->before = scene.before;
    skeleton_->bss->after = {};
    __sk_buff context{};
    context.ifindex = scene.ifindex;
    context.ingress_ifindex = scene.ingress_ifindex;
    context.gso_segs = scene.segments;
    context.gso_size = scene.segment_size;
    context.mark = scene.mark;
    std::copy(std::begin(scene.before.cb), std::end(scene.before.cb), std::begin(context.cb));
    __sk_buff context_out{};
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_out = &context_out, .ctx_size_in = sizeof(context),
                .ctx_size_out = sizeof(context_out), .repeat = rounds);
    auto verdict = run(bpf_program__fd(skeleton_->progs.stage), scene.frame, options);
    if (verdict) {
        verdict->mark = context_out.mark;
    }
    return verdict;
}

Stage::Outcome<Verdict> Stage::verdict(int program_fd, const Scene& scene) {
    return cast(program_fd).and_then([&] { return play(scene, 1); });
}

Stage::Outcome<StageProps> Stage::left_by(int program_fd, const Scene& scene) {
    return cast(program_fd).and_then([&] { return play(scene, 2); }).map([&](const Verdict&) {
        return StageProps(skeleton_->bss->after);
    });
}

Stage::Outcome<Verdict> Stage::verdict_of_nobody(const Scene& scene) {
    const std::uint32_t key = 0;
    (void)bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.actor), &key); // absent is what is wanted
    return play(scene, 1);
}

Stage::Outcome<Verdict> Stage::xdp_verdict(int program_fd, const Bytes& frame, std::uint32_t ifindex,
                                           std::uint32_t linear) {
    xdp_md context{};
    context.data_end = linear != 0 ? linear : static_cast<std::uint32_t>(frame.size());
    context.ingress_ifindex = ifindex;
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
    return run(program_fd, frame, options);
}

} // namespace pfild::tests
