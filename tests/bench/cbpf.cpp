// SPDX-License-Identifier: BSD-2-Clause
// How fast classic BPF runs: filters of the kind that people write, over packets that are hot in the cache, by
// libpcap's bpf_filter(), by our interpreter, by native code one packet at a time, by native code over a batch, by a
// set of programs that look at each packet together, and by the code that the kernel makes of the same filter; and how
// long a program takes to compile.
//
// Every row has a counter `seconds`: of a packet and program, or of a compilation. Runs of all rows are interleaved at
// random (Google Benchmark), so that what else the machine does hits them alike. scripts/bench makes a table of it.
//
// The kernel's code (kernel_code.h) runs over one frame some thousand times, is followed by a program that does
// nothing, and counts for what it takes longer: without the call, and with every branch foreseen. Ours is called each
// time, and the frames change. So of the two the kernel has the easier task. Without root it is left out.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <pcap/pcap.h>

#include "cbpf/machine.h"
#include "filter/expression.h"
#include "tests/bench/kernel_code.h"

namespace {

using pfild::bench::KernelCode;
using pfild::cbpf::Engine;
using pfild::cbpf::Instruction;
using pfild::cbpf::Machine;
using pfild::cbpf::MachineSet;
using pfild::cbpf::Packet;
using pfild::cbpf::Program;

struct Row {
    std::string name;
    std::string expression;
};

std::vector<Row> rows() {
    std::string hosts = "host 192.0.2.1";
    for (int host = 2; host <= 30; ++host) {
        hosts += " or host 192.0.2." + std::to_string(host);
    }
    return {
        {"ip", "ip"},        {"dst-port", "tcp dst port 443"},        {"host-and-port", "host 192.0.2.7 and port 443"},
        {"30-hosts", hosts}, {"syn", "tcp[tcpflags] & tcp-syn != 0"}, {"ip6", "ip6 host 2001:db8::7 and tcp port 443"}};
}

/// Instructions of what it comes to: 30.
constexpr const char* kOf30Instructions = "port 22 or port 80 or port 443";

/// Some 32 frames of the kinds that the filters tell apart, in an order without a pattern.
class Frames {
  public:
    Frames() {
        std::uint32_t state = 2026;
        for (int frame = 0; frame < 32; ++frame) {
            state = state * 1664525 + 1013904223; // Numerical Recipes' generator: the same frames everywhere
            frames_.push_back(make(state >> 8U));
        }
        for (const auto& frame : frames_) {
            packets_.emplace_back(frame);
        }
    }

    [[nodiscard]] const std::vector<Packet>& packets() const { return packets_; }
    [[nodiscard]] const std::vector<std::vector<std::uint8_t>>& bytes() const { return frames_; }

  private:
    static std::vector<std::uint8_t> make(std::uint32_t dice) {
        std::vector<std::uint8_t> frame(64 + dice % 900);
        const bool is_ipv6 = dice % 4 == 0;
        const std::size_t transport = is_ipv6 ? 54 : 34;
        frame[12] = is_ipv6 ? 0x86 : 0x08;
        frame[13] = is_ipv6 ? 0xdd : 0x00;
        frame[14] = is_ipv6 ? 0x60 : 0x45;
        frame[is_ipv6 ? 20 : 23] = dice % 8 < 6 ? 6 : 17;
        if (is_ipv6) {
            for (const std::size_t address : {22U, 38U}) {
                std::copy_n(std::array<std::uint8_t, 4>{0x20, 0x01, 0x0d, 0xb8}.begin(), 4, &frame[address]);
                frame[address + 15] = address == 22 ? 7 : 9;
            }
        } else {
            for (const std::size_t address : {26U, 30U}) {
                std::copy_n(std::array<std::uint8_t, 3>{192, 0, 2}.begin(), 3, &frame[address]);
                frame[address + 3] = static_cast<std::uint8_t>(address == 26 ? 7 + dice / 8 % 3 * 40 : 99);
            }
        }
        frame[transport] = 0xc0;
        frame[transport + 2] = static_cast<std::uint8_t>(dice / 32 % 2);
        frame[transport + 3] = 0xbb; // 443 or 187
        frame[transport + 13] = static_cast<std::uint8_t>(dice / 64 % 3 == 0 ? 2 : 16);
        return frame;
    }

