// SPDX-License-Identifier: BSD-2-Clause
// Every way in which a program can be run over a packet. A case of the contract runs on all of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "cbpf/jit/passes.h"
#include "cbpf/machine.h"

namespace pfild::tests {

/// A packet's bytes cut into pieces of one length, the last one shorter. Each has its own allocation, so that a
/// sanitizer sees a read across its end.
class Pieces {
  public:
    Pieces(std::span<const std::uint8_t> bytes, std::size_t length) {
        for (std::size_t at = 0; at < bytes.size(); at += length) {
            const auto piece = bytes.subspan(at, std::min(length, bytes.size() - at));
            parts_.emplace_back(piece.begin(), piece.end());
        }
        for (const auto& piece : parts_) {
            pieces_.push_back({piece.data(), static_cast<std::uint32_t>(piece.size())});
        }
    }

    [[nodiscard]] cbpf::Packet packet(std::uint32_t wire_length) const { return {pieces_, 0, wire_length}; }
    [[nodiscard]] std::span<const cbpf::Piece> pieces() const { return pieces_; }

  private:
    std::vector<std::vector<std::uint8_t>> parts_;
    std::vector<cbpf::Piece> pieces_;
};

/// A packet's bytes in one piece that ends where the memory does: native code, which no sanitizer sees, faults when it
/// reads behind the end.
class AgainstTheEnd {
  public:
    explicit AgainstTheEnd(std::span<const std::uint8_t> bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        mapped_ = (bytes.size() + page - 1) / page * page + page;
        void* pages = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED || mprotect(static_cast<std::uint8_t*>(pages) + mapped_ - page, page, PROT_NONE) != 0) {
            std::abort();
        }
        start_ = static_cast<std::uint8_t*>(pages);
        bytes_ = {start_ + mapped_ - page - bytes.size(), bytes.size()};
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    AgainstTheEnd(const AgainstTheEnd&) = delete;
    AgainstTheEnd& operator=(const AgainstTheEnd&) = delete;
    ~AgainstTheEnd() { munmap(start_, mapped_); }

    [[nodiscard]] cbpf::Packet packet(std::uint32_t wire_length) const { return {bytes_, wire_length}; }
    [[nodiscard]] std::span<std::uint8_t> bytes() const { return bytes_; }

  private:
    std::uint8_t* start_ = nullptr;
    std::size_t mapped_ = 0;
    std::span<std::uint8_t> bytes_;
};

/// A program made ready for every way of running it. => `code` verifies.
struct Runnable {
    explicit Runnable(const cbpf::Program& code)
        : program(code), machine(code), literal(cbpf::jit::NativeProgram::compile(cbpf::jit::decode(code))),
          set(between_others(code)) {
        const auto refusal = machine.refusal();
        if (refusal && *refusal != cbpf::jit::Refusal::kProcessor) {
            std::abort(); // there is native code for this processor, and this is to test it
        }
    }

    cbpf::Program program;
    cbpf::Machine machine;
    /// Native code without any pass: what a pass can compute is computed by the processor.
    tl::expected<cbpf::jit::NativeProgram, cbpf::jit::Refusal> literal;
    cbpf::MachineSet set; ///< the program is the second of three

  private:
    static cbpf::MachineSet between_others(const cbpf::Program& code) {
        const std::array<cbpf::Instruction, 1> return_7{{{0x06, 0, 0, 7}}};
        const auto other = cbpf::Program::verify(return_7);
        return cbpf::MachineSet(std::array{*other, code, *other});
    }
};

inline std::uint32_t by_interpreter(const Runnable& runnable, const cbpf::Packet& packet) {
    return interpret(runnable.program, packet);
}

inline std::uint32_t by_native_code(const Runnable& runnable, const cbpf::Packet& packet) {
    return runnable.machine.run(packet);
}

inline std::uint32_t by_literal_code(const Runnable& runnable, const cbpf::Packet& packet) {
    const std::int64_t result = runnable.literal ? runnable.literal->run(packet) : -1;
    return result < 0 ? interpret(runnable.program, packet) : static_cast<std::uint32_t>(result);
}

/// An empty packet, and twice this one.
inline std::uint32_t by_native_batch(const Runnable& runnable, const cbpf::Packet& packet) {
    const std::array<cbpf::Packet, 3> packets{cbpf::Packet({}), packet, packet};
    std::array<std::uint32_t, 3> results{};
    runnable.machine.run(packets, results);
    return results[1] == results[2] ? results[1] : ~results[2];
}

inline std::uint32_t by_native_set(const Runnable& runnable, const cbpf::Packet& packet) {
    std::array<std::uint32_t, 3> results{};
    runnable.set.run(packet, results);
    return results[0] == 7 && results[2] == 7 ? results[1] : ~results[1];
}

struct Backend {
    const char* name;
    std::uint32_t (*run)(const Runnable&, std::span<const std::uint8_t>, std::uint32_t wire_length);
};

using Answer = std::uint32_t (*)(const Runnable&, const cbpf::Packet&);

template <Answer answer>
std::uint32_t in_one_piece(const Runnable& runnable, std::span<const std::uint8_t> bytes, std::uint32_t wire_length) {
    return answer(runnable, AgainstTheEnd(bytes).packet(wire_length));
}

template <Answer answer, std::size_t Length>
std::uint32_t in_pieces(const Runnable& runnable, std::span<const std::uint8_t> bytes, std::uint32_t wire_length) {
    const Pieces pieces(bytes, Length);
    return answer(runnable, pieces.packet(wire_length));
}

inline constexpr Backend kBackends[] = {
    {"interpreter, one piece", in_one_piece<by_interpreter>},
    {"interpreter, pieces of 1 byte", in_pieces<by_interpreter, 1>},
    {"interpreter, pieces of 3 bytes", in_pieces<by_interpreter, 3>},
    {"interpreter, pieces of 4 bytes", in_pieces<by_interpreter, 4>},
    {"native, one piece", in_one_piece<by_native_code>},
    {"native, pieces of 1 byte", in_pieces<by_native_code, 1>},
    {"native, pieces of 3 bytes", in_pieces<by_native_code, 3>},
    {"native, pieces of 4 bytes", in_pieces<by_native_code, 4>},
    {"native, pieces of 24 bytes", in_pieces<by_native_code, 24>},
    {"native without passes, one piece", in_one_piece<by_literal_code>},
    {"native without passes, pieces of 3 bytes", in_pieces<by_literal_code, 3>},
    {"native batch, one piece", in_one_piece<by_native_batch>},
    {"native batch, pieces of 14 bytes", in_pieces<by_native_batch, 14>},
    {"native set, one piece", in_one_piece<by_native_set>},
    {"native set, pieces of 14 bytes", in_pieces<by_native_set, 14>},
};

} // namespace pfild::tests
