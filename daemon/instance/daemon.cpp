// SPDX-License-Identifier: BSD-2-Clause
// See daemon/instance/daemon.h.
#include "daemon/instance/daemon.h"

#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <utility>

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "config/edit.h"
#include "daemon/sys/boot.h"
#include "daemon/sys/capabilities.h"
#include "daemon/sys/kernel.h"
#include "daemon/sys/local_socket.h"
#include "daemon/sys/netns.h"
#include "daemon/sys/supervisor.h"
#include "disk/source_files.h"

namespace pfild {
namespace {

control::AttachDefaults attach_defaults(const config::Settings& settings) {
    return {.unknown = settings.unknown,
            .silent = settings.silent,
            .mode = settings.mode,
            .position = settings.position,
            .strict = settings.strict};
}

std::vector<control::Grant> grants_of(const config::Model& model) {
    std::vector<control::Grant> grants;
    for (const config::Peer& peer : model.peers) {
        grants.push_back({peer.uid, peer.verbs});
    }
    return grants;
}

OrchestratorOptions options_of(const DaemonOptions& options, const config::Settings& settings,
                               const std::string& folder) {
    constexpr std::uint64_t kNsPerS = 1'000'000'000;
    return {.instance = options.name,
            .buffers = settings.buffers,
            .flows = options.no_cache ? 0 : settings.flows,
            .flow_timeouts = {.tcp_ns = settings.flow_tcp_idle_s * kNsPerS, .other_ns = settings.flow_idle_s * kNsPerS},
            .capture_bytes = settings.capture_ring_kib * 1024U,
            .capture_buffer_bytes = settings.capture_buffer_kib * 1024U,
            .devices = settings.devices,
            .device_socket = folder + "/bpf.sock",
            .odd_packets = {settings.extension_headers, settings.fragments},
            .tcx_wanted = settings.tc_attach == config::TcAttach::kAutomatic};
}

} // namespace

void set_log_level(config::LogLevel level) {
    constexpr std::array kLevels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                 spdlog::level::err};
    static_assert(kLevels.size() == config::kLogLevelNames.size());
    spdlog::set_level(kLevels.at(static_cast<std::size_t>(level)));
}

void report(const std::vector<config::FileMistake>& mistakes) {
    for (const config::FileMistake& mistake : mistakes) {
        std::cerr << mistake.text() << '\n';
    }
}

core::Result<void> Daemon::start() {
    auto ready = sys::require_kernel().and_then(sys::require_capabilities);
    if (!ready) {
        return ready;
    }
    sys::lay_down_ptrace_right();
    sys::raise_memlock_limit();
    return enter()
        .and_then([this] { return choose(); })
        .and_then([this] { return begin(); })
        .and_then([this] { return serve(); })
        .and_then([this] { return furnish(); });
}

core::Result<void> Daemon::run() {
    spdlog::info("pfild {} guards instance '{}'", PFILD_VERSION, options_.name);
    sys::notify_ready(status());
    return loop_->run();
}

void Daemon::stop(bool in_order) noexcept {
    server_.reset();
    const bool for_good = instance_ && (in_order || (!begun_ && !left_behind_));
    if (orchestrator_) {
        orchestrator_->stop(for_good);
    }
    if (confirmed_) {
        confirmed_->flush();
    }
    if (for_good) {
        if (in_order && confirmed_) {
            confirmed_->set_stopped_in(boot_);
        }
        store_->remove();
        instance_->remove();
    }
}

core::Result<void> Daemon::enter() const {
    if (options_.netns.empty()) {
        return {};
    }
    return sys::NetNs::open(options_.netns).and_then([](const sys::NetNs& target) { return sys::enter_netns(target); });
}

