// SPDX-License-Identifier: BSD-2-Clause
// See describe/value.h.
#include "describe/value.h"

#include <algorithm>

namespace pfild::describe {

const Value* Value::find(std::string_view name) const noexcept {
    const Table* const table = members();
    if (table == nullptr) {
        return nullptr;
    }
    const auto found =
        std::find_if(table->begin(), table->end(), [name](const Member& member) { return member.name == name; });
    return found == table->end() ? nullptr : &found->value;
}

void Value::set(std::string_view name, Value value) {
    auto& table = std::get<Table>(held_);
    const auto found =
        std::find_if(table.begin(), table.end(), [name](const Member& member) { return member.name == name; });
    if (found != table.end()) {
        found->value = std::move(value);
    } else {
        table.push_back({std::string(name), std::move(value), {}});
    }
}

} // namespace pfild::describe
