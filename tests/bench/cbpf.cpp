// SPDX-License-Identifier: BSD-2-Clause
// How fast classic BPF runs: filters of the kind that people write, over packets that are hot in the cache, by
// libpcap's bpf_filter(), by our interpreter, by native code one packet at a time, by native code over a batch, and by
// a set of programs that look at each packet together; and how long a program takes to compile.
//
// Every figure is nanoseconds a packet and program. Runs of all rows are interleaved at random (Google Benchmark), so
// that what else the machine does hits them alike; behind them stands how many times faster than libpcap each row is,
// by the medians, and the geometric mean over the filters.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <pcap/pcap.h>

#include "cbpf/machine.h"
#include "filter/expression.h"

namespace {

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

void compile(benchmark::State& state, const Program& program) {
    for ([[maybe_unused]] auto round : state) {
        benchmark::DoNotOptimize(Machine(program));
    }
    state.SetLabel(std::to_string(program.instructions().size()) + " instructions");
    per_packet(state, 1);
}

/// Prints as usual, and keeps the medians for the table of ratios.
class Ratios : public benchmark::ConsoleReporter {
  public:
    Ratios() : ConsoleReporter(OO_Tabular) {}

    void ReportRuns(const std::vector<Run>& runs) override { // NOLINT(*-identifier-naming): Google Benchmark's name
        ConsoleReporter::ReportRuns(runs);
        for (const Run& run : runs) {
            if (run.run_type == Run::RT_Iteration && !run.error_occurred) {
                samples_[run.run_name.function_name].push_back(run.counters.at("seconds"));
            }
        }
    }

    void print(const std::vector<Row>& filters) {
        std::puts("\nns a packet, and how many times faster than libpcap");
        std::printf("%-14s %8s", "filter", "libpcap");
        for (const char* system : kSystems) {
            std::printf(" %18s", system);
        }
        std::map<std::string, double> logarithms;
        for (const Row& filter : filters) {
            const double reference = median(filter.name + "/libpcap");
            std::printf("\n%-14s %8.2f", filter.name.c_str(), reference);
            for (const char* system : kSystems) {
                const double figure = median(filter.name + '/' + system);
                std::printf(" %9.2f  x %5.2f", figure, reference / figure);
                logarithms[system] += std::log(reference / figure);
            }
        }
        std::printf("\n%-23s", "geometric mean");
        for (const char* system : kSystems) {
            std::printf("            x %5.2f", std::exp(logarithms[system] / static_cast<double>(filters.size())));
        }
        std::puts("\n\ncompiling, us");
        for (const Row& filter : filters) {
            std::printf("  %s %.1f", filter.name.c_str(), median(filter.name + "/compile") / 1e3);
        }
        std::printf("\n\nall six as a set, ns a program and packet: native %.2f, interpreter %.2f\n", median("all/set"),
                    median("all/set-interpreter"));
    }

  private:
    static constexpr std::array<const char*, 3> kSystems{"interpreter", "native", "batch"};

    double median(const std::string& name) {
        std::vector<double>& values = samples_[name];
        if (values.empty()) {
            return std::nan("");
        }
        std::ranges::sort(values);
        return values[values.size() / 2] * 1e9;
    }

    std::map<std::string, std::vector<double>> samples_; ///< seconds a packet
};

template <typename Function>
void add(const std::string& name, Function function) {
    benchmark::RegisterBenchmark(name.c_str(), function);
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
    std::vector<Program> programs;
    std::vector<std::unique_ptr<Machine>> machines;
    for (const Row& row : rows()) {
        const Program& program = programs.emplace_back(compiled(row.expression));
        const Machine* interpreter =
            machines.emplace_back(std::make_unique<Machine>(program, Engine::kInterpreter)).get();
        const Machine* native = machines.emplace_back(std::make_unique<Machine>(program)).get();
        add(row.name + "/libpcap", [program, &frames](auto& state) { by_libpcap(state, program, frames); });
        add(row.name + "/interpreter", [=, &frames](auto& state) { by_machine(state, *interpreter, frames); });
        add(row.name + "/native", [=, &frames](auto& state) { by_machine(state, *native, frames); });
        add(row.name + "/batch", [=, &frames](auto& state) { by_batch(state, *native, frames); });
        add(row.name + "/compile", [program](auto& state) { compile(state, program); });
    }
    const MachineSet set(programs);
    const MachineSet interpreted(programs, Engine::kInterpreter);
    add("all/set", [&](auto& state) { by_set(state, set, frames); });
    add("all/set-interpreter", [&](auto& state) { by_set(state, interpreted, frames); });

    Ratios ratios;
    benchmark::RunSpecifiedBenchmarks(&ratios);
    ratios.print(rows());
}
