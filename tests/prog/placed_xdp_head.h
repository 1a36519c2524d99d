// SPDX-License-Identifier: BSD-2-Clause
// The XDP head of an attachment as libxdp has put it on an interface, to be run over crafted packets. It goes with
// this.
#pragma once

#include <cstdint>
#include <optional>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>

#include "daemon/kernel/xdp_head.h"
#include "daemon/net/links.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {

class PlacedXdpHead {
  public:
    PlacedXdpHead() = default;
    PlacedXdpHead(const PlacedXdpHead&) = delete;
    PlacedXdpHead& operator=(const PlacedXdpHead&) = delete;
    ~PlacedXdpHead() {
        if (head_) {
            head_->detach();
        }
    }

    /// Of the attachment kNumber in kSlot; sets the interface up. Call it by ASSERT_NO_FATAL_FAILURE.
    void place(std::uint32_t ifindex, const kernel::Programs& programs) {
        net::Links links = net::Links::open().value();
        ASSERT_TRUE(links.set_up(ifindex));
        auto attached = kernel::XdpHead::attach(ifindex, programs, kSlot, kNumber);
        ASSERT_TRUE(attached) << attached.error().line();
        head_.emplace(std::move(*attached));
        std::uint32_t id = 0;
        ASSERT_EQ(bpf_xdp_query_id(static_cast<int>(ifindex), XDP_FLAGS_DRV_MODE, &id), 0);
        program_.reset(bpf_prog_get_fd_by_id(id));
        ASSERT_TRUE(program_);
    }

    /// What runs there: the head, or the dispatcher that it is in.
    [[nodiscard]] int program_fd() const { return program_.get(); }

  private:
    std::optional<kernel::XdpHead> head_;
    sys::Fd program_;
};

} // namespace pfild::tests
