// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/instance/orchestrator.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "cbpf/program.h"
#include "core/flow/flow_entry.h"
#include "core/pfil/cbpf_hook.h"
#include "daemon/instance/views.h"
#include "daemon/interfaces/renames.h"
#include "daemon/kernel/found_heads.h"
#include "daemon/sys/kernel.h"

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
    lowered_ = std::make_unique<LoweredHooks>(*programs_, registry_, options_.odd_packets.fragments);
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
        auto umem = xsk::Umem::create(options_.frames);
        if (!umem) {
            return core::fail(std::move(umem.error()));
        }
        umem_ = std::move(*umem);
    }
    auto thread = xsk::EngineThread::start(*umem_, rules_, flows_.get(), options_.odd_packets);
    if (!thread) {
        return core::fail(std::move(thread.error()));
    }
    engine_thread_ = std::move(*thread);
    world_ = std::make_unique<AttachmentWorld>(AttachmentWorld{.instance = options_.instance,
                                                               .stack = stack_,
                                                               .engine = engine_,
                                                               .programs = *programs_,
                                                               .umem = *umem_,
                                                               .engine_thread = *engine_thread_,
                                                               .side_thread = side_thread_,
                                                               .tcx_wanted = options_.tcx_wanted});
    const std::uint64_t largest_pair = 2ULL * options_.capture_buffer_bytes;
    auto tap = captures::Tap::start(*programs_, {.socket = {.path = options_.device_socket,
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
    loop_ = &loop;
    auto monitor = net::LinkMonitor::open(loop, {.changed = [this](std::uint32_t ifindex) { look_at(ifindex); },
                                                 .gone = [this](std::uint32_t ifindex) { let_go(ifindex); },
                                                 .lost = [this] { look_at_all(); }});
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
    finishing_.reset();
    if (loader_.joinable()) {
        loader_.join();
    }
    monitor_.reset();
    tap_.reset();
    attachments_.clear();
    going_.clear();
    side_thread_.wait();
    making_.reset();
    while (in_order && !spared_.empty()) {
        (void)remove_spared(*spared_.begin());
    }
    lowered_.reset();
    engine_thread_.reset();
    if (in_order) {
        pins_.remove();
    }
}

// Interfaces and ports as they are

// An announcement may be old by the time it is read, so it only says where to look.
void Orchestrator::look_at(std::uint32_t ifindex) {
    const auto owner = std::find_if(attachments_.begin(), attachments_.end(),
                                    [&](const auto& one) { return one.second->owns_port(ifindex); });
    if (owner != attachments_.end()) {
        repair(*owner->second);
    } else if (attachments_.contains(ifindex)) {
        look_at_attached(ifindex);
    } else {
        look_at_other(ifindex);
    }
}

void Orchestrator::look_at_attached(std::uint32_t ifindex) {
    auto attached = attachments_.find(ifindex);
    auto links = net::Links::open();
    auto link = links ? links->find(ifindex) : core::fail(std::move(links.error()));
    if (!link && link.error().code != ENODEV) {
        spdlog::error("{}: {}", attached->second->link().name, link.error().line());
        return;
    }
    if (!link || !attached->second->is_there()) {
        end_attachment(attached);
        look_at_other(ifindex); // another may have its index, and have brought heads along
        return;
    }
    const bool has_other_altnames = link->altnames != attached->second->link().altnames;
    if (link->name != attached->second->link().name) {
        follow_names();
        attached = attachments_.find(ifindex);
        if (attached == attachments_.end()) { // nothing means it any more
            return;
        }
    }
    Attachment& attachment = *attached->second;
    known_.know(*link);
    tap_->put(*link, attachment.slot(), attachment.has_xdp_head());
    if (auto followed = attachment.follow(*link); !followed) {
        spdlog::error("{}: {}", link->name, followed.error().line());
    }
    repair(attachment);
    if (has_other_altnames && events_.seen) {
        events_.seen(link->name);
    }
}

/// One that is not attached.
void Orchestrator::look_at_other(std::uint32_t ifindex) {
    auto links = net::Links::open();
    auto link = links ? links->find(ifindex) : core::fail(std::move(links.error()));
    if (link) {
        known_.know(*link);
        if (swept_ && !net::is_port(*link)) {
            sweep(*link);
            if (events_.seen) {
                events_.seen(link->name);
            }
            known_.looked_at(ifindex);
        }
    } else if (link.error().code == ENODEV) {
        const auto gone = known_.forget(ifindex);
        if (gone && swept_ && events_.gone && !gone->only_by_name) {
            events_.gone(gone->name);
        }
    }
}

// Whatever the kernel calls an attached one by now: that it has another name will be announced.
std::vector<config::Device> Orchestrator::devices(rules::Look look) {
    if (look == rules::Look::kAnew) {
        auto links = net::Links::open();
        const auto all = links ? links->all() : core::fail(std::move(links.error()));
        all ? known_.know_all(*all) : spdlog::error("names of interfaces: {}", all.error().line());
    }
    return known_.all(attached_names());
}

std::map<std::uint32_t, std::string> Orchestrator::attached_names() const {
    std::map<std::uint32_t, std::string> names;
    for (const auto& [ifindex, attachment] : attachments_) {
        names.emplace(ifindex, attachment->link().name);
    }
    return names;
}

// Names may have been exchanged meanwhile, so all are looked at.
void Orchestrator::follow_names() {
    auto links = net::Links::open();
    auto all = links ? links->all() : core::fail(std::move(links.error()));
    if (!all) {
        spdlog::error("names of interfaces: {}", all.error().line());
        return;
    }
    known_.know_all(*all);
    std::map<std::string, std::string> names;
    std::map<std::uint32_t, std::string> heads; // as they are called before
    std::map<std::uint32_t, std::string> now;
    for (const net::Link& link : *all) {
        const auto attached = attachments_.find(link.ifindex);
        if (attached == attachments_.end() || attached->second->link().name == link.name) {
            continue;
        }
        const std::string before = attached->second->link().name;
        spdlog::info("{}: is now called {}", before, link.name);
        names.emplace(before, link.name);
        now.emplace(link.ifindex, link.name);
        if (!attached->second->only_tapped()) {
            heads.emplace(link.ifindex, before);
        }
        if (auto followed = attached->second->follow(link); !followed) {
            spdlog::error("{}: {}", link.name, followed.error().line());
        }
    }
    for (const Rename& step : renames(heads, now)) {
        if (auto renamed = registry_.rename_head(step.from, step.to); !renamed) {
            spdlog::error("{}", renamed.error().line());
        }
    }
    if (events_.renamed && !names.empty()) {
        events_.renamed(names);
    }
}

void Orchestrator::end_attachment(Attachments::iterator attached) {
    const std::string name = attached->second->link().name;
    spdlog::warn("{}: the interface is gone, detached", name);
    attached->second->let_go();
    leaving_.erase(attached->first);
    (void)known_.forget(attached->first);
    drop_attachment(attached, Ends::kLater);
    if (events_.gone) {
        events_.gone(name);
    }
}

// The announcement may be old, and another interface have the index, or the same one again. It is the one that was
// attached if that attachment's heads are on it.
void Orchestrator::let_go(std::uint32_t ifindex) {
    const auto attached = attachments_.find(ifindex);
    if (attached != attachments_.end() && !attached->second->is_there()) {
        end_attachment(attached);
    } else if (attached != attachments_.end()) {
        if (auto back = attached->second->take_back(); !back) {
            spdlog::error("{}: {}", attached->second->link().name, back.error().line());
        }
    }
    look_at(ifindex);
}

void Orchestrator::look_at_all() {
    std::vector<std::uint32_t> known;
    for (const auto& [ifindex, attachment] : attachments_) {
        known.push_back(ifindex);
    }
    for (const std::uint32_t ifindex : known) {
        look_at(ifindex);
    }
    repair_all();
}

void Orchestrator::keep_house() {
    repair_all();
    for (auto& [ifindex, attachment] : attachments_) {
        attachment->watch_lanes();
    }
    release_old_chains();
    if (lane_heads() != lowered_->heads()) { // an XDP head has gone, or could be had again
        put_in_force(lowered_->prepare(lane_heads()));
        if (auto kept = lowered_->keeps_promises(); !kept) {
            spdlog::error("{}", kept.error().line());
        }
    }
    if (events_.every_second) {
        events_.every_second();
    }
    if (flow_maps_) {
        if (auto set = flow_maps_->set_clock(); !set) {
            spdlog::error("{}", set.error().line());
        }
    }
}

void Orchestrator::repair_all() {
    for (auto& [ifindex, attachment] : attachments_) {
        repair(*attachment);
    }
}

void Orchestrator::repair(Attachment& attachment) {
    auto repaired = attachment.repair();
    if (!repaired) {
        spdlog::error("{}: repair failed, trying again: {}", attachment.link().name, repaired.error().line());
    } else if (*repaired) {
        spdlog::warn("{}: port or heads were changed by somebody else, repaired", attachment.link().name);
    }
}

std::uint64_t Orchestrator::used_slots() const {
    std::uint64_t used = 0;
    for (const auto& [ifindex, attachment] : attachments_) {
        used |= 1ULL << attachment->slot();
    }
    for (const auto& [number, attachment] : going_) {
        used |= 1ULL << attachment->slot();
    }
    return used;
}

core::Result<std::uint8_t> Orchestrator::free_slot(const std::string& interface, bool with_sockets) const {
    const std::uint64_t used = used_slots();
    const auto coming = std::count_if(attachments_.begin(), attachments_.end(),
                                      [](const auto& one) { return one.second->is_coming(); });
    if (with_sockets && !engine_thread_->has_buffers_for(2 + 2 * static_cast<std::size_t>(coming))) {
        return core::fail({"attach", interface, "the packet memory is used up by the interfaces that are attached",
                           "raise `buffers` in the configuration", ENOBUFS});
    }
    for (const SpareHeads& spare : world_->spares) {
        if (((used >> spare.slot) & 1U) == 0) {
            return spare.slot;
        }
    }
    for (std::uint8_t slot = 0; slot < PFILD_MAX_INTERFACES; slot++) {
        if (((used >> slot) & 1U) == 0) {
            return slot;
        }
    }
    return core::fail({"attach", interface, "as many interfaces are attached as an instance can have",
                       "detach one, or run another instance", ENOBUFS});
}

Orchestrator::Attachments::iterator Orchestrator::find_attached(std::string_view interface) {
    return std::find_if(attachments_.begin(), attachments_.end(),
                        [&](const auto& entry) { return entry.second->link().name == interface; });
}

Orchestrator::Attachments::const_iterator Orchestrator::find_attached(std::string_view interface) const {
    return std::find_if(attachments_.begin(), attachments_.end(),
                        [&](const auto& entry) { return entry.second->link().name == interface; });
}

Directions Orchestrator::diverted(std::uint8_t slot) const {
    return {registry_.hooked(slot, Direction::in), registry_.hooked(slot, Direction::out)};
}

void Orchestrator::refresh_divert() {
    for (auto& [ifindex, attachment] : attachments_) {
        const std::uint8_t slot = attachment->slot();
        if (auto set = attachment->set_divert(diverted(slot), lowered_->chained(slot)); !set) {
            spdlog::error("{}: {}", attachment->link().name, set.error().line());
        }
    }
}

std::set<LaneHead> Orchestrator::lane_heads() const {
    std::set<LaneHead> heads;
    for (const auto& [ifindex, attachment] : attachments_) {
        if (attachment->only_tapped()) {
            continue;
        }
        for (const Direction direction : core::kEachDirection) {
            heads.insert({attachment->slot(), direction, ebpf::Place::tc});
        }
        if (attachment->has_xdp_head()) {
            heads.insert({attachment->slot(), Direction::in, ebpf::Place::xdp});
        }
    }
    return heads;
}

void Orchestrator::put_in_force(LoweredHooks::Next next) {
    lowered_->install(std::move(next));
    refresh_divert();
    lowered_->await_old_chains();
}

// By itself, and wherever it will be linked: what the verifier does not take at all is refused here.
// => the hook has a lowering.
core::Result<void> Orchestrator::try_in_kernel(const core::Hook& hook) const {
    core::ChainSpec spec{.place = ebpf::Place::tc};
    core::ChainBlock& block = hook.type() == core::HeadType::ethernet ? spec.link : spec.inet;
    block.hooks.push_back(*hook.lowering());
    const auto code = chain_program(spec);
    auto chain = code ? kernel::Chain::load(*programs_, *code, spec.place, spec.size())
                      : core::fail({"run in the kernel", "", "it is too long", "", E2BIG});
    if (!chain) {
        return core::fail({"add hook", hook.name(), chain.error().why, "add it with --run auto", EOPNOTSUPP});
    }
    return {};
}

void Orchestrator::drop_attachment(Attachments::iterator attached, Ends when) {
    const std::string name = attached->second->link().name;
    const bool filters = !attached->second->only_tapped();
    tap_->remove(attached->first);
    flow_rules_.remove_interface(attached->first);
    if (when == Ends::kLater) {
        const std::uint32_t number = attached->second->number();
        going_.emplace(number, std::move(attached->second));
        finish_soon();
    }
    attachments_.erase(attached);
    put_in_force(lowered_->prepare(lane_heads()));
    if (auto gone = filters ? registry_.unregister_head(name) : core::Result<void>(); !gone) {
        spdlog::error("{}", gone.error().line());
    }
    refresh_divert();
}

} // namespace pfild