core::Result<void> Daemon::choose() {
    const config::Settings where = files_ ? files_->model.settings : config::Settings();
    auto instance = sys::Instance::take(where.runtime_dir, options_.name);
    if (!instance) {
        return core::fail(std::move(instance.error()));
    }
    instance_.emplace(std::move(*instance));
    boot_ = sys::boot_id();
    store_ = std::make_unique<rules::FileStore>(instance_->folder());
    confirmed_ = std::make_unique<rules::Confirmed>(where.state_dir, options_.name);
    rules::Found found{.running = running_model(),
                       .files = disk::with_compiled(files_, confirmed_->compiled_path()),
                       .confirmed = confirmed_->read(),
                       .stopped = confirmed_->stopped_in(boot_)};
    left_behind_ = found.running.has_value();
    if (!found.files) {
        report(found.files.error());
    }
    auto plan = rules::plan_start(std::move(found));
    if (!plan) {
        has_nothing_ = true;
        return core::fail({"start", options_.name, "the files are bad, and there is no model to begin with instead",
                           "mend them", EINVAL});
    }
    plan_ = std::move(*plan);
    settings_ = plan_.then ? plan_.then->settings : plan_.take_over->model.settings;
    set_log_level(options_.log_level.value_or(settings_.log_level));
    return {};
}

std::optional<rules::KeptModel> Daemon::running_model() const {
    const auto text = store_->read();
    if (!text) {
        return std::nullopt;
    }
    auto kept = rules::kept_model_of(*text);
    if (!kept) {
        spdlog::error("the running model cannot be read: {}", kept.error().line());
        return std::nullopt;
    }
    if (kept->boot != boot_) {
        return std::nullopt;
    }
    if (kept->trial && kept->trial->ends_ns <= sys::since_boot_ns()) {
        spdlog::warn("the running model was not confirmed in time: the daemon begins with the one before");
        kept->model = std::move(kept->trial->before);
        kept->files = std::move(kept->trial->files);
        kept->trial.reset();
    }
    return std::move(*kept);
}

core::Result<void> Daemon::begin() {
    if (auto reserved = store_->reserve(); !reserved) {
        spdlog::error("no space is reserved: {}", reserved.error().line());
    }
    auto loop = sys::Loop::create();
    if (!loop) {
        return core::fail(std::move(loop.error()));
    }
    loop_ = std::move(*loop);
    auto signals = loop_->on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
    if (!signals) {
        return core::fail(std::move(signals.error()));
    }
    signals_ = std::move(*signals);
    auto orchestrator = Orchestrator::start(options_of(options_, settings_, instance_->folder()), *loop_);
    if (!orchestrator) {
        return core::fail(std::move(orchestrator.error()));
    }
    orchestrator_ = std::move(*orchestrator);
    transaction_ = std::make_unique<rules::Transaction>(*orchestrator_, *store_, boot_);
    wanted_ = std::make_unique<Wanted>(*orchestrator_, *transaction_);
    wanted_->set_files(options_.config, [this] {
        return disk::with_compiled(disk::read_source_files(options_.config, control::verb_names()),
                                   confirmed_->compiled_path());
    });
    wanted_->on_trial([this](std::uint64_t ns) { end_trial_after(ns); });
    wanted_->on_settings([this](const config::Settings& fresh) { follow(fresh); });
    return {};
}

core::Result<void> Daemon::furnish() {
    orchestrator_->tell(wanted_->events(), [this] {
        wanted_->every_second();
        keep();
        if (orchestrator_->engine_lives()) { // and this thread does
            sys::notify_alive();
        }
    });
    std::string from = plan_.from;
    if (plan_.take_over) {
        take_over(*plan_.take_over);
    }
    if (plan_.then) {
        auto changed =
            transaction_->change(*plan_.then, {.without_xdp = rules::WithoutXdp::kUsesTc, .files = plan_.files});
        if (!changed && !begun_ && plan_.failsafe) {
            spdlog::error("{}", changed.error().line());
            take_over(*plan_.failsafe);
            from = "confirmed model";
        }
        if (!changed && !begun_) {
            return core::fail(std::move(changed.error()));
        }
        if (!changed) {
            spdlog::error("{}", changed.error().line());
            from = "failsafe: " + from;
        }
    } else if (plan_.bad_files) {
        from = "failsafe: " + from;
    }
    begun_ = true;
    admit_peers();
    if (from.starts_with("failsafe") || from == "confirmed model") {
        spdlog::error("the files are not in force, the last good model is: {}", from);
    }
    wanted_->tell_start(from, settings_);
    confirmed_->set_stopped_in("");
    orchestrator_->sweep_all(refused_interfaces_);
    orchestrator_->commit();
    return {};
}

