// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/instance/orchestrator.h"

#include <filesystem>
#include <random>
#include <utility>

#include <spdlog/spdlog.h>

#include "core/flow/flow_entry.h"
#include "daemon/sys/boot.h"

namespace pfild {
namespace {

using core::Direction;
using core::Directions;

constexpr auto kHousekeepingPeriod = std::chrono::seconds(1);

core::Result<void> set_loopback_up() {
    auto links = net::Links::open();
    if (!links) {
        return core::fail(std::move(links.error()));
    }
    auto loopback = links->find("lo");
    if (!loopback) {
        return core::fail(std::move(loopback.error()));
    }
    return links->set_up(loopback->ifindex);
}

} // namespace

Orchestrator::Orchestrator(OrchestratorOptions options, sys::NetNs stack, sys::NetNs engine)
    : options_(std::move(options)), started_(std::chrono::steady_clock::now()), stack_(std::move(stack)),
      engine_(std::move(engine)), flow_rules_(rules_), registry_(flow_rules_) {}

core::Result<std::unique_ptr<Orchestrator>> Orchestrator::start(OrchestratorOptions options, sys::Loop& loop) {
    auto stack = sys::NetNs::current();
    if (!stack) {
        return core::fail(std::move(stack.error()));
    }
    auto engine = sys::NetNs::create_private();
    if (!engine) {
        return core::fail(std::move(engine.error()));
    }
    std::unique_ptr<Orchestrator> self(new Orchestrator(std::move(options), std::move(*stack), std::move(*engine)));
    if (auto made = self->make_engine(); !made) {
        return core::fail(std::move(made.error()));
    }
    for (const core::HeadType type : core::kEachHeadType) {
        if (auto head = self->registry_.register_head({.name = std::string(core::name(type)), .type = type}); !head) {
            return core::fail(std::move(head.error()));
        }
    }
    if (auto watching = self->watch(loop); !watching) {
        return core::fail(std::move(watching.error()));
    }
    return self;
}

// With the flow table: what a killed daemon left of it is taken over, if it has the shape of today's.
core::Result<void> Orchestrator::load_programs() {
    pins_ = kernel::FlowPins::take(options_.instance);
    pins_.keep_only(options_.flows);
    auto identity =
        kernel::identity_of_run(options_.instance, stack_, std::filesystem::path(options_.device_socket).parent_path());
    if (!identity) {
        return core::fail(std::move(identity.error()));
    }
    auto programs = kernel::Programs::load({.identity = *identity,
                                            .flows = std::max(options_.flows, 1U),
                                            .pin_folder = options_.flows != 0 ? pins_.folder() : std::string(),
                                            .tap_bytes = options_.capture_bytes});
    if (!programs) {
        return core::fail(std::move(programs.error()));
    }
    programs_ = std::move(*programs);
    chains_ = std::make_unique<rules::KernelChains>(*programs_);
    lowered_ = std::make_unique<rules::LoweredHooks>(*chains_, registry_, options_.odd_packets.fragments);
    costs_ = std::make_unique<rules::HookCosts>(*chains_, sys::since_boot_ns);
    pins_.take_over_chains(*programs_);
    if (options_.flows == 0) {
        return {};
    }
    auto maps = kernel::FlowMaps::map(*programs_, options_.flows);
    if (!maps) {
        return core::fail(std::move(maps.error()));
    }
    flow_maps_ = std::move(*maps);
    std::random_device random;
    flows_ = std::make_unique<core::FlowTable>(flow_maps_->memory(), options_.flow_timeouts,
                                               (std::uint64_t{random()} << 32U) | random());
    flow_rules_.use(flow_maps_->entries(), flow_maps_->state());
    // The last daemon may have been killed in the middle of a change: entries can be one ahead of what is in force.
    registry_.set_generation(flow_maps_->state().generation + 1);
    return {};
}

core::Result<void> Orchestrator::make_engine() {
    if (auto loaded = load_programs(); !loaded) {
        return loaded;
    }
    if (auto shown = programs_->show_life(); !shown) {
        return shown;
    }
    {
        auto visit = sys::NetNsVisit::begin(engine_);
        if (!visit) {
            return core::fail(std::move(visit.error()));
        }
        if (auto up = set_loopback_up(); !up) {
            return up;
        }
        auto umem = xsk::Umem::create(options_.buffers);
        if (!umem) {
            return core::fail(std::move(umem.error()));
        }
        umem_ = std::move(*umem);
    }
    auto thread =
        xsk::EngineThread::start(*umem_, rules_, flows_.get(), options_.odd_packets, programs_->beat().told_ns);
    if (!thread) {
        return core::fail(std::move(thread.error()));
    }
    engine_thread_ = std::move(*thread);
    const std::uint64_t largest_pair = 2ULL * options_.capture_buffer_bytes;
    auto tap = captures::Tap::start(*programs_, engine_,
                                    {.socket = {.path = options_.device_socket,
                                                .max_connections = options_.devices + 48U,
                                                .max_connections_per_user = options_.devices + 16U},
                                     .limits = {.devices = options_.devices,
                                                .devices_per_user = std::max(options_.devices * 3 / 4, 1U),
                                                .buffer_sizes = {.largest = options_.capture_buffer_bytes},
                                                .buffer_memory = options_.devices * largest_pair}});
    if (!tap) {
        return core::fail(std::move(tap.error()));
    }
    tap_ = std::move(*tap);
    return {};
}

core::Result<void> Orchestrator::watch(sys::Loop& loop) {
    host_ = std::make_unique<interfaces::KernelHost>(interfaces::AttachmentWorld{.instance = options_.instance,
                                                                                 .stack = stack_,
                                                                                 .engine = engine_,
                                                                                 .programs = *programs_,
                                                                                 .umem = *umem_,
                                                                                 .engine_thread = *engine_thread_,
                                                                                 .side_thread = side_thread_,
                                                                                 .tcx_wanted = options_.tcx_wanted},
                                                     loop);
    schedule_ = std::make_unique<interfaces::LoopSchedule>(loop, side_thread_);
    interfaces_ =
        std::make_unique<interfaces::Interfaces>(*host_, static_cast<interfaces::Dependents&>(*this), *schedule_);
    auto monitor =
        net::LinkMonitor::open(loop, {.changed = [this](std::uint32_t ifindex) { interfaces_->look_at(ifindex); },
                                      .gone = [this](std::uint32_t ifindex) { interfaces_->let_go(ifindex); },
                                      .lost = [this] { interfaces_->look_at_all(); }});
    if (!monitor) {
        return core::fail(std::move(monitor.error()));
    }
    monitor_ = std::move(*monitor);
    auto timer = loop.every(kHousekeepingPeriod, [this] { keep_house(); });
    if (!timer) {
        return core::fail(std::move(timer.error()));
    }
    housekeeping_ = std::move(*timer);
    return {};
}

Orchestrator::~Orchestrator() { stop(false); }

void Orchestrator::stop(bool in_order) noexcept {
    housekeeping_.reset();
    monitor_.reset();
    tap_.reset();
    if (interfaces_) {
        interfaces_->end();
        if (in_order) {
            interfaces_->sweep_spared();
        }
    }
    lowered_.reset();
    engine_thread_.reset();
    if (in_order) {
        pins_.remove();
    }
}

void Orchestrator::keep_house() {
    interfaces_->repair_all();
    interfaces_->watch_lanes();
    release_old_chains();
    tell_of_silences();
    if (lane_heads() != lowered_->heads()) { // an XDP head has gone, or could be had again
        place_hooks();
        if (auto kept = lowered_->keeps_promises(); !kept) {
            spdlog::error("{}", kept.error().line());
        }
    }
    if (every_second_) {
        every_second_();
    }
    if (flow_maps_) {
        failed_clock_.log("known flows", flow_maps_->set_clock());
    }
}

bool Orchestrator::engine_lives() const {
    constexpr std::uint64_t kLatelyNs = 2'000'000'000;
    return xsk::now_ns() - engine_thread_->heart().last() < kLatelyNs;
}

// Once a minute at most: who floods the engine shall not fill the log.
void Orchestrator::tell_of_silences() {
    constexpr auto kApart = std::chrono::minutes(1);
    const core::Heartbeat& heart = engine_thread_->heart();
    const auto now = std::chrono::steady_clock::now();
    if (heart.silences() == silences_told_ || (silences_told_ != 0 && now - silence_told_at_ < kApart)) {
        return;
    }
    spdlog::warn("the engine did not answer, and heads did as `silent` says: {} times so far, the longest gap is {} ms",
                 heart.silences(), heart.longest_ns() / 1'000'000);
    silences_told_ = heart.silences();
    silence_told_at_ = now;
}

void Orchestrator::commit() {
    interfaces_->keep_all();
    release_old_chains();
}

// Not while heads of a killed daemon, which ask them, are where none of this run could be put.
void Orchestrator::release_old_chains() {
    if (interfaces_->all_replaced() && !std::exchange(old_chains_released_, true)) {
        pins_.release_old_chains();
    }
}

// What depends on which interfaces are attached

core::Result<void> Orchestrator::register_head(const core::HeadSpec& head) { return registry_.register_head(head); }

void Orchestrator::unregister_head(const std::string& name) {
    if (auto gone = registry_.unregister_head(name); !gone) {
        spdlog::error("{}", gone.error().line());
    }
}

core::Result<void> Orchestrator::rename_head(const std::string& from, const std::string& to) {
    return registry_.rename_head(from, to);
}

void Orchestrator::came(const interfaces::Attachment& attachment) {
    changed(attachment);
    if (!attachment.only_tapped()) {
        flow_rules_.add_interface(attachment.link().ifindex, attachment.slot());
    }
}

// Before the tap is there, and after, nobody captures.
void Orchestrator::changed(const interfaces::Attachment& attachment) {
    if (tap_) {
        tap_->put(attachment.link(), attachment.slot(), attachment.has_xdp_head(), attachment.way_in());
    }
}

void Orchestrator::leaves(std::uint32_t ifindex) {
    if (tap_) {
        tap_->remove(ifindex);
    }
    flow_rules_.remove_interface(ifindex);
}

void Orchestrator::place_hooks() { put_in_force(lowered_->prepare(lane_heads())); }

Directions Orchestrator::diverted(std::uint8_t slot) const {
    return {registry_.hooked(slot, Direction::kIn), registry_.hooked(slot, Direction::kOut)};
}

Directions Orchestrator::chained(std::uint8_t slot) const { return lowered_->chained(slot); }

std::set<rules::LaneHead> Orchestrator::lane_heads() const {
    std::set<rules::LaneHead> heads;
    for (const auto& [ifindex, attachment] : interfaces_->all()) {
        if (attachment->only_tapped()) {
            continue;
        }
        for (const Direction direction : core::kEachDirection) {
            heads.insert({attachment->slot(), direction, ebpf::Place::kTc});
        }
        if (attachment->has_xdp_head()) {
            heads.insert({attachment->slot(), Direction::kIn, ebpf::Place::kXdp});
        }
    }
    return heads;
}

void Orchestrator::put_in_force(rules::LoweredHooks::Next next) {
    lowered_->install(std::move(next));
    interfaces_->set_diverts();
    lowered_->await_old_chains();
}

} // namespace pfild
