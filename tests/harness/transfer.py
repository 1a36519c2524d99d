# SPDX-License-Identifier: BSD-2-Clause
"""TCP transfers by curl against http_server.py, judged by sha256."""
import functools
import hashlib
import subprocess
import tempfile
import time
from dataclasses import dataclass

from .http_server import content
from .programs import HARNESS


@dataclass(frozen=True)
class Transfer:
    ok: bool  # curl succeeded and the digest is right
    seconds: float
    error: str  # curl's words when it failed


class HttpServer:
    """Serves on all addresses of a host until it is closed."""

    def __init__(self, host, port=8080):
        self._port = port
        self._process = host.popen("/usr/bin/python3", HARNESS / "http_server.py", port)
        self._process.wait_for_output("listening")

    def download(self, client, address, size_bytes, seed=1, timeout_s=60):
        """From the server to `client`."""
        with tempfile.NamedTemporaryFile() as body:
            started = time.monotonic()
            done = _curl(client, timeout_s, "-o", body.name, f"{self._url(address)}/{size_bytes}/{seed}")
            seconds = time.monotonic() - started
            got = hashlib.sha256(body.read()).hexdigest()
        return Transfer(done.returncode == 0 and got == _digest(size_bytes, seed), seconds, done.stderr.strip())

    def upload(self, client, address, size_bytes, seed=2, timeout_s=60):
        """From `client` to the server."""
        with tempfile.NamedTemporaryFile() as body:
            body.write(content(size_bytes, seed))
            body.flush()
            started = time.monotonic()
            done = _curl(client, timeout_s, "-T", body.name, f"{self._url(address)}/")
            seconds = time.monotonic() - started
        right = done.stdout.strip() == _digest(size_bytes, seed)
        return Transfer(done.returncode == 0 and right, seconds, done.stderr.strip())

    def close(self):
        self._process.close()

    def _url(self, address):
        return f"http://[{address}]:{self._port}" if ":" in address else f"http://{address}:{self._port}"


def _curl(client, timeout_s, *arguments):
    # -q: no ~/.curlrc. No proxy either: the lab reaches nothing but itself.
    command = ["curl", "-q", "-sS", "-g", "--noproxy", "*", "--max-time", timeout_s, "-H", "Expect:", *arguments]
    try:
        return client.run(*command, check=False, timeout_s=timeout_s + 10)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


@functools.cache
def _digest(size_bytes, seed):
    return hashlib.sha256(content(size_bytes, seed)).hexdigest()
