# SPDX-License-Identifier: BSD-2-Clause
"""The control socket, spoken to directly (docs/control-protocol.md): for readiness, and for requests no bpfctl would send."""
import json
import socket


def socket_path(name):
    return f"/run/pfild/{name}/control.sock"


class Control:
    """One connection. Answers come in the order of the requests."""

    def __init__(self, name, timeout_s=20.0):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(socket_path(name))
        except OSError:
            self._socket.close()
            raise
        self._received = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def send_bytes(self, data):
        self._socket.sendall(data)

    def send_with(self, data, descriptors):
        """The bytes, with descriptors beside them."""
        socket.send_fds(self._socket, [data], descriptors)

    def receive(self):
        """The next answer; None when the daemon has closed the connection."""
        line = self._received.readline()
        return json.loads(line) if line else None

    def call(self, verb, arguments=None, number=1):
        request = {"protocol": 2, "id": number, "verb": verb, "arguments": arguments or {}}
        self.send_bytes(json.dumps(request).encode() + b"\n")
        return self.receive()

    def close(self):
        self._received.close()
        self._socket.close()


def answers(name):
    """Is there a daemon of this name that answers?"""
    try:
        with Control(name) as control:
            return bool((control.call("version") or {}).get("ok"))
    except (OSError, ValueError):
        return False
