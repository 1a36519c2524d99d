// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/jit/compile.h"

#include <utility>
#include <vector>

#include <asmjit/core.h>

#include "cbpf/jit/passes.h"

namespace pfild::cbpf::jit {
namespace {

/// The seam for other processors: their emitter would be chosen here.
bool runs_here() noexcept { return asmjit::Environment::host().arch() == asmjit::Arch::kX64; }

tl::expected<CodeMemory, Refusal> executable(const tl::expected<MachineCode, Refusal>& code) {
    if (!code) {
        return tl::make_unexpected(code.error());
    }
    return CodeMemory::make(code->bytes);
}

} // namespace

Graph optimised(const Program& program) {
    Graph graph = decode(program);
    fold_ranges(graph);
    cut_fruitless(graph);
    straighten(graph);
    hoist_checks(graph);
    match_bytes(graph);
    remove_dead(graph);
    join_matches(graph);
    straighten(graph);
    return graph;
}

tl::expected<NativeProgram, Refusal> NativeProgram::compile(const Program& program) {
    return compile(optimised(program));
}

tl::expected<NativeProgram, Refusal> NativeProgram::compile(const Graph& graph) {
    if (!runs_here()) {
        return tl::make_unexpected(Refusal::kProcessor);
    }
    Graph behind_guard = graph;
    const Guard guard = take_guard(behind_guard);
    const auto code = emit_program(behind_guard, graph);
    auto memory = executable(code);
    if (!memory) {
        return tl::make_unexpected(memory.error());
    }
    return NativeProgram(guard, std::move(*memory), code->batch);
}

tl::expected<NativeSet, Refusal> NativeSet::compile(std::span<const Program* const> programs) {
    if (!runs_here()) {
        return tl::make_unexpected(Refusal::kProcessor);
    }
    std::vector<Graph> graphs;
    graphs.reserve(programs.size());
    for (const Program* program : programs) {
        graphs.push_back(optimised(*program));
    }
    auto memory = executable(emit_set(graphs));
    if (!memory) {
        return tl::make_unexpected(memory.error());
    }
    return NativeSet(std::move(*memory));
}

} // namespace pfild::cbpf::jit
