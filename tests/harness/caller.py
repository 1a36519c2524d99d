# SPDX-License-Identifier: BSD-2-Clause
"""Somebody who tries one TCP port all the time. A rule that must hold throughout must never let one connection come about."""
import sys

from .process import Process

_PROGRAM = """
import socket, sys, time
address, port, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
while True:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        one.settimeout(0.05)
        try:
            one.connect((address, port))
            print("came in", flush=True)
        except OSError:
            print("kept out", flush=True)
    time.sleep(pause)
"""
_LISTENER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], int(sys.argv[2])), family=family, backlog=4096) as server:
    print("listens", flush=True)
    while True:
        server.accept()[0].close()
"""


class Caller:
    """Calls from one host at a port of another, where somebody listens."""

    def __init__(self, host, target, address="192.0.2.2", port=23, pause_s=0.005):
        self._listener = Process(target.inside([sys.executable, "-B", "-c", _LISTENER, address, port]))
        self._listener.wait_for_output("listens")
        self._calls = Process(host.inside([sys.executable, "-B", "-c", _PROGRAM, address, port, pause_s]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._calls.close()
        self._listener.close()

    @property
    def came_in(self):
        return self._calls.stdout.count("came in")

    @property
    def kept_out(self):
        return self._calls.stdout.count("kept out")
