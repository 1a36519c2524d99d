// SPDX-License-Identifier: BSD-2-Clause
// See rotating_sink.h.
#include "bpfctl/capture/rotating_sink.h"

#include <array>
#include <ctime>

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kLongestName = 4096;

/// The pattern at this time; as it is, if it is too long or means nothing.
std::string at_time(const std::string& pattern, std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm local{};
    std::array<char, kLongestName> name{};
    if (localtime_r(&time, &local) == nullptr) {
        return pattern;
    }
    const std::size_t length = std::strftime(name.data(), name.size(), pattern.c_str(), &local);
    return length == 0 ? pattern : std::string(name.data(), length);
}

} // namespace

std::string rotated_name(const std::string& pattern, const Rotation& rotation, std::int64_t began,
                         std::uint64_t number) {
    const std::string name = rotation.seconds ? at_time(pattern, began) : pattern;
    if (rotation.seconds || !rotation.files) {
        return number == 0 ? name : name + std::to_string(number);
    }
    const std::size_t width = std::to_string(*rotation.files - 1).size();
    const std::string digits = std::to_string(number % *rotation.files);
    return name + std::string(width - digits.size(), '0') + digits;
}

core::Result<std::unique_ptr<PacketSink>> RotatingSink::start(std::string pattern, Rotation rotation, Open open,
                                                              std::int64_t now) {
    std::unique_ptr<RotatingSink> made(new RotatingSink(std::move(pattern), rotation, std::move(open), now));
    auto first = made->open_(rotated_name(made->pattern_, rotation, now, 0));
    if (!first) {
        return first;
    }
    made->current_ = std::move(*first);
    return made;
}

core::Result<void> RotatingSink::put(const client::Record& packet, std::size_t source) {
    const bool is_over = rotation_.seconds && packet.seconds - began_ >= static_cast<std::int64_t>(*rotation_.seconds);
    if (is_over && rotation_.files && files_ >= *rotation_.files) {
        full_ = true; // this packet belongs to no file
        return {};
    }
    if (is_over) {
        began_ = packet.seconds;
        number_ = 0;
    } else if (rotation_.bytes && current_->size() >= *rotation_.bytes) {
        ++number_;
    } else {
        return current_->put(packet, source);
    }
    if (auto opened = open_next(); !opened) {
        return opened;
    }
    return current_->put(packet, source);
}

core::Result<void> RotatingSink::open_next() {
    if (auto finished = current_->finish({}); !finished) {
        return finished;
    }
    auto next = open_(rotated_name(pattern_, rotation_, began_, number_));
    if (!next) {
        return core::fail(std::move(next.error()));
    }
    kept_ += current_->kept(0);
    size_ += current_->size();
    ++files_;
    current_ = std::move(*next);
    return {};
}

} // namespace pfild::bpfctl