    std::vector<std::vector<std::uint8_t>> frames_;
    std::vector<Packet> packets_;
};

Program compiled(const std::string& expression) {
    const auto code = pfild::filter::compile(expression, pfild::filter::kEthernet, pfild::filter::Names::kNumeric);
    auto program = code ? Program::verify(*code) : Program::verify({});
    if (!program) {
        (void)std::fprintf(stderr, "bench_cbpf: cannot compile: %s\n", expression.c_str());
        std::exit(1);
    }
    return std::move(*program);
}

void per_packet(benchmark::State& state, std::size_t packets) {
    state.counters["seconds"] = benchmark::Counter(
        static_cast<double>(packets), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void by_libpcap(benchmark::State& state, const Program& program, const Frames& frames) {
    std::vector<bpf_insn> code;
    for (const Instruction& row : program.instructions()) {
        code.push_back({row.code, row.jt, row.jf, row.k});
    }
    for ([[maybe_unused]] auto round : state) {
        std::uint32_t wanted = 0; // by all packets, so that every result is used
        for (const auto& frame : frames.bytes()) {
            const auto length = static_cast<u_int>(frame.size());
            wanted += bpf_filter(code.data(), frame.data(), length, length);
        }
        benchmark::DoNotOptimize(wanted);
    }
    per_packet(state, frames.packets().size());
}

void by_machine(benchmark::State& state, const Machine& machine, const Frames& frames) {
    for ([[maybe_unused]] auto round : state) {
        std::uint32_t wanted = 0;
        for (const Packet& packet : frames.packets()) {
            wanted += machine.run(packet);
        }
        benchmark::DoNotOptimize(wanted);
    }
    per_packet(state, frames.packets().size());
}

void by_batch(benchmark::State& state, const Machine& machine, const Frames& frames) {
    std::vector<std::uint32_t> results(frames.packets().size());
    for ([[maybe_unused]] auto round : state) {
        machine.run(frames.packets(), results);
        benchmark::DoNotOptimize(results.data());
        benchmark::ClobberMemory();
    }
    per_packet(state, frames.packets().size());
}

/// All filters of rows() at once.
void by_set(benchmark::State& state, const MachineSet& set, const Frames& frames) {
    std::vector<std::uint32_t> results(set.size());
    for ([[maybe_unused]] auto round : state) {
        for (const Packet& packet : frames.packets()) {
            set.run(packet, results);
            benchmark::DoNotOptimize(results.data());
            benchmark::ClobberMemory();
        }
    }
    per_packet(state, frames.packets().size() * set.size());
}

/// How long `code` takes for so many runs over the frame, in seconds. Ends the bench if it does not yield `expected`.
double seconds_of(const KernelCode& code, std::span<const std::uint8_t> frame, std::uint32_t times,
                  std::uint32_t expected) {
    const auto start = std::chrono::steady_clock::now();
    const std::optional<std::uint32_t> result = code.run(frame, times);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (result != expected) {
        (void)std::fprintf(stderr, "bench_cbpf: the kernel's code does not yield what the interpreter yields\n");
        std::exit(1);
    }
    return spent.count();
}

void by_kernel(benchmark::State& state, const Program& program, const KernelCode& code, const KernelCode& nothing,
               const Frames& frames) {
    constexpr std::uint32_t kTimes = 4000; // so that the system call is not what is measured
    std::vector<std::uint32_t> expected;
    for (const Packet& packet : frames.packets()) {
        expected.push_back(interpret(program, packet));
    }
    for ([[maybe_unused]] auto round : state) {
        double seconds = 0;
        for (std::size_t index = 0; index < expected.size(); ++index) {
            const auto& frame = frames.bytes()[index];
            seconds += seconds_of(code, frame, kTimes, expected[index]) - seconds_of(nothing, frame, kTimes, 0);
        }
        state.SetIterationTime(std::max(seconds, 1e-9)); // a filter of nothing would be less than noise
    }
    per_packet(state, frames.packets().size() * kTimes);
}

void compile(benchmark::State& state, const Program& program) {
    for ([[maybe_unused]] auto round : state) {
        benchmark::DoNotOptimize(Machine(program));
    }
    state.SetLabel(std::to_string(program.instructions().size()) + " instructions");
    per_packet(state, 1);
}

template <typename Function>
benchmark::internal::Benchmark* add(const std::string& name, Function function) {
    return benchmark::RegisterBenchmark(name.c_str(), function);
}

/// What a filter is run by, for as long as the bench runs.
struct Systems {
    explicit Systems(const Row& row) : program(compiled(row.expression)) {}

    Program program;
    Machine interpreter{program, Engine::kInterpreter};
    Machine native{program};
    tl::expected<KernelCode, std::string> kernel = KernelCode::load(program);
};

void add_rows(const std::string& filter, const Systems& systems, const Frames& frames) {
    add(filter + "/libpcap", [&](auto& state) { by_libpcap(state, systems.program, frames); });
    add(filter + "/interpreter", [&](auto& state) { by_machine(state, systems.interpreter, frames); });
    add(filter + "/native", [&](auto& state) { by_machine(state, systems.native, frames); });
    add(filter + "/batch", [&](auto& state) { by_batch(state, systems.native, frames); });
}

/// Without the right to load programs there are no such rows, and stderr says why.
void add_kernel_row(const std::string& filter, const Systems& systems,
                    const tl::expected<KernelCode, std::string>& nothing, const Frames& frames) {
    if (!systems.kernel || !nothing) {
        const std::string& reason = systems.kernel ? nothing.error() : systems.kernel.error();
        (void)std::fprintf(stderr, "bench_cbpf: no %s/kernel: %s\n", filter.c_str(), reason.c_str());
        return;
    }
    add(filter + "/kernel", [&](auto& state) {
        by_kernel(state, systems.program, *systems.kernel, *nothing, frames);
    })->UseManualTime();
}

} // namespace

/// Options are Google Benchmark's; without any, ten interleaved rounds.
int main(int argc, char** argv) {
    std::vector<char*> arguments(argv, argv + argc);
    std::array<std::string, 3> defaults{"--benchmark_enable_random_interleaving=true", "--benchmark_repetitions=10",
                                        "--benchmark_min_time=0.05"};
    std::ranges::transform(defaults, std::inserter(arguments, arguments.begin() + 1),
                           [](std::string& option) { return option.data(); });
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());

    const Frames frames;
    const auto nothing = KernelCode::nothing();
    std::vector<std::unique_ptr<Systems>> all;
    std::vector<Program> programs;
    for (const Row& row : rows()) {
        const Systems& systems = *all.emplace_back(std::make_unique<Systems>(row));
        programs.push_back(systems.program);
        add_rows(row.name, systems, frames);
        add_kernel_row(row.name, systems, nothing, frames);
    }
    const MachineSet set(programs);
    const MachineSet interpreted(programs, Engine::kInterpreter);
    add("set/native", [&](auto& state) { by_set(state, set, frames); });
    add("set/interpreter", [&](auto& state) { by_set(state, interpreted, frames); });
    const Machine call(*Program::verify(std::array<Instruction, 1>{{{0x06, 0, 0, 0}}}));
    add("call/native", [&](auto& state) { by_machine(state, call, frames); });
    const Program of_30 = compiled(kOf30Instructions);
    add("compile/30", [&](auto& state) { compile(state, of_30); });
    benchmark::RunSpecifiedBenchmarks();
}
