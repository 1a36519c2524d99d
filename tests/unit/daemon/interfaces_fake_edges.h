// SPDX-License-Identifier: BSD-2-Clause
// A host, dependents and a schedule in memory.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "daemon/interfaces/edges.h"
#include "interfaces_fake_attachment.h"

namespace pfild::interfaces::test {

class FakeHost final : public Host {
  public:
    explicit FakeHost(Kernel& kernel) : kernel_(kernel) {}

    [[nodiscard]] core::Result<std::vector<net::Link>> all() override {
        std::vector<net::Link> found;
        for (const auto& [ifindex, link] : kernel_.links) {
            found.push_back(link);
        }
        return found;
    }
    [[nodiscard]] core::Result<net::Link> find(const std::string& name) override {
        for (const auto& [ifindex, link] : kernel_.links) {
            if (link.name == name || std::count(link.altnames.begin(), link.altnames.end(), name) != 0) {
                return link;
            }
        }
        return core::fail({"find", name, "no such interface", "", ENODEV});
    }
    [[nodiscard]] core::Result<net::Link> find(std::uint32_t ifindex) override {
        const auto found = kernel_.links.find(ifindex);
        return found == kernel_.links.end() ? core::fail({"find", "", "no such interface", "", ENODEV})
                                            : core::Result<net::Link>(found->second);
    }
    [[nodiscard]] core::Result<void> attachable(const net::Link& link, core::HeadMode /*mode*/) override {
        return link.loopback ? core::Result<void>(core::fail({"attach", link.name, "loopback", "", EOPNOTSUPP}))
                             : kernel_.steps.take("attachable");
    }
    [[nodiscard]] core::Result<std::vector<std::string>> may_attach(const net::Link& link) override {
        if (kernel_.foreign.contains(link.ifindex)) {
            return core::fail({"attach", link.name, "another instance", "", EBUSY});
        }
        return std::vector<std::string>(kernel_.left.count(link.ifindex), "a head");
    }
    [[nodiscard]] bool has_buffers_for(std::size_t interfaces) override {
        return kernel_.with_sockets() + interfaces <= kernel_.room;
    }
    [[nodiscard]] core::Result<std::unique_ptr<Attachment>> attach(AttachmentSpec spec) override {
        if (auto may = kernel_.steps.take("attach"); !may) {
            return core::fail(std::move(may.error()));
        }
        return std::make_unique<FakeAttachment>(kernel_, std::move(spec));
    }
    void detach(std::vector<std::unique_ptr<Attachment>> all) noexcept override { together.push_back(all.size()); }
    [[nodiscard]] std::vector<std::uint8_t> ready_slots() const override { return ready; }
    void make_ready(std::uint64_t used) override { awaited_beside = used; }
    void make_unready() override { awaited_beside.reset(); }
    [[nodiscard]] bool has_left_heads(std::uint32_t ifindex) const override { return kernel_.left.contains(ifindex); }
    std::vector<std::string> sweep(std::uint32_t ifindex) override {
        return std::vector<std::string>(kernel_.left.erase(ifindex), "a head");
    }

    std::vector<std::size_t> together; ///< how many were detached at once
    std::vector<std::uint8_t> ready;
    std::optional<std::uint64_t> awaited_beside; ///< used slots, while interfaces are awaited

  private:
    Kernel& kernel_;
};

class FakeDependents final : public Dependents {
  public:
    explicit FakeDependents(Kernel& kernel) : kernel_(kernel) {}

    [[nodiscard]] core::Result<void> register_head(const core::HeadSpec& head) override {
        return kernel_.steps.take("register").map([&] { heads.emplace(head.name, *head.slot); });
    }
    void unregister_head(const std::string& name) override { heads.erase(name); }
    [[nodiscard]] core::Result<void> rename_head(const std::string& from, const std::string& to) override {
        if (heads.contains(to)) {
            return core::fail({"rename", to, "there is one", "", EEXIST});
        }
        auto node = heads.extract(from);
        node.key() = to;
        heads.insert(std::move(node));
        return {};
    }
    void came(const Attachment& attachment) override { attached.insert(attachment.link().ifindex); }
    void changed(const Attachment& attachment) override {
        kernel_.log.push_back(fmt::format("{} changed", attachment.link().name));
    }
    void leaves(std::uint32_t ifindex) override {
        attached.erase(ifindex);
        kernel_.log.push_back(fmt::format("{} leaves", ifindex));
    }
    void place_hooks() override { placed++; }
    [[nodiscard]] core::Directions diverted(std::uint8_t /*slot*/) const override { return {true, false}; }
    [[nodiscard]] core::AskedUpkeep asked_upkeep(std::uint8_t /*slot*/) const override { return {}; }
    [[nodiscard]] core::Directions chained(std::uint8_t /*slot*/) const override { return {}; }

    std::map<std::string, std::uint8_t> heads; ///< name -> slot
    std::set<std::uint32_t> attached;          ///< by ifindex
    std::size_t placed = 0;

  private:
    Kernel& kernel_;
};

/// Nothing happens by itself.
class FakeSchedule final : public Schedule {
  public:
    [[nodiscard]] Clock::time_point now() const override { return now_; }
    void call_after(std::chrono::nanoseconds wait, Work work) override {
        next_ = std::pair(now_ + wait, std::move(work));
    }
    void call_no_more() override { next_.reset(); }
    void do_beside(Work work, Work then) override { beside_.emplace_back(std::move(work), std::move(then)); }
    void await_beside() override {
        while (do_one()) {
        }
    }

    /// When it calls: so many milliseconds from now; nothing: not at all.
    [[nodiscard]] std::optional<std::int64_t> calls_in_ms() const {
        return next_ ? std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(next_->first - now_).count())
                     : std::nullopt;
    }
    void pass(std::chrono::milliseconds time) { now_ += time; }
    /// What is due is called, once.
    bool call() {
        if (!next_ || next_->first > now_) {
            return false;
        }
        std::exchange(next_, std::nullopt)->second();
        return true;
    }
    /// The other thread does one piece.
    bool do_one() {
        if (beside_.empty()) {
            return false;
        }
        auto [work, then] = std::move(beside_.front());
        beside_.pop_front();
        work();
        work = nullptr;
        if (then) {
            followed_.push_back(std::move(then));
        }
        return true;
    }
    /// What follows on this thread.
    void follow() {
        while (!followed_.empty()) {
            Work then = std::move(followed_.front());
            followed_.pop_front();
            then();
        }
    }
    /// Until nothing is left to be done.
    void finish() {
        for (bool any = true; any;) {
            pass(std::chrono::milliseconds(1000));
            any = call();
            any = do_one() || any;
            follow();
        }
    }
    [[nodiscard]] std::size_t pieces_beside() const { return beside_.size(); }

  private:
    Clock::time_point now_{};
    std::optional<std::pair<Clock::time_point, Work>> next_;
    std::deque<std::pair<Work, Work>> beside_;
    std::deque<Work> followed_;
};

} // namespace pfild::interfaces::test
