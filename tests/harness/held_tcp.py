# SPDX-License-Identifier: BSD-2-Clause
"""A TCP connection that is held open and used now and then, as that of an administrator."""
import sys

from .process import Process

_SERVER = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as listening:
    print("ready", flush=True)
    connection, _ = listening.accept()
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)
"""
_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    print("ready", flush=True)
    received = connection.makefile()
    for line in sys.stdin:
        connection.sendall(line.encode())
        print(received.readline(), end="", flush=True)
"""


class HeldTcp:
    """From one host to another, which sends back what it gets."""

    def __init__(self, client, server, address="192.0.2.2", port=22):
        self._server = Process(server.inside([sys.executable, "-B", "-c", _SERVER, port]))
        self._server.wait_for_output("ready")
        self._client = Process(client.inside([sys.executable, "-B", "-c", _CLIENT, address, port]), listening=True)
        self._client.wait_for_output("ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()
        self._server.close()

    def say(self, word):
        self._client.popen.stdin.write(f"{word}\n".encode())
        self._client.popen.stdin.flush()

    def heard(self, word):
        """Has it come back?"""
        return word in self._client.stdout.split()
