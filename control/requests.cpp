// SPDX-License-Identifier: BSD-2-Clause
// The arguments of each verb, described.
#include "control/requests.h"

#include "capture/hold.h"
#include "config/settings.h"
#include "control/attach_fields.h"
#include "describe/terms.h"

namespace pfild::control {

using namespace describe;

void describe(Fields& fields, NoArguments& /*none*/) { fields.called("nothing", "No arguments."); }

void describe(Fields& fields, AttachRequest& request) {
    fields.called("attach_request", "An interface that gets heads. The configuration may have other defaults.");
    describe_attach(fields, request);
    fields.optional("turned_off", request.turned_off, list(name(31), 16),
                    "Offloads that an earlier run has turned off and the detach shall turn on.");
}

void describe(Fields& fields, DetachRequest& request) {
    fields.called("detach_request", "An interface that loses its heads.");
    fields.required("interface", request.interface, interface_name(), "The interface.");
}

void describe(Fields& fields, ListRequest& request) {
    fields.called("list_request", "The two-step lists of PF-32.");
    fields.optional("most", request.most, whole(), "Entries in the answer; null: all.");
}

void describe(Fields& fields, HookAddRequest& request) {
    fields.called("hook_add_request", "A hook to be made.");
    fields.required("name", request.name, hook_name(), "`MODULE:NAME`.");
    fields.required("type", request.type, word(core::kHeadTypeNames), "Which packets it is shown.");
    fields.required("on_match", request.on_match, word(core::kOnMatchNames), "What becomes of packets that match.");
    fields.optional("filter", request.filter, text(),
                    "The expression that the program came from; shown, never compiled.");
    fields.required("program", request.program, program(), "The program, from the header on that the type names.");
    fields.required("dlt", request.dlt, whole(), "The DLT number that the program was compiled for.");
    fields.optional("run", request.run, word(core::kRunsInNames), "Where it shall run.");
    fields.optional("neighbours", request.neighbours, word(core::kNeighboursNames),
                    "What it shall be asked of that which keeps the link up.");
    fields.optional("force", request.force, flag(), "Make it also if it can match no packet of its type.");
    fields.optional("compiled", request.compiled, word(core::kCompiledNames),
                    "How the program came from its expression; shown, never believed.");
}

void describe(Fields& fields, HookRequest& request) {
    fields.called("hook_request", "A hook by its name.");
    fields.required("name", request.name, hook_name(), "`MODULE:NAME`.");
}

namespace {

void describe_link(Fields& fields, core::LinkRequest& request) {
    fields.required("hook", request.hook, hook_name(), "The hook, `MODULE:NAME`.");
    fields.required("head", request.head, head_name(), "`inet`, `inet6`, `ethernet` or an attached interface.");
    fields.required("directions", request.directions, directions(), "Of the packets.");
}

} // namespace

void describe(Fields& fields, LinkRequest& request) {
    fields.called("link_request", "Which packets shall meet a hook.");
    describe_link(fields, request);
    fields.optional("append", request.append, flag(), "Furthest from the wire instead of nearest (PF-20).");
}

void describe(Fields& fields, UnlinkRequest& request) {
    fields.called("unlink_request", "Which packets shall meet a hook no more.");
    describe_link(fields, request);
}

void describe(Fields& fields, StatsRequest& request) {
    fields.called("stats_request", "Whose counters.");
    fields.optional("interface", request.interface, interface_name(),
                    "Of the interfaces only this one, which is attached; null: all.");
}

void describe(Fields& fields, PanicRequest& request) {
    fields.called("panic_request", "Whether all packets shall be dropped.");
    fields.required("on", request.on, flag(), "From now on, or no longer.");
}

void describe(Fields& fields, SysctlSetRequest& request) {
    constexpr std::uint64_t kLeast = std::uint64_t{config::kMinCaptureBuffer} << 10U; // KiB there
    constexpr std::uint64_t kMost = std::uint64_t{config::kMaxCaptureBuffer} << 10U;
    fields.called("sysctl_set_request", "New values of variables net.bpf, until the daemon ends.");
    fields.optional("maxbufsize", request.maxbufsize, whole(kLeast, kMost),
                    "Bytes: the largest buffer that a device can have.");
    fields.optional("bufsize", request.bufsize, whole(capture::Hold::kSmallest, kMost),
                    "Bytes: the buffer of a new device; no more than `maxbufsize`.");
}

void describe(Fields& fields, FlowsRequest& request) {
    constexpr std::uint64_t kMost = 256; // an answer of less than 160 KiB, which a client takes in time
    fields.called("flows_request", "A part of the flow table.");
    fields.optional("from", request.from, whole(), "The place in the table to begin at: 0, or `next` of an answer.");
    fields.optional("most", request.most, whole(1, kMost), "Flows in the answer.");
}

} // namespace pfild::control
