// SPDX-License-Identifier: BSD-2-Clause
// BufferShares: how many buffers sockets offer, idle and busy, one after the other and all at once.
#include "core/buffer_shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace pfild::core {
namespace {

constexpr std::uint32_t kTotal = 32768;
constexpr std::uint32_t kBudget = kTotal / 2;
constexpr std::uint32_t kRing = kTotal / 4;
constexpr int kWindows = 20;

// Sockets that always get what they want, as far as there are buffers.
class BufferSharesTest : public ::testing::Test {
  protected:
    void open(std::size_t sockets) {
        shares_.set_sockets(sockets_.size() + sockets);
        const std::uint32_t each = std::min(shares_.beginning(sockets), kRing);
        for (std::size_t i = 0; i < sockets; i++) {
            shares_.offer(sockets_.emplace_back(), std::min(each, kTotal - offered()));
        }
    }

    void refill(BufferShares::Share& socket) {
        const std::uint32_t wanted = std::min(shares_.wanted(socket), kRing);
        if (socket.offered < wanted) {
            shares_.offer(socket, std::min(wanted - socket.offered, kTotal - offered()));
        }
    }

    /// So many packets come to each of these in each of several windows, in batches of 64.
    void receive(std::size_t first, std::size_t count, std::uint32_t packets) {
        for (int window = 0; window < kWindows; window++) {
            for (std::uint32_t left = packets; left != 0; left -= std::min(left, 64U)) {
                for (std::size_t i = first; i < first + count; i++) {
                    shares_.take(sockets_[i], std::min({left, 64U, sockets_[i].offered}));
                    refill(sockets_[i]);
                }
            }
            shares_.set_busy(
                static_cast<std::size_t>(std::count_if(sockets_.begin(), sockets_.end(), &BufferShares::end_window)));
        }
    }

    [[nodiscard]] std::uint32_t offered() const {
        std::uint32_t sum = 0;
        for (const auto& socket : sockets_) {
            sum += socket.offered;
        }
        return sum;
    }

    BufferShares shares_{kTotal};
    std::vector<BufferShares::Share> sockets_;
};

TEST_F(BufferSharesTest, each_new_socket_gets_some_however_many_there_are) {
    for (int interface = 0; interface < 64; interface++) {
        open(3);
        EXPECT_GE(sockets_.back().offered, BufferShares::kFewest) << interface;
    }
    EXPECT_LE(offered(), kBudget * 3 / 2);
}

TEST_F(BufferSharesTest, the_first_ones_leave_some_of_the_budget) {
    open(2);
    EXPECT_EQ(sockets_[0].offered, kBudget * 5 / 32);
    for (int interface = 1; interface < 16; interface++) {
        open(2);
    }
    EXPECT_LE(offered(), kBudget * 7 / 8);
}

TEST_F(BufferSharesTest, a_busy_one_gets_more_than_it_began_with) {
    open(2);
    receive(0, 1, 10'000);
    EXPECT_GT(sockets_[0].offered, kBudget * 3 / 8);
}

TEST_F(BufferSharesTest, one_that_becomes_busy_has_for_200_ms_of_5000_packets_a_second_from_the_first_on) {
    for (int interface = 0; interface < 16; interface++) {
        open(3);
    }
    shares_.take(sockets_.back(), 1);
    refill(sockets_.back());
    EXPECT_GE(sockets_.back().offered, 1000U);
}

TEST_F(BufferSharesTest, what_comes_now_and_then_does_not_make_it_poor) {
    open(2);
    receive(0, 1, 1);
    EXPECT_GE(sockets_[0].offered, kBudget * 5 / 32 - 64);
}

TEST_F(BufferSharesTest, many_busy_ones_all_have_an_even_part) {
    for (int interface = 0; interface < 16; interface++) {
        open(2);
    }
    receive(0, 1, 10'000); // it has much
    receive(0, 32, 1000);
    for (const auto& socket : sockets_) {
        EXPECT_GE(socket.offered, kBudget * 3 / 4 / 32 - 64);
    }
    EXPECT_LE(offered(), kBudget * 3 / 2);
}

TEST_F(BufferSharesTest, after_all_were_busy_one_by_one_each_can_still_receive_and_a_quarter_is_left_for_the_way_down) {
    for (int interface = 0; interface < 16; interface++) {
        open(3);
    }
    for (int round = 0; round < 3; round++) {
        for (std::size_t i = 0; i < sockets_.size(); i++) {
            receive(i, 1, 10'000);
            EXPECT_GE(sockets_[i].offered, BufferShares::kFewest) << i;
            EXPECT_LE(offered(), kTotal * 3 / 4 + 48 * BufferShares::kFewest) << i;
        }
    }
}

TEST_F(BufferSharesTest, what_a_closed_one_had_is_there_for_others) {
    open(2);
    receive(0, 2, 10'000);
    for (auto& socket : sockets_) {
        shares_.leave(socket);
        EXPECT_EQ(socket.offered, 0U);
    }
    sockets_.clear();
    open(2);
    EXPECT_EQ(sockets_[0].offered, kBudget * 5 / 32);
}

TEST(BufferShares, there_are_enough_for_so_many_sockets) {
    EXPECT_TRUE(BufferShares::enough(4096, 32));
    EXPECT_FALSE(BufferShares::enough(4096, 33));
    EXPECT_TRUE(BufferShares::enough(kTotal, 16 * (2 + 8)));
}

} // namespace
} // namespace pfild::core
