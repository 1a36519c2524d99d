// SPDX-License-Identifier: BSD-2-Clause
// See config/described.h.
#include "config/described.h"

#include <cerrno>
#include <utility>
#include <vector>

#include "cbpf/program.h"
#include "config/digest.h"
#include "core/pfil/registry.h"
#include "describe/json.h"
#include "describe/terms.h"

namespace pfild::config {
namespace {

using describe::Fields;

constexpr std::size_t kMostInterfaces = 4096;
constexpr std::size_t kMostLinks = 65536;
constexpr std::size_t kLongestPath = 255;
constexpr std::size_t kMostPeers = 1024;

void describe_fail_modes(Fields& fields, core::FailMode& unknown, core::FailMode& silent) {
    fields.optional("unknown", unknown, describe::word(core::kFailModeNames),
                    "What heads do with packets that only the engine could decide, while it is not there.");
    fields.optional("silent", silent, describe::word(core::kFailModeNames),
                    "The same while it is there and does not answer.");
}

void describe_place(Fields& fields, core::HeadMode& mode, core::HeadPosition& position) {
    fields.optional("mode", mode, describe::word(core::kHeadModeNames), "Where incoming packets are decided.");
    fields.optional("position", position, describe::word(core::kHeadPositionNames),
                    "Where heads are among programs of others at the same place.");
}

void describe_strict(Fields& fields, bool& strict) {
    fields.optional("strict", strict, describe::flag(),
                    "Whether one that is made while pfild runs is set down until it is guarded.");
}

void describe_owner(Fields& fields, Owner& owner) {
    fields.optional("owner", owner, describe::word(kOwnerNames), "Who has put the item into the model.");
}

void describe_captures(Fields& fields, Settings& settings) {
    fields.optional("devices", settings.devices, describe::whole(0, kMaxDevices),
                    "How many capture devices can be open at once.");
    fields.optional("capture_ring_kib", settings.capture_ring_kib, describe::whole(kMinCaptureRing, kMaxCaptureRing),
                    "Memory through which packets come to capture devices, a power of two.");
    fields.optional("capture_buffer_kib", settings.capture_buffer_kib,
                    describe::whole(kMinCaptureBuffer, kMaxCaptureBuffer),
                    "The largest buffer that a capture device can have.");
}

core::Result<void> check_programs(const Model& model) {
    for (const Hook& hook : model.hooks) {
        if (hook.program.empty()) {
            return core::fail({"read", hook.name, "its filter is not compiled", "", EINVAL});
        }
        if (const auto program = cbpf::Program::verify(hook.program); !program) {
            return core::fail({"read", hook.name, program.error().message(), "", EINVAL});
        }
    }
    return {};
}

} // namespace

void describe(Fields& fields, Settings& settings) {
    fields.optional("log_level", settings.log_level, describe::word(kLogLevelNames), "How much is logged.");
    describe_fail_modes(fields, settings.unknown, settings.silent);
    describe_place(fields, settings.mode, settings.position);
    describe_strict(fields, settings.strict);
    fields.optional("buffers", settings.buffers, describe::whole(kMinBuffers, kMaxBuffers),
                    "Packet buffers of 4096 bytes, for all interfaces together.");
    fields.optional("flows", settings.flows, describe::whole(0, kMaxFlows),
                    "How many flows the kernel can know the answer for.");
    fields.optional("flow_idle_s", settings.flow_idle_s, describe::whole(1, kMaxFlowIdle),
                    "After so many seconds without a packet a flow is unknown again.");
    fields.optional("flow_tcp_idle_s", settings.flow_tcp_idle_s, describe::whole(1, kMaxFlowIdle), "The same for TCP.");
    describe_captures(fields, settings);
    fields.optional("extension_headers", settings.extension_headers, describe::word(core::kExtensionHeadersNames),
                    "Whether rules see what is behind IPv6 extension headers, or packets with some are dropped.");
    fields.optional("fragments", settings.fragments, describe::word(core::kFragmentsNames),
                    "Whether rules are asked about fragments, or those are dropped.");
    fields.optional("tc_attach", settings.tc_attach, describe::word(kTcAttachNames), "How heads are attached to TC.");
    fields.optional("guard_ports", settings.guard_ports, describe::list(describe::whole(1, 65535), 64),
                    "TCP ports by which the host is administered; the lock-out guard keeps them open.");
    fields.optional("runtime_dir", settings.runtime_dir, describe::name(kLongestPath),
                    "Where sockets and the running model are.");
    fields.optional("state_dir", settings.state_dir, describe::name(kLongestPath),
                    "Where the confirmed and the compiled model are.");
    fields.called("model_settings", "What is no interface, hook or link.");
}

void describe(Fields& fields, Interface& interface) {
    fields.called("model_interface", "An interface that is to be guarded.");
    fields.required("name", interface.name, describe::interface_name(),
                    "What the kernel calls it, an alternative name, or a pattern.");
    describe_fail_modes(fields, interface.unknown, interface.silent);
    describe_place(fields, interface.mode, interface.position);
    describe_strict(fields, interface.strict);
    fields.optional("wanted", interface.wanted, describe::flag(), "Whether it is guarded; else it is left alone.");
    describe_owner(fields, interface.owner);
}

void describe_how(Fields& fields, Hook& hook) {
    fields.required("name", hook.name, describe::hook_name(), "`MODULE:NAME`.");
    fields.required("type", hook.type, describe::word(core::kHeadTypeNames), "Which packets it is shown.");
    fields.required("on_match", hook.on_match, describe::word(core::kOnMatchNames), "What a match means.");
    fields.optional("filter", hook.filter, describe::text(), "The expression that counts.");
    fields.optional("run", hook.run, describe::word(core::kRunsInNames), "Where it is to run.");
    fields.optional("neighbours", hook.neighbours, describe::word(core::kNeighboursNames),
                    "What it is asked of that which keeps the link up.");
    fields.optional("force", hook.force, describe::flag(), "Whether it may be one that can match no packet.");
    fields.optional("enabled", hook.enabled, describe::flag(), "Whether packets meet it where it is linked.");
}

void describe(Fields& fields, Hook& hook) {
    fields.called("model_hook", "A named filter.");
    describe_how(fields, hook);
    fields.required("program", hook.program, describe::program(), "What the expression means, or what stands for it.");
    fields.optional("compiled", hook.compiled, describe::word(core::kCompiledNames), "How the program came about.");
    describe_owner(fields, hook.owner);
}

void describe_ends(Fields& fields, Link& link) {
    fields.required("hook", link.hook, describe::hook_name(), "The hook that packets meet.");
    fields.required("head", link.head, describe::head_name(), "Where they meet it.");
    fields.required("directions", link.directions, describe::directions(1), "Which packets.");
    fields.optional("append", link.append, describe::flag(), "Farthest from the wire instead of nearest.");
}

void describe(Fields& fields, Link& link) {
    fields.called("model_link", "Lets the packets of a head meet a hook; the order of links gives the run order.");
    describe_ends(fields, link);
    describe_owner(fields, link.owner);
}

void describe_verbs(Fields& fields, Peer& peer) {
    constexpr std::size_t kMostVerbs = 64;
    constexpr std::size_t kLongestVerb = 63;
    fields.required("verbs", peer.verbs, describe::list(describe::name(kLongestVerb), kMostVerbs, 1).each_once(),
                    "Verbs of the control protocol.");
}

void describe(Fields& fields, Peer& peer) {
    constexpr std::size_t kLongestUser = 255;
    fields.called("peer", "A user who may use some verbs of the control socket.");
    fields.required("user", peer.name, describe::name(kLongestUser), "As the files call him.");
    fields.required("uid", peer.uid, describe::whole(0, kMaxUid), "His number, which is what counts.");
    describe_verbs(fields, peer);
}

void describe(Fields& fields, Model& model) {
    fields.called("model", "All that an instance is to be.");
    fields.required("settings", model.settings, describe::object(), "What is no interface, hook or link.");
    fields.optional("panic", model.panic, describe::flag(), "All packets are dropped, whatever the rest says.");
    fields.required("interfaces", model.interfaces, describe::list(describe::object(), kMostInterfaces),
                    "By their names.");
    fields.required("hooks", model.hooks, describe::list(describe::object(), core::kMaxHooks), "By their names.");
    fields.required("links", model.links, describe::list(describe::object(), kMostLinks),
                    "By their heads; those of one head in the order in which they are made.");
    fields.optional("peers", model.peers, describe::list(describe::object(), kMostPeers), "By their users.");
}

std::string canonical_json(const Model& model) { return describe::json_line(describe::write(model)); }
std::string canonical_page(const Model& model) { return describe::json_page(describe::write(model)); }

core::Result<Model> checked(Model model) {
    put_in_order(model);
    if (const std::vector<Flaw> found = flaws(model); !found.empty()) {
        return core::fail({"read", "model", found.front().key + ": " + found.front().reason, "", EINVAL});
    }
    if (auto programs = check_programs(model); !programs) {
        return core::fail(std::move(programs.error()));
    }
    return model;
}

core::Result<Model> model_of(const describe::Value& value) {
    auto model = describe::read<Model>(value);
    if (!model) {
        const describe::Mistake& first = model.error().front();
        return core::fail({"read", "model", first.path + ": " + first.why, first.advice, EINVAL});
    }
    return checked(std::move(*model));
}

core::Result<Model> model_of_json(std::string_view text) {
    auto value = describe::value_of_json(text);
    return value ? model_of(*value) : core::fail(std::move(value.error()));
}

std::string digest_of(const Model& model) { return digest_of(canonical_json(model)); }

} // namespace pfild::config
