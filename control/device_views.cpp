// SPDX-License-Identifier: BSD-2-Clause
// What is shown of bpf devices, described. The order of fields is the order of the protocol.
#include "control/device_views.h"

#include "describe/terms.h"

namespace pfild::describe {

static void describe(Fields& fields, capture::DeviceCounts& counts) {
    fields.called("device_counts", "What became of packets: received = captured + filtered.");
    fields.required("received", counts.received, whole("packets"), "Offered to the filter, or lost.");
    fields.required("captured", counts.captured, whole("packets"), "Wanted by the filter, or lost.");
    fields.required("filtered", counts.filtered, whole("packets"), "Not wanted.");
    fields.required("delivered", counts.delivered, whole("packets"), "Taken by a reader.");
    fields.required("dropped", counts.dropped, whole("packets"), "No room in the buffers, or lost.");
    fields.required("lost", counts.lost, whole("packets"), "Of the dropped: never came as far as the filter.");
    fields.required("flushed", counts.flushed, whole("packets"), "Thrown away unread: flush, new filter, close.");
}

} // namespace pfild::describe

namespace pfild::control {

using namespace describe;

namespace {

constexpr std::size_t kMostDevices = 1024; ///< config::kMaxDevices

} // namespace

void describe(Fields& fields, DeviceView& view) {
    fields.required("number", view.number, whole(), "Of the device.");
    fields.required("pid", view.pid, whole(), "Who has used it last.");
    fields.required("uid", view.uid, whole(), "Who has opened it.");
    fields.required("interface", view.interface, text(127), "Or `any`; empty: none yet, or none any more.");
    fields.required("state", view.state, word(capture::kDeviceStateNames),
                    "Whether it has an interface, or has lost it.");
    fields.required("buffer_size", view.buffer_size, whole("bytes"), "Of one of its two buffers.");
    fields.required("promiscuous", view.promiscuous, flag(), "The interface is promiscuous for it.");
    fields.required("immediate", view.immediate, flag(), "Each packet can be read at once.");
    fields.required("header_complete", view.header_complete, flag(), "It fills in whole headers when it writes.");
    fields.required("nonblocking", view.nonblocking, flag(), "Its reads do not wait.");
    fields.required("directions", view.directions, directions(), "Of the packets that it sees.");
    fields.required("waits", view.waits, flag(), "A read waits.");
    describe(fields, view.counts);
    fields.required("buffered", view.buffered, whole("packets"), "That nobody has read yet.");
    fields.called("device", "An open bpf device; packets are counted since its last flush.");
}

void describe(Fields& fields, PeersView& view) {
    fields.called("peers", "The open bpf devices.");
    fields.required("count", view.count, whole(), "How many there are.");
    fields.required("devices", view.devices, list(object(), kMostDevices), "In the order of their numbers.");
    fields.required("totals", view.totals, object(), "Of all that there are or were since the daemon started.");
}

void describe(Fields& fields, SysctlView& view) {
    fields.called("sysctl", "The variables net.bpf.");
    fields.required("maxbufsize", view.maxbufsize, whole("bytes"), "The largest buffer that a device can have.");
    fields.required("bufsize", view.bufsize, whole("bytes"), "That of a new device.");
    fields.required("maxinsns", view.maxinsns, whole(), "Instructions of the longest filter.");
    fields.required("stats", view.stats, object(), "Of all devices that there are or were since the daemon started.");
    fields.required("peers", view.peers, list(object(), kMostDevices), "Open devices; yours, unless you are root.");
}

} // namespace pfild::control
