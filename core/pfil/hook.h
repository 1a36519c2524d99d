// SPDX-License-Identifier: BSD-2-Clause
// A hook: a named filter that can be linked to heads (contract PF-10, PF-22 to PF-25, PF-28, PF-31).
//
// Ownership of the frame, in run(): the hook may read and change it in place; keep it (move it out: the packet is
// consumed); put another one in its place (assign: later hooks and the caller see the new one); or end it (reset, or
// just say dropped). After a verdict that stops, nobody else touches the packet. A hook that put another frame in place
// or changed where headers are says reallocated; without it only another first buffer or length is noticed.
//
// Threads: run() is called by the engine thread only, one packet at a time, never again once the unlink or removal of
// the hook has returned. Everything else is called by the control thread. So a counter has one writer, the engine, and
// must be readable by another thread meanwhile.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cbpf/instruction.h"
#include "core/direction.h"
#include "core/frame.h"
#include "core/packet_view.h"
#include "core/pfil/head_type.h"
#include "core/pfil/verdict.h"

namespace pfild::core {

/// A packet as a hook is shown it. The header that the head's type names begins at byte `offset` of the frame, and
/// `length` bytes from there belong to it (Ethernet padding does not). Network byte order, nothing stripped (PF-24):
/// what the host's stack will take out is there, and a hook that guards ports must look behind it.
struct Packet {
    Frame& frame;
    const PacketView& view; ///< of this frame; says what may be folded (core/pfil/folded.h)
    std::uint32_t offset;
    std::uint32_t length;
    Direction direction;
    bool forwarded;        ///< PFIL_FWD: leaves for another host than the one it came from; never set on input (PF-15)
    std::uint32_t ifindex; ///< receiving interface for in, sending interface for out (PF-25)
};

/// One line of what a listing says about a hook: nothing, a text, a number.
struct HookDetail {
    std::string name;
    std::variant<std::monostate, std::string, std::uint64_t> value;

    friend bool operator==(const HookDetail&, const HookDetail&) = default;
};

/// One counter of a hook; only grows.
struct HookCounter {
    std::string name;
    std::uint64_t value;

    friend bool operator==(const HookCounter&, const HookCounter&) = default;
};

class Hook {
  public:
    /// `name` is `module:ruleset`; the registry is who checks it.
    Hook(std::string name, HeadType type) : name_(std::move(name)), type_(type) {}
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;
    virtual ~Hook() = default;

    [[nodiscard]] const std::string& name() const { return name_; }
    /// The type of head it can be linked to.
    [[nodiscard]] HeadType type() const { return type_; }

    /// Which sort of filter it is: "cbpf".
    [[nodiscard]] virtual std::string_view kind() const = 0;
    /// What it was made with.
    [[nodiscard]] virtual std::vector<HookDetail> details() const { return {}; }
    [[nodiscard]] virtual std::vector<HookCounter> counters() const { return {}; }
    /// The program that it runs, as it was given; none if it runs no program.
    [[nodiscard]] virtual std::span<const cbpf::Instruction> bytecode() const { return {}; }

    /// Decides about one packet. Neither allocates, locks nor logs. Engine thread.
    [[nodiscard]] virtual Verdict run(Packet& packet) noexcept = 0;
    /// What run() would say, with no consequence: nothing is counted, the packet stays as it is. Any thread. A hook
    /// that cannot tell says a pass that does not last.
    [[nodiscard]] virtual Verdict foresee(const Packet& packet) const noexcept {
        (void)packet;
        return Verdict::pass();
    }

  private:
    std::string name_;
    HeadType type_;
};

} // namespace pfild::core
