// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/client.h.
#include "daemon/device/client.h"

#include <utility>

#include "daemon/device/shared_memory.h"

namespace pfild::device {

/// A program that has its records must not find the device readable because of these: the byte goes before they do. The
/// connection shows what is true after the read; without a wait in between, as a read that has waited found no byte.
bool Client::deliver(capture::ReadId read, std::span<const std::uint8_t> records) noexcept {
    readiness_.show({});
    return replies_.answer_read(reply_to_read(read), records);
}

/// As deliver(); the answer says where they are.
bool Client::lend(capture::ReadId read, std::span<const std::uint8_t> records) noexcept {
    readiness_.show({});
    const pfild_lent lent{.offset = records.empty() ? 0 : static_cast<__u32>(records.data() - memory_.data()),
                          .length = static_cast<__u32>(records.size())};
    return replies_.answer(reply_to_read(read), {reinterpret_cast<const std::uint8_t*>(&lent), sizeof lent});
}

/// Memory that cannot be shared will do: then records are copied.
std::unique_ptr<capture::BufferMemory> Client::take_memory(std::size_t bytes) {
    SharedMemory shared = SharedMemory::make(bytes);
    if (shared.memory == nullptr) {
        return capture::private_memory(bytes);
    }
    descriptor_ = std::move(shared.descriptor);
    memory_ = shared.memory->bytes();
    return std::move(shared.memory);
}

void Client::withdraw_memory() noexcept {
    if (!memory_.empty()) {
        withdraw(memory_);
    }
}

void Client::fail(capture::ReadId read, const core::Error& error) { replies_.refuse(reply_to_read(read), error); }

pfild_reply Client::reply_to_read(capture::ReadId read) const noexcept {
    return {.id = static_cast<__u32>(read),
            .device = number_,
            .length = 0,
            .op = PFILD_OP_READ,
            .flags = 0,
            .error = 0,
            .zero = 0};
}

} // namespace pfild::device
