// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl peers`: the open bpf devices, and whose they are.
#include "bpfctl/text/peers.h"
#include "bpfctl/command_name.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of_peers(const Exchange& exchange) {
    const Json& devices = member(exchange.result, "devices");
    if (devices.empty()) {
        return "No bpf device is open. Open one: bpfctl capture IFACE\n";
    }
    return peers_text(devices, command_name) + '\n' + counted(devices.size(), "device") + '\n';
}

} // namespace

const Verb kPeers{
    .name = "peers",
    .synopsis = "",
    .summary = "open bpf devices, whose they are and what they counted",
    .notes = "All of them for root; else those that you have opened.\n"
             "\n"
             "Received are the packets that the device's filter was shown, Captured those it wanted, Dropped those of\n"
             "them that found no room, Buffered those that nobody has read yet. Counters begin anew when a device is\n"
             "flushed or its filter changed.\n"
             "\n"
             "Sees is the direction of the packets. Flags:\n"
             "  p  the interface is promiscuous for it\n"
             "  i  immediate: each packet can be read\n"
             "  h  it fills in whole headers when it writes\n"
             "  n  its reads do not wait\n"
             "  w  a read waits\n"
             "\n"
             "Command is what the process is called here; it may have handed its device to another.\n",
    .request = "peers",
    .declare = no_arguments,
    .text = text_of_peers,
};

} // namespace pfild::bpfctl
