# SPDX-License-Identifier: BSD-2-Clause
"""A tunnel interface of a host, whose packets begin with their IP header: `with Tunnel(lab.fw, "tun0", "198.51.100.1/24"): ..`.

Inside the host: `tunnel.py IFACE` holds its far end. stdin: one packet a line in hex, which comes in by the interface;
what goes out by it is thrown away.
"""
import fcntl
import os
import struct
import sys
import threading

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x1, 0x1000


class Tunnel:
    def __init__(self, host, interface, address):
        self._process = host.popen("/usr/bin/python3", __file__, interface, interactive=True)
        if self._process.popen.stdout.readline() != b"ready\n":
            raise AssertionError(f"tunnel {interface}: {self._process.stderr}")
        host.run("ip", "address", "add", address, "dev", interface)
        host.run("ip", "link", "set", interface, "up")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def receive(self, *packets):
        """As if they had come from the far end."""
        for packet in packets:
            self._process.tell(bytes(packet).hex())

    def close(self):
        """The interface goes with it."""
        self._process.close()


def main():
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))
    print("ready", flush=True)

    def drain():
        while True:
            os.read(tunnel, 1 << 16)

    threading.Thread(target=drain, daemon=True).start()
    for line in sys.stdin:
        os.write(tunnel, bytes.fromhex(line))


if __name__ == "__main__":
    main()
