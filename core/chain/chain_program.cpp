// SPDX-License-Identifier: BSD-2-Clause
#include "core/chain/chain_program.h"

#include <cassert>

#include "cbpf/jit/compile.h"
#include "cbpf/lower/filter.h"
#include "core/chain/frame_look.h"
#include "pfild/chain.h"

namespace pfild::core {
namespace {

using cbpf::kContext;
using cbpf::kPacketLength;
using ebpf::Arithmetic;
using ebpf::Assembler;
using ebpf::Condition;
using ebpf::Register;
using ebpf::Width;
using Target = Assembler::Label;

constexpr Register kVerdict = Register::k7;

/// Of a hook in the chain's map.
constexpr std::int32_t field(std::size_t hook, std::size_t offset) {
    return static_cast<std::int32_t>(hook * sizeof(pfild_chain_hook) + offset);
}

class ChainWriter {
  public:
    explicit ChainWriter(const ChainSpec& spec)
        : spec_(spec), leave_(out_.label()), drop_(out_.label()), pass_(out_.label()) {}

    std::optional<std::vector<ebpf::Instruction>> write() {
        const bool frames = !spec_.link.hooks.empty();
        emit_frame_look(out_, {.place = spec_.place, .frames = frames, .leave_fragments = spec_.leave_fragments},
                        leave_);
        if (spec_.place == ebpf::Place::kTc && frames) { // the engine sees the tag in the frame
            out_.load(4, Register::k1, kContext, TcContext::kTagBeside);
            out_.jump_if(Width::k64, Register::k1, Condition::kNotEqual, 0, leave_);
        }
        emit_packets(out_, spec_.place, spec_.uncut, leave_);
        prepare_counts();
        if (spec_.direction == Direction::kIn) {
            const Target network = out_.label();
            block(spec_.link, 0, Shown::kFrame, network);
            out_.bind(network);
            by_family(pass_);
        } else {
            const Target link = out_.label();
            by_family(link);
            out_.bind(link);
            block(spec_.link, 0, Shown::kFrame, pass_);
        }
        end();
        return out_.finish();
    }

  private:
    enum class Shown : bool { kFrame, kNetwork };

    void prepare_counts() {
        out_.store(4, Register::kFrame, kScratchSlot, 0);
        out_.set_map(Register::k1, 0);
        out_.move(Register::k2, Register::kFrame);
        out_.calculate(Width::k64, Arithmetic::kAdd, Register::k2, kScratchSlot);
        out_.call(ebpf::Helper::kMapLookup);
        out_.jump_if(Width::k64, Register::k0, Condition::kEqual, 0, leave_);
        out_.store(8, Register::kFrame, kCountsSlot, Register::k0);
        for (std::size_t hook = 0; hook < spec_.size(); ++hook) {
            out_.store(8, Register::k0, field(hook, offsetof(pfild_chain_hook, asked)), 0);
            out_.store(8, Register::k0, field(hook, offsetof(pfild_chain_hook, matched)), 0);
        }
    }

    /// The hooks of the packet's family; then, or if it has none, `next`.
    void by_family(Target next) {
        const Target inet = out_.label();
        const Target inet6 = out_.label();
        out_.load(8, Register::k1, Register::kFrame, kFamilySlot);
        out_.jump_if(Width::k64, Register::k1, Condition::kEqual, kFamilyInet, inet);
        out_.jump_if(Width::k64, Register::k1, Condition::kEqual, kFamilyInet6, inet6);
        out_.jump(next);
        out_.bind(inet);
        block(spec_.inet, spec_.link.hooks.size(), Shown::kNetwork, next);
        out_.bind(inet6);
        block(spec_.inet6, spec_.link.hooks.size() + spec_.inet.hooks.size(), Shown::kNetwork, next);
    }

    void block(const ChainBlock& block, std::size_t first, Shown shown, Target next) {
        for (std::size_t hook = 0; hook < block.hooks.size(); ++hook) {
            ask(block.hooks[hook], first + hook, shown);
        }
        out_.jump(block.whole ? next : leave_);
    }

