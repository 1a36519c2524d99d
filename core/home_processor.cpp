// SPDX-License-Identifier: BSD-2-Clause
#include "core/home_processor.h"

namespace pfild::core {

// Somebody else may have changed where the thread may run: then that is what it was given. But when its home is gone
// and all others that it had are there, the processor went away, and the kernel has allowed it more than anybody gave.
void HomeProcessor::look() noexcept {
    const Processors found = scheduler_.allowed();
    if (found == as_set_ || found.none()) {
        return;
    }
    Processors others = given_;
    others.reset(home_);
    const bool evicted = at_home_ && !found.test(home_) && others.any() && (found & others) == others;
    at_home_ = false;
    as_set_ = found;
    given_ = evicted ? others : found;
    if (given_ != found) {
        static_cast<void>(set(given_)); // refused: it changes just now, and is looked at again
    }
}

// What is in force then is read back: of what was asked for, processors may be missing.
bool HomeProcessor::set(const Processors& processors) noexcept {
    if (!scheduler_.allow(processors)) {
        return false;
    }
    as_set_ = scheduler_.allowed();
    return true;
}

void HomeProcessor::make_home() noexcept {
    if (at_home_) {
        return;
    }
    look();
    const std::size_t here = scheduler_.current();
    if (given_.count() > 1 && here < given_.size() && given_.test(here)) {
        home_ = here;
        at_home_ = set(Processors().set(here));
    }
}

bool HomeProcessor::rest(std::uint64_t now_ns, bool out) noexcept {
    if (!at_home_ || now_ns < last_carried_ns_ + (out ? kForsakenNs : kRestNs)) {
        return false;
    }
    look();
    if (at_home_ && set(given_)) {
        at_home_ = false;
    }
    return !at_home_;
}

bool HomeProcessor::end_window(std::uint64_t now_ns) noexcept {
    const std::uint64_t run_ns = scheduler_.run_ns();
    const bool starved = !slept_ && 2 * (run_ns - run_before_ns_) < now_ns - window_start_ns_;
    window_start_ns_ = now_ns;
    window_end_ns_ = now_ns + kWindowNs;
    run_before_ns_ = run_ns;
    slept_ = false;
    look();
    make_home();
    return starved && at_home_ && now_ns >= stays_until_ns_;
}

void HomeProcessor::move_on(std::uint64_t now_ns, bool out) noexcept {
    if (out && ++tries_ < kTries) {
        return;
    }
    tries_ = 0;
    Processors others = given_;
    others.reset(home_);
    if (!at_home_ || !set(others)) {
        return;
    }
    at_home_ = false;
    scheduler_.nap(); // the kernel wakes a thread where there is room for it
    const std::size_t here = scheduler_.current();
    if (here < others.size() && others.test(here) && set(Processors().set(here))) {
        home_ = here;
        at_home_ = true;
    }
    stays_until_ns_ = now_ns + kStayNs;
}

} // namespace pfild::core
