// SPDX-License-Identifier: BSD-2-Clause
// How a snapshot is filled; control thread.
#include "core/pfil/snapshot.h"

#include <cassert>

namespace pfild::core {

void Snapshot::set_run_order(HeadKey key, Direction direction, std::span<const std::shared_ptr<Hook>> hooks) {
    Hooks order;
    order.reserve(hooks.size());
    for (const std::shared_ptr<Hook>& hook : hooks) {
        order.push_back(hook.get());
        alive_.push_back(hook);
    }
    const std::uint64_t hooked = order.empty() ? 0 : 1;
    if (key.slot) {
        assert(*key.slot < kInterfaceSlots);
        std::uint64_t& bits = slots_hooked_[index(direction)];
        bits = (bits & ~(std::uint64_t{1} << *key.slot)) | hooked << *key.slot;
        by_slot_[index(direction)][*key.slot] = std::move(order);
    } else {
        std::uint64_t& bits = types_hooked_[index(direction)];
        bits = (bits & ~(std::uint64_t{1} << index(key.type))) | hooked << index(key.type);
        by_type_[index(direction)][index(key.type)] = std::move(order);
    }
}

AskedUpkeep Snapshot::asked_upkeep(std::uint8_t slot) const noexcept {
    AskedUpkeep asked{};
    for (const Direction direction : kEachDirection) {
        const auto add = [&](RunOrder order) {
            for (const Hook* hook : order) {
                asked[index(direction)] |= hook->upkeep();
            }
        };
        add(run_order(slot, direction));
        for (const HeadType type : kEachHeadType) {
            add(run_order(type, direction));
        }
    }
    return asked;
}

} // namespace pfild::core