    /// Goes on behind it, or to drop_.
    void ask(const Lowering& hook, std::size_t index, Shown shown) {
        const cbpf::FilterExits exits{.zero = out_.label(), .nonzero = out_.label(), .failed = leave_};
        const Target next = out_.label();
        const ebpf::ContextLayout& context = ebpf::context_of(spec_.place);
        const bool frame = shown == Shown::kFrame;
        out_.load(8, Register::k1, Register::kFrame, kCountsSlot);
        out_.store(8, Register::k1, field(index, offsetof(pfild_chain_hook, asked)), 1);
        out_.load(8, kPacketLength, Register::kFrame, frame ? kFrameLengthSlot : kNetworkLengthSlot);
        out_.load(4, cbpf::kBufferEnd, kContext, context.data_end);
        out_.load(4, cbpf::kFirstByte, kContext, context.data);
        if (!frame) {
            out_.load(8, Register::k1, Register::kFrame, kBaseSlot);
            out_.calculate(Width::k64, Arithmetic::kAdd, cbpf::kFirstByte, Register::k1);
        }
        const auto base = frame ? std::nullopt : std::optional<std::int32_t>(kBaseSlot);
        emit_filter(out_, cbpf::jit::optimised(*hook.program), {.place = spec_.place, .base_slot = base}, exits);
        out_.bind(exits.nonzero);
        out_.load(8, Register::k1, Register::kFrame, kCountsSlot);
        out_.store(8, Register::k1, field(index, offsetof(pfild_chain_hook, matched)), 1);
        out_.jump(hook.on_match == OnMatch::kDrop ? drop_ : next);
        out_.bind(exits.zero);
        if (hook.on_match == OnMatch::kPass) {
            out_.jump(drop_);
        }
        out_.bind(next);
    }

    void end() {
        const Target count = out_.label();
        out_.bind(drop_);
        out_.set(kVerdict, PFILD_CHAIN_DROP);
        out_.jump(count);
        out_.bind(pass_);
        out_.set(kVerdict, PFILD_CHAIN_PASS);
        out_.bind(count);
        out_.load(8, Register::k1, Register::kFrame, kCountsSlot);
        out_.load(8, Register::k2, Register::kFrame, kPacketsSlot);
        out_.load(8, Register::k3, Register::kFrame, kLinkBytesSlot);
        std::size_t index = 0;
        for (const Lowering& hook : spec_.link.hooks) {
            count_hook(hook.on_match, index++);
        }
        out_.load(8, Register::k3, Register::kFrame, kNetworkBytesSlot);
        for (const ChainBlock* block : {&spec_.inet, &spec_.inet6}) {
            for (const Lowering& hook : block->hooks) {
                count_hook(hook.on_match, index++);
            }
        }
        out_.move(Register::k0, kVerdict);
        out_.exit();
        out_.bind(leave_);
        out_.set(Register::k0, PFILD_CHAIN_NONE);
        out_.exit();
    }

    /// r1 the counts, r2 packets, r3 their bytes.
    void count_hook(OnMatch on_match, std::size_t index) {
        const Target unmatched = out_.label();
        const Target done = out_.label();
        out_.load(8, Register::k4, Register::k1, field(index, offsetof(pfild_chain_hook, asked)));
        out_.jump_if(Width::k64, Register::k4, Condition::kEqual, 0, done);
        add(index, offsetof(pfild_chain_hook, seen_packets));
        out_.load(8, Register::k4, Register::k1, field(index, offsetof(pfild_chain_hook, matched)));
        out_.jump_if(Width::k64, Register::k4, Condition::kEqual, 0, unmatched);
        add(index, offsetof(pfild_chain_hook, matched_packets));
        if (on_match == OnMatch::kDrop) {
            add(index, offsetof(pfild_chain_hook, dropped_packets));
        }
        out_.jump(done);
        out_.bind(unmatched);
        if (on_match == OnMatch::kPass) {
            add(index, offsetof(pfild_chain_hook, dropped_packets));
        }
        out_.bind(done);
    }

    /// Packets, and their bytes, which are counted behind them.
    void add(std::size_t index, std::size_t packets) {
        static_assert(offsetof(pfild_chain_hook, seen_bytes) == offsetof(pfild_chain_hook, seen_packets) + 8);
        const auto add_one = [&](std::int32_t at, Register amount) {
            out_.load(8, Register::k5, Register::k1, at);
            out_.calculate(Width::k64, Arithmetic::kAdd, Register::k5, amount);
            out_.store(8, Register::k1, at, Register::k5);
        };
        add_one(field(index, packets), Register::k2);
        add_one(field(index, packets + sizeof(std::uint64_t)), Register::k3);
    }

    const ChainSpec& spec_;
    Assembler out_;
    Target leave_; ///< to the engine
    Target drop_;
    Target pass_;
};

} // namespace

std::optional<std::vector<ebpf::Instruction>> chain_program(const ChainSpec& spec) {
    assert(spec.size() != 0 && spec.size() <= PFILD_CHAIN_HOOKS);
    return ChainWriter(spec).write();
}

} // namespace pfild::core
