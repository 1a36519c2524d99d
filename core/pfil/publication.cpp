// SPDX-License-Identifier: BSD-2-Clause
//
// Why nothing is freed too early. All accesses to current_, wanted_, state_ and excluded_ are seq_cst, so there is one
// order S of them that both threads agree on. The writer stores current_, then wanted_ = n, then looks at state_:
//
//   it reads n          The reader stored n after its last use of anything older (it is what it says at a quiescent
//                       point), and that store is a release that the writer acquired: the uses happened before. And the
//                       reader had read wanted_ == n first, so all its later loads of current_ find the new pointer.
//   it reads offline    Either the reader is offline: its uses happened before that store. Or it came back without the
//                       writer seeing it: then S has  current_ = new < state_ is offline < the reader's state_ = m  and
//                       after that its load of current_, which therefore finds the new pointer.
//   anything else       The reader may be using the old one: wait.
//
// The same for an Exclusive with excluded_ in the place of current_: the reader looks at excluded_ after each store of
// a number, so when the writer has read n or offline, the reader sees excluded_ before it runs another hook.
//
// Between two changes the reader pays two plain loads (x86-64: mov) for a batch, on cache lines that nobody writes.
// Numbers wrap at 2^32 and only equality is asked for: there is never more than one number waited for.
//
#include "core/pfil/publication.h"

#include <cassert>

namespace pfild::core {

Publication::Publication() : owned_(std::make_shared<const Snapshot>()) {
    current_.store(owned_.get(), std::memory_order_seq_cst);
}

Publication::~Publication() { assert(state_.load() == kOffline && excluded_.load() == 0); }

void Publication::publish(std::shared_ptr<const Snapshot> snapshot) {
    const std::shared_ptr<const Snapshot> old = std::exchange(owned_, std::move(snapshot));
    current_.store(owned_.get(), std::memory_order_seq_cst);
    ask_and_await_reader();
} // here the old one goes, with the hooks that only it kept

Publication::Exclusive Publication::exclude() {
    assert(excluded_.load() == 0);
    excluded_.store(1, std::memory_order_seq_cst);
    ask_and_await_reader();
    return Exclusive(*this);
}

Publication::Exclusive::~Exclusive() {
    if (publication_ != nullptr) {
        publication_->excluded_.store(0, std::memory_order_seq_cst);
        publication_->excluded_.notify_all();
    }
}

void Publication::ask_and_await_reader() {
    Word number = wanted_.load(std::memory_order_relaxed) + 1;
    if (number == kOffline) {
        number++;
    }
    wanted_.store(number, std::memory_order_seq_cst);
    for (;;) {
        const Word state = state_.load(std::memory_order_seq_cst);
        if (state == number || state == kOffline) {
            return;
        }
        state_.wait(state, std::memory_order_seq_cst);
    }
}

void Publication::set_state(Word state) noexcept {
    state_.store(state, std::memory_order_seq_cst);
    state_.notify_all(); // no system call when nobody waits
}

void Publication::offline() noexcept {
    acknowledged_ = kOffline;
    set_state(kOffline);
}

void Publication::acknowledge() noexcept {
    for (;;) {
        const Word number = wanted_.load(std::memory_order_seq_cst);
        set_state(number);
        if (excluded_.load(std::memory_order_seq_cst) == 0) {
            acknowledged_ = number;
            return;
        }
        offline();
        times_held_.store(times_held_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        excluded_.wait(1, std::memory_order_seq_cst);
    }
}

} // namespace pfild::core
