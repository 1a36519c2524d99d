// SPDX-License-Identifier: BSD-2-Clause
// See daemon/rules/confirmed.h.
#include "daemon/rules/confirmed.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "disk/durable.h"
#include "disk/trusted_file.h"

namespace pfild::rules {
namespace {

/// The folder comes with the first file in it: a start that is refused leaves none behind.
core::Result<void> write(const std::string& folder, const char* name, const std::string& text) {
    return disk::make_folder(folder.substr(0, folder.rfind('/')))
        .and_then([&] { return disk::make_folder(folder); })
        .and_then([&] { return disk::write_durably(folder + name, text); });
}

} // namespace

std::optional<KeptModel> Confirmed::read() const {
    const std::string path = folder_ + "/confirmed";
    const auto text = disk::read_trusted_file(path);
    if (!text) {
        if (text.error().code != ENOENT) {
            spdlog::error("{}", text.error().line());
        }
        return std::nullopt;
    }
    auto kept = kept_model_of(*text);
    if (!kept) {
        spdlog::error("{}: {}", path, kept.error().line());
        return std::nullopt;
    }
    return std::move(*kept);
}

bool Confirmed::stopped_in(const std::string& boot) const {
    const auto text = disk::read_trusted_file(folder_ + "/stopped");
    return text && *text == boot;
}

void Confirmed::set_stopped_in(const std::string& boot) const {
    if (boot.empty()) {
        ::unlink((folder_ + "/stopped").c_str());
    } else if (auto written = write(folder_, "/stopped", boot); !written) {
        spdlog::warn("{}", written.error().line());
    }
}

void Confirmed::tick() {
    if (writing_.valid()) {
        if (writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            return;
        }
        const auto written = writing_.get();
        const std::string why = written ? "" : written.error().line();
        if (std::exchange(said_, why) != why && !written) { // once
            spdlog::error("rules are not kept for the next boot: {}", why);
        }
    }
    if (auto next = std::exchange(next_, std::nullopt)) {
        writing_ = std::async(std::launch::async, [folder = folder_, kept = std::move(*next)] {
            return write(folder, "/confirmed", text_of(kept));
        });
    }
}

void Confirmed::flush() {
    for (int i = 0; i < 3 && (writing_.valid() || next_); ++i) {
        if (writing_.valid()) {
            writing_.wait();
        }
        tick();
    }
}

} // namespace pfild::rules
