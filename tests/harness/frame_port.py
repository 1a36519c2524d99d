# SPDX-License-Identifier: BSD-2-Clause
"""Sends and captures raw frames on one interface: `frame_port.py IFACE`, run inside a namespace by frames.py.

stdin: one frame a line in hex, sent as it is. stdout: "ready", then one JSON object for each frame seen on the interface:
its bytes with all tags in place ("frame"), whether the outermost tag was in the skb's metadata ("tag_in_metadata"), the
direction ("outgoing") and the time. Ends when stdin does. Two threads: one a direction.
"""
import errno
import json
import os
import socket
import struct
import sys
import threading
import time

SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_OUTGOING = 4
ETH_P_ALL = 3
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata: status, len, snaplen, mac, net, vlan_tci, vlan_tpid


def open_socket(interface):
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    packets.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    packets.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    packets.bind((interface, ETH_P_ALL))
    return packets


def with_metadata_tag(frame, ancillary):
    """The frame with the tag that the kernel keeps beside it put back, and whether there was one."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(data[: AUXDATA.size])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:], True
    return frame, False


def capture(packets):
    while True:
        raw, ancillary, _, address = packets.recvmsg(1 << 17, socket.CMSG_SPACE(AUXDATA.size))
        frame, tagged = with_metadata_tag(raw, ancillary)
        seen = {"frame": frame.hex(), "tag_in_metadata": tagged, "outgoing": address[2] == PACKET_OUTGOING}
        print(json.dumps({**seen, "time": time.monotonic()}), flush=True)


def main():
    packets = open_socket(sys.argv[1])
    print("ready", flush=True)  # before the first frame can be printed; those of the meantime wait in the socket
    threading.Thread(target=capture, args=(packets,), daemon=True).start()
    for line in sys.stdin:
        try:
            packets.send(bytes.fromhex(line))
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # a filter at the egress has dropped it
                raise
    os._exit(0)  # the capturing thread sits in recvmsg


if __name__ == "__main__":
    main()
