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
Confirmed::Confirmed(const std::string& state_dir, const std::string& instance) : folder_(state_dir + '/' + instance) {
    for (const std::string& folder : {state_dir, folder_}) {
        if (auto made = disk::make_folder(folder); !made) {
            spdlog::warn("rules are not kept for the next boot: {}", made.error().line());
            return;
        }
    }
}

std::optional<Record> Confirmed::read() const {
    const std::string path = folder_ + "/confirmed";
    const auto text = disk::read_trusted_file(path);
    if (!text) {
        if (text.error().code != ENOENT) {
            spdlog::error("{}", text.error().line());
        }
        return std::nullopt;
    }
    auto record = record_of(*text);
    if (!record) {
        spdlog::error("{}: {}", path, record.error().line());
        return std::nullopt;
    }
    return std::move(*record);
}

bool Confirmed::stopped_in(const std::string& boot) const {
    const auto text = disk::read_trusted_file(folder_ + "/stopped");
    return text && *text == boot;
}

void Confirmed::set_stopped_in(const std::string& boot) const {
    if (boot.empty()) {
        ::unlink((folder_ + "/stopped").c_str());
    } else if (auto written = disk::write_durably(folder_ + "/stopped", boot); !written) {
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
        writing_ = std::async(std::launch::async, [path = folder_ + "/confirmed", record = std::move(*next)] {
            return disk::write_durably(path, text_of(record));
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
