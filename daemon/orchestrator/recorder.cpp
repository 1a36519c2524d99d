// SPDX-License-Identifier: BSD-2-Clause
// The record as JSON lines, written to a new file that then takes the old one's place.
#include "daemon/orchestrator/recorder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "daemon/api/words.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild {
namespace {

using nlohmann::json;

constexpr const char* kIfindex = "ifindex"; ///< of a request to attach: how to find it under another name

json request(const char* verb, json arguments) {
    return {{"protocol", 2}, {"id", 0}, {"verb", verb}, {"arguments", std::move(arguments)}};
}

json to_request(const api::HookAddRequest& hook) {
    json program = json::array();
    for (const cbpf::Instruction& step : hook.program) {
        program.push_back({step.code, step.jt, step.jf, step.k});
    }
    return request("hook-add", {{"name", hook.name},
                                {"type", api::word_of(hook.type, core::kHeadTypeNames)},
                                {"on_match", api::word_of(hook.on_match, core::kOnMatchNames)},
                                {"filter", hook.filter ? json(*hook.filter) : json()},
                                {"program", std::move(program)},
                                {"dlt", hook.dlt},
                                {"run", api::word_of(hook.run, core::kRunsInNames)},
                                {"compiled", api::word_of(hook.compiled, core::kCompiledNames)}});
}

json to_request(const api::InterfaceView& interface) {
    return request("attach", {{"interface", interface.name},
                              {"unknown", api::word_of(interface.unknown, core::kUnknownPacketsNames)},
                              {"mode", api::word_of(interface.mode_wanted, core::kHeadModeNames)},
                              {"position", api::word_of(interface.position, core::kHeadPositionNames)},
                              {"turned_off", interface.turned_off},
                              {kIfindex, interface.ifindex}});
}

json to_request(const api::AttachRequest& intent) {
    return request("attach", {{"interface", intent.interface},
                              {"unknown", api::word_of(intent.unknown, core::kUnknownPacketsNames)},
                              {"mode", api::word_of(intent.mode, core::kHeadModeNames)},
                              {"position", api::word_of(intent.position, core::kHeadPositionNames)},
                              {"turned_off", intent.turned_off}});
}

/// Takes the index out of a request to attach, and gives interfaces the names that they have now.
std::string with_names_now(const std::string& line, std::map<std::string, std::string>& names,
                           const Recorder::NameNow& name_now) {
    json one = json::parse(line, nullptr, false);
    if (!one.is_object() || !one.contains("arguments")) {
        return line;
    }
    json& arguments = one["arguments"];
    const auto rename = [&](const char* key) {
        if (const auto name = names.find(arguments.value(key, "")); name != names.end()) {
            arguments[key] = name->second;
        }
    };
    if (one.value("verb", "") == "attach") {
        const std::uint32_t ifindex = arguments.value(kIfindex, 0U); // 0: the attach had only begun
        if (const auto now = ifindex != 0 ? name_now(ifindex) : std::nullopt) {
            names.insert_or_assign(arguments.value("interface", ""), *now);
        }
        arguments.erase(kIfindex);
        rename("interface");
    } else if (one.value("verb", "") == "link") {
        rename("head");
    }
    return one.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_request(const std::string& hook, const std::string& head, const char* direction) {
    return request("link", {{"hook", hook}, {"head", head}, {"directions", {direction}}, {"append", false}});
}

// A link without append goes to the front IN and to the back OUT, so the IN hooks are linked last to first.
void append_links(std::vector<json>& requests, const api::HeadView& head) {
    for (auto hook = head.in.rbegin(); hook != head.in.rend(); ++hook) {
        requests.push_back(to_request(*hook, head.name, "in"));
    }
    for (const std::string& hook : head.out) {
        requests.push_back(to_request(hook, head.name, "out"));
    }
}

core::Result<void> replace_file(const std::string& path, const std::string& content) {
    const std::string fresh = path + ".new";
    const sys::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) {
        return sys::failed("write", fresh, errno);
    }
    for (std::string_view rest = content; !rest.empty();) {
        const ssize_t written = ::write(file.get(), rest.data(), rest.size());
        if (written < 0) {
            return sys::failed("write", fresh, errno);
        }
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        return sys::failed("write", path, errno);
    }
    return {};
}

} // namespace

