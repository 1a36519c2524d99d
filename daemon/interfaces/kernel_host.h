// SPDX-License-Identifier: BSD-2-Clause
// The host of an instance, by netlink and its programs in the kernel; and the schedule of its loop and side thread.
//
// Control thread, in the instance's namespace.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/interfaces/attachment_world.h"
#include "daemon/interfaces/edges.h"
#include "daemon/interfaces/kernel_attachment.h"
#include "daemon/net/links.h"
#include "daemon/sys/loop.h"
#include "daemon/sys/side_thread.h"

namespace pfild::interfaces {

class KernelHost final : public Host {
  public:
    /// => `loop` outlives it.
    KernelHost(AttachmentWorld world, sys::Loop& loop) : world_(std::move(world)), loop_(loop) {}
    KernelHost(const KernelHost&) = delete;
    KernelHost& operator=(const KernelHost&) = delete;
    KernelHost(KernelHost&&) = delete;
    KernelHost& operator=(KernelHost&&) = delete;
    ~KernelHost() override;

    [[nodiscard]] core::Result<std::vector<net::Link>> all() override;
    [[nodiscard]] core::Result<net::Link> find(const std::string& name) override;
    [[nodiscard]] core::Result<net::Link> find(std::uint32_t ifindex) override;
    [[nodiscard]] core::Result<void> attachable(const net::Link& link, core::HeadMode mode) override;
    [[nodiscard]] core::Result<std::vector<std::string>> may_attach(const net::Link& link) override;
    [[nodiscard]] bool has_buffers_for(std::size_t interfaces) override;
    [[nodiscard]] core::Result<std::unique_ptr<Attachment>> attach(AttachmentSpec spec) override;
    void detach(std::vector<std::unique_ptr<Attachment>> all) noexcept override { KernelAttachment::end(world_, all); }
    [[nodiscard]] std::vector<std::uint8_t> ready_slots() const override;
    void make_ready(std::uint64_t used) override;
    void make_unready() override;
    [[nodiscard]] bool has_left_heads(std::uint32_t ifindex) const override;
    std::vector<std::string> sweep(std::uint32_t ifindex) override;

  private:
    void load_next();
    void be_first(bool first);

    AttachmentWorld world_;
    sys::Loop& loop_;
    std::optional<std::uint64_t> used_; ///< slots, while some are to be ready
    std::thread loader_;                ///< of one; touches the programs only
};

class LoopSchedule final : public Schedule {
  public:
    /// => both outlive it.
    LoopSchedule(sys::Loop& loop, sys::SideThread& side_thread) : loop_(loop), side_thread_(side_thread) {}

    [[nodiscard]] Clock::time_point now() const override { return Clock::now(); }
    void call_after(std::chrono::nanoseconds wait, Work work) override;
    void call_no_more() override { timer_.reset(); }
    void do_beside(Work work, Work then) override;
    void await_beside() override { side_thread_.wait(); }

  private:
    sys::Loop& loop_;
    sys::SideThread& side_thread_;
    sys::Registration timer_;
};

} // namespace pfild::interfaces
