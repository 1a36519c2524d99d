// SPDX-License-Identifier: BSD-2-Clause
#include "core/pfil/run_heads.h"

#include <array>

namespace pfild::core {
namespace {

/// One packet on its way. Holds references only; lives for one call of run_heads().
class Walk {
  public:
    enum class Ask : bool { kRun, kForesee };

    Walk(const Snapshot& snapshot, const Passage& passage, Frame& frame, PacketView& view, Ask ask,
         Stopped* stopped = nullptr) noexcept
        : snapshot_(snapshot), passage_(passage), frame_(frame), view_(view), ask_(ask), stopped_(stopped),
          upkeep_(upkeep_of(frame, view)) {}

    /// Past all heads, in their order.
    Verdict walk() noexcept;

  private:
    Verdict interface_head() noexcept {
        const Verdict verdict =
            head(snapshot_.run_order(passage_.interface_slot, passage_.direction), HeadType::kEthernet);
        if (stopped_ != nullptr) {
            stopped_->at_interface = verdict.stops();
        }
        return verdict;
    }
    Verdict ethernet_head() noexcept {
        return head(snapshot_.run_order(HeadType::kEthernet, passage_.direction), HeadType::kEthernet);
    }
    /// The head of the family that the packet has now; none for what is not IP.
    Verdict network_head() noexcept {
        switch (view_.family) {
        case Family::kInet:
            return head(snapshot_.run_order(HeadType::kInet, passage_.direction), HeadType::kInet);
        case Family::kInet6:
            return head(snapshot_.run_order(HeadType::kInet6, passage_.direction), HeadType::kInet6);
        case Family::kOther:
            break;
        }
        return Verdict::pass();
    }

    [[nodiscard]] Verdict end() const noexcept {
        return replaced_ ? Verdict::reallocated() : Verdict::pass().lasting(lasts_);
    }

    [[nodiscard]] bool still_is(HeadType type) const noexcept {
        return type == HeadType::kEthernet ||
               view_.family == (type == HeadType::kInet ? Family::kInet : Family::kInet6);
    }

    Verdict head(Snapshot::RunOrder order, HeadType type) noexcept {
        for (Hook* hook : order) {
            if (!still_is(type)) {
                break;
            }
            if (!hook->is_asked_about(upkeep_)) {
                continue;
            }
            const Verdict verdict = run(*hook, type);
            if (verdict.stops()) {
                if (stopped_ != nullptr) {
                    stopped_->hook = hook;
                }
                return verdict;
            }
        }
        return Verdict::pass();
    }

    Verdict run(Hook& hook, HeadType type) noexcept {
        const BufferIndex first = frame_.first();
        const std::uint32_t length = frame_.length();
        const bool whole = type == HeadType::kEthernet;
        Packet packet{.frame = frame_,
                      .view = view_,
                      .offset = whole ? 0U : view_.network_offset,
                      .length = whole ? length : view_.network_length,
                      .direction = passage_.direction,
                      .forwarded = passage_.forwarded && passage_.direction == Direction::kOut,
                      .ifindex = passage_.ifindex};
        const Verdict verdict = ask_ == Ask::kRun ? hook.run(packet) : hook.foresee(packet);
        lasts_ = lasts_ && verdict.lasts;
        if (verdict.stops()) {
            frame_.reset(); // what the hook left of it, so that nobody touches it again (PF-22)
            return verdict.lasting(lasts_ && verdict.action == Action::kDropped);
        }
        if (frame_.empty()) {
            return Verdict::consumed();
        }
        if (verdict.action == Action::kReallocated || frame_.first() != first || frame_.length() != length) {
            view_ = parse(frame_);
            upkeep_ = upkeep_of(frame_, view_);
            replaced_ = true;
        }
        return Verdict::pass();
    }

    const Snapshot& snapshot_;
    const Passage& passage_;
    Frame& frame_;
    PacketView& view_;
    Ask ask_;
    Stopped* stopped_; ///< nullptr: nobody wants to know
    std::uint32_t upkeep_;
    bool replaced_ = false;
    bool lasts_ = true; ///< so far every hook said so
};

Verdict Walk::walk() noexcept {
    using Step = Verdict (Walk::*)() noexcept;
    static constexpr std::array<Step, 3> kIn{&Walk::interface_head, &Walk::ethernet_head, &Walk::network_head};
    static constexpr std::array<Step, 3> kOut{&Walk::network_head, &Walk::ethernet_head, &Walk::interface_head};

    for (const Step step : passage_.direction == Direction::kIn ? kIn : kOut) {
        const Verdict verdict = (this->*step)();
        if (verdict.stops()) {
            return verdict;
        }
    }
    return end();
}

} // namespace

Verdict run_heads(const Snapshot& snapshot, const Passage& passage, Frame& frame, PacketView& view) noexcept {
    return Walk(snapshot, passage, frame, view, Walk::Ask::kRun).walk();
}

Verdict foresee_heads(const Snapshot& snapshot, const Passage& passage, Frame& frame, PacketView& view,
                      Stopped* stopped) noexcept {
    return Walk(snapshot, passage, frame, view, Walk::Ask::kForesee, stopped).walk();
}

} // namespace pfild::core
