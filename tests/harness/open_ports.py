# SPDX-License-Identifier: BSD-2-Clause
"""A host on which TCP ports are open; who connects is accepted and let go.

Inside a host: `open_ports.py PORT..` listens on all addresses, both families, until it is killed.
"""
import select
import socket
import sys


class OpenPorts:
    """`with OpenPorts(lab.fw, 23, 24): ..`"""

    def __init__(self, host, *ports):
        self._process = host.popen("/usr/bin/python3", "-u", __file__, *ports)
        self._process.wait_for_output("listening")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._process.close()


def _listen(ports):
    listening = []
    for port in ports:
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            tcp = socket.socket(family, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tcp.bind((any_address, port))
            tcp.listen(1024)
            listening.append(tcp)
    print("listening")
    while True:
        for tcp in select.select(listening, [], [])[0]:
            tcp.accept()[0].close()


if __name__ == "__main__":
    _listen(list(map(int, sys.argv[1:])))
