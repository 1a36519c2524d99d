// SPDX-License-Identifier: BSD-2-Clause
// Hooks and a publisher for tests: a hook does what a lambda says, the publisher keeps the last snapshot.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/pfil/registry.h"
#include "core/pfil/run_heads.h"

namespace pfild::core {

class FunctionHook final : public Hook {
  public:
    using Function = std::function<Verdict(Packet&)>;

    FunctionHook(std::string name, HeadType type, Function function)
        : Hook(std::move(name), type), function_(std::move(function)) {}

    [[nodiscard]] std::string_view module() const override { return "function"; }
    [[nodiscard]] Verdict run(Packet& packet) noexcept override { return function_(packet); }

  private:
    Function function_;
};

inline std::shared_ptr<Hook> hook(std::string name, HeadType type, FunctionHook::Function function = {}) {
    if (!function) {
        function = [](Packet&) { return Verdict::pass(); };
    }
    return std::make_shared<FunctionHook>(std::move(name), type, std::move(function));
}

class LastSnapshot final : public SnapshotPublisher {
  public:
    void publish(std::shared_ptr<const Snapshot> snapshot) override {
        published_++;
        last_ = std::move(snapshot);
    }
    [[nodiscard]] const Snapshot& snapshot() const { return *last_; }
    [[nodiscard]] int published() const { return published_; }

  private:
    int published_ = 0;
    std::shared_ptr<const Snapshot> last_ = std::make_shared<const Snapshot>();
};

inline constexpr Directions kIn{true, false};
inline constexpr Directions kOut{false, true};
inline constexpr Directions kBoth{true, true};
inline constexpr Directions kNowhere{false, false};

using Names = std::vector<std::string>;

inline Names names_in(Snapshot::RunOrder order) {
    Names names;
    for (const Hook* linked : order) {
        names.push_back(linked->name());
    }
    return names;
}

/// => the operation succeeded.
template <typename T>
void expect_ok(const Result<T>& result) {
    EXPECT_TRUE(result.has_value()) << result.error().line();
}

/// => the operation failed with `code`, in one line that names a reason.
template <typename T>
void expect_errno(const Result<T>& result, int code) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, code) << result.error().line();
    EXPECT_FALSE(result.error().what.empty());
    EXPECT_FALSE(result.error().why.empty());
    EXPECT_EQ(result.error().line().find('\n'), std::string::npos);
}

/// A registry with the three heads of an instance and that of one interface, eth0 in slot 3.
class RegistryTest : public ::testing::Test {
  protected:
    static constexpr std::uint8_t kSlot = 3;

    RegistryTest() {
        for (const HeadType type : kEachHeadType) {
            expect_ok(registry_.register_head({.name = std::string(name(type)), .type = type}));
        }
        expect_ok(registry_.register_head({.name = "eth0", .type = HeadType::kEthernet, .slot = kSlot}));
    }

    void add(const std::string& name, HeadType type = HeadType::kInet, FunctionHook::Function function = {}) {
        expect_ok(registry_.add_hook(hook(name, type, std::move(function))));
    }
    [[nodiscard]] Result<void> link(const std::string& name, const std::string& head, Directions directions,
                                    bool append = false) {
        return registry_.link({.hook = name, .head = head, .directions = directions, .append = append});
    }
    [[nodiscard]] Result<void> unlink(const std::string& name, const std::string& head, Directions directions) {
        return registry_.unlink({.hook = name, .head = head, .directions = directions});
    }
    /// => listing and snapshot agree on the run order.
    void expect_order(const std::string& head, Direction direction, const Names& names) {
        const auto info = registry_.find_head(head);
        ASSERT_TRUE(info.has_value());
        EXPECT_EQ(info->hooks[index(direction)], names) << head << ' ' << name(direction) << ", listing";
        const Snapshot& snapshot = publisher_.snapshot();
        const auto order =
            info->slot ? snapshot.run_order(*info->slot, direction) : snapshot.run_order(info->type, direction);
        EXPECT_EQ(names_in(order), names) << head << ' ' << name(direction) << ", snapshot";
    }

    LastSnapshot publisher_;
    Registry registry_{publisher_};
};

} // namespace pfild::core
