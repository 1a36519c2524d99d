// SPDX-License-Identifier: BSD-2-Clause
// Offloads of a device, turned off and on again, on a veth pair of the test's own.
#include <algorithm>

#include "daemon/net/features.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using Names = std::vector<std::string>;

class Offloads : public KernelProgramsTest {
  protected:
    /// Those that were on. It turns them off to know: what it finds off afterwards, it has left alone.
    static Names turned_off() {
        auto were_on = net::leave_tags_in_packets("watched");
        EXPECT_TRUE(were_on) << were_on.error().line();
        Names names = std::move(were_on).value_or(Names{});
        std::sort(names.begin(), names.end());
        return names;
    }
};

TEST_F(Offloads, that_take_tags_out_of_packets_go_off_and_come_back_as_they_were) {
    const Names both{"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"};
    EXPECT_EQ(turned_off(), both);
    EXPECT_EQ(turned_off(), Names{}) << "they are off already";
    const auto one = net::turn_on("watched", {"rx-vlan-stag-hw-parse"});
    ASSERT_TRUE(one) << one.error().line();
    EXPECT_EQ(turned_off(), Names{"rx-vlan-stag-hw-parse"}) << "the other was not to come back";
    const auto all = net::turn_on("watched", both);
    ASSERT_TRUE(all) << all.error().line();
    EXPECT_EQ(turned_off(), both);
}

TEST_F(Offloads, of_a_device_that_is_not_there_are_an_error_with_its_name) {
    const auto missing = net::leave_tags_in_packets("nowhere");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ENODEV) << missing.error().line();
    EXPECT_EQ(missing.error().object, "nowhere");
    EXPECT_FALSE(net::turn_on("nowhere", {"rx-vlan-hw-parse"}));
    EXPECT_EQ(net::receive_queues("nowhere"), std::nullopt);
}

TEST_F(Offloads, the_queues_of_a_pair_are_counted) { EXPECT_EQ(net::receive_queues("watched"), 1U); }

} // namespace
} // namespace pfild::tests
