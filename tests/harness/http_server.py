# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server for transfers that are compared by their digest: `http_server.py PORT`, both families, no files.

GET /BYTES/SEED answers with so many bytes that follow from the seed; PUT / answers with the sha256 of what it was sent.
"""
import functools
import hashlib
import http.server
import random
import socket
import sys


@functools.lru_cache(maxsize=1)
def content(size_bytes, seed):
    """The same bytes on both ends."""
    return random.Random(seed).randbytes(size_bytes)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        size_bytes, seed = map(int, self.path.strip("/").split("/"))
        self._answer(content(size_bytes, seed))

    def do_PUT(self):
        digest = hashlib.sha256()
        left = int(self.headers["Content-Length"])
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                return
            digest.update(piece)
            left -= len(piece)
        self._answer(digest.hexdigest().encode())

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6  # :: serves IPv4 too
    daemon_threads = True


if __name__ == "__main__":
    with Server(("::", int(sys.argv[1])), Handler) as server:
        print("listening", flush=True)
        server.serve_forever()