std::vector<std::string> Recorder::read(const NameNow& name_now) const {
    std::vector<std::string> lines;
    std::map<std::string, std::string> names; ///< as it was called, as it is called
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
        lines.push_back(with_names_now(line, names, name_now));
    }
    return lines;
}

std::optional<Recorder::OfInterface> Recorder::of_interface(const std::string& request) {
    const json one = json::parse(request, nullptr, false);
    if (!one.is_object() || !one.contains("arguments")) {
        return std::nullopt;
    }
    const bool attaches = one.value("verb", "") == "attach";
    const std::string interface = one["arguments"].value(attaches ? "interface" : "head", "");
    return interface.empty() ? std::nullopt : std::optional(OfInterface{interface, request, attaches});
}

void Recorder::keep(const OfInterface& refused, std::uint32_t ifindex) {
    kept_.push_back(refused);
    if (refused.attaches) {
        json one = json::parse(refused.request);
        one["arguments"][kIfindex] = ifindex;
        kept_.back().request = one.dump(-1, ' ', false, json::error_handler_t::replace);
    }
}

bool Recorder::empty() const {
    std::ifstream file(path_);
    std::string line;
    return !std::getline(file, line);
}

void Recorder::forget() noexcept { ::unlink(path_.c_str()); }

void Recorder::save(const api::AttachRequest* intent) noexcept {
    const auto hooks = inner_.hooks();
    const auto status = inner_.status();
    const auto heads = inner_.heads();
    if (!hooks || !status || !heads) {
        return; // nothing of these can fail while the daemon lives
    }
    std::vector<json> requests;
    for (const api::HookView& hook : *hooks) {
        if (const auto program = programs_.find(hook.name); program != programs_.end()) {
            requests.push_back(to_request(program->second));
        }
    }
    std::vector<json> links_of_interfaces; // those heads live from attach to detach
    for (const api::HeadView& head : *heads) {
        const bool of_interface =
            std::any_of(status->interfaces.begin(), status->interfaces.end(),
                        [&](const api::InterfaceView& interface) { return interface.name == head.name; });
        append_links(of_interface ? links_of_interfaces : requests, head);
    }
    for (const api::InterfaceView& interface : status->interfaces) {
        requests.push_back(to_request(interface));
    }
    if (intent != nullptr) {
        requests.push_back(to_request(*intent));
    }
    std::move(links_of_interfaces.begin(), links_of_interfaces.end(), std::back_inserter(requests));
    std::string content;
    for (const json& one : requests) {
        content += one.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
    }
    std::erase_if(kept_, [&](const OfInterface& kept) {
        return std::any_of(status->interfaces.begin(), status->interfaces.end(),
                           [&](const api::InterfaceView& interface) { return interface.name == kept.interface; });
    });
    for (const OfInterface& kept : kept_) {
        if (intent == nullptr || !kept.attaches || kept.interface != intent->interface) {
            content += kept.request + '\n';
        }
    }
    if (auto written = replace_file(path_, content); !written) {
        spdlog::error("the rules would not survive a crash: {}", written.error().line());
    }
}

template <typename T>
T Recorder::saved(T result) {
    if (result && !paused_) {
        save();
    }
    return result;
}

core::Result<api::InterfaceView> Recorder::attach(const api::AttachRequest& request) {
    if (!paused_) {
        save(&request);
    }
    auto attached = inner_.attach(request);
    if (!attached && !paused_) {
        save();
    }
    return saved(std::move(attached));
}

core::Result<void> Recorder::detach(std::string_view interface) {
    auto detached = inner_.detach(interface);
    if (detached) {
        std::erase_if(kept_, [&](const OfInterface& kept) { return kept.interface == interface; });
    }
    return saved(std::move(detached));
}

core::Result<api::HookView> Recorder::hook_add(const api::HookAddRequest& request) {
    auto added = inner_.hook_add(request);
    if (added) {
        programs_.insert_or_assign(request.name, request);
    }
    return saved(std::move(added));
}

core::Result<void> Recorder::hook_delete(std::string_view name) {
    auto deleted = inner_.hook_delete(name);
    if (deleted) {
        if (const auto found = programs_.find(name); found != programs_.end()) {
            programs_.erase(found);
        }
    }
    return saved(std::move(deleted));
}

core::Result<api::HeadView> Recorder::link(const core::LinkRequest& request) { return saved(inner_.link(request)); }

core::Result<api::HeadView> Recorder::unlink(const core::LinkRequest& request) { return saved(inner_.unlink(request)); }

} // namespace pfild