void Daemon::take_over(const rules::KeptModel& kept) {
    config::Model model = kept.model;
    std::map<std::string, std::string> names;
    for (const rules::Attached& interface : kept.attached) {
        const auto now = orchestrator_->left_on(interface.ifindex);
        if (now && *now != interface.name) {
            names.emplace(interface.name, *now);
        }
    }
    config::rename_interfaces(model, names);
    std::vector<rules::Attached> attached = kept.attached;
    for (rules::Attached& interface : attached) {
        const auto renamed = names.find(interface.name);
        interface.name = renamed == names.end() ? interface.name : renamed->second;
    }
    orchestrator_->remember(attached);
    if (auto trial = kept.trial) {
        config::rename_interfaces(trial->before, names);
        const std::uint64_t now = sys::since_boot_ns();
        end_trial_after(trial->ends_ns > now ? trial->ends_ns - now : 0);
        transaction_->resume(std::move(trial));
    }
    std::size_t refused = 0;
    transaction_->begin(model, kept.files, [&](const core::Error& error) {
        spdlog::error("not taken over: {}", error.line());
        refused_interfaces_.insert(error.object);
        refused++;
    });
    const std::size_t all = model.hooks.size() + model.interfaces.size() + model.links.size();
    if (left_behind_) {
        spdlog::warn("the last daemon was killed: took over {} of {} things it was asked for", all - refused, all);
    }
    begun_ = true;
}

core::Result<void> Daemon::serve() {
    dispatcher_ = std::make_unique<api::Dispatcher>(*wanted_, attach_defaults(settings_));
    api::ServerOptions options;
    options.path = instance_->folder() + "/control.sock";
    options.readers = sys::group_named("pfild");
    options.admits = [this](const control::Peer& peer) { return control::may_anything(peer, dispatcher_->grants()); };
    auto server = api::Server::listen(std::move(options), *loop_, *dispatcher_);
    if (!server) {
        return core::fail(std::move(server.error()));
    }
    server_ = std::move(*server);
    wanted_->deeds().on_add([this] { server_->tell_streams(); });
    return {};
}

void Daemon::admit_peers() {
    dispatcher_->set_grants(grants_of(transaction_->model()));
    server_->admit_anew(!dispatcher_->grants().empty());
}

void Daemon::on_signal(int signal) {
    if (signal == SIGHUP) {
        sys::notify_reloading();
        if (const auto reloaded = wanted_->reload(); reloaded) {
            const auto self = static_cast<std::uint32_t>(::getpid());
            dispatcher_->tell({.pid = self, .owner = true}, "reload", describe::Value::table(), wanted_->unrecorded());
        } else {
            spdlog::error("{}", reloaded.error().line());
        }
        sys::notify_ready(status());
        return;
    }
    spdlog::info("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    sys::notify_stopping();
    loop_->stop();
}

void Daemon::follow(const config::Settings& fresh) {
    if (!options_.log_level) {
        set_log_level(fresh.log_level);
    }
    dispatcher_->set_defaults(attach_defaults(fresh));
    admit_peers();
}

void Daemon::end_trial_after(std::uint64_t ns) {
    auto timer = loop_->once(std::chrono::nanoseconds(ns), [this] { wanted_->look_at_trial(); });
    if (timer) {
        trial_ends_ = std::move(*timer);
    }
}

void Daemon::keep() {
    const auto& trial = transaction_->trial();
    const config::Model& model = trial ? trial->before : transaction_->model();
    const std::string& files = trial ? trial->files : transaction_->files();
    if (!(kept_ == model) || kept_files_ != files) {
        kept_ = model;
        kept_files_ = files;
        confirmed_->put({.boot = boot_, .files = kept_files_, .attached = {}, .model = kept_});
    }
    confirmed_->tick();
}

} // namespace pfild
