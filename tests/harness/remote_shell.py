# SPDX-License-Identifier: BSD-2-Clause
"""A server that runs commands for who is connected to it by TCP, as sshd does, and a client of it.

    RemoteShell(server_host, client_host, port)     connects
      .run("true")                    -> (exit code, what it said), which came over the connection
      .run_in_tmux("true")            -> the same; the command runs in tmux, whose client runs on a terminal of the server's child

The process that holds the socket is an ancestor of what it runs, and the socket is inherited by nobody.
"""
import json
import pathlib
import select
import socket
import subprocess
import sys
import time


class RemoteShell:
    def __init__(self, server, client, port, name="python3", address="192.0.2.2", source="", relay_port=None):
        """name: of the server's process. source: the client's address. relay_port: another process of the server's host listens
        there for the client, and is connected to the server by 127.0.0.1."""
        script = [sys.executable, "-B", pathlib.Path(__file__).resolve()]
        self._server = server.popen(*script, "serve", "::" if ":" in address else "", port, name)
        self._server.wait_for_output("listening")
        self._relay = None
        if relay_port is not None:
            self._relay = server.popen(*script, "relay", relay_port, port)
            self._relay.wait_for_output("listening")
        self._client = client.popen(*script, "talk", address, relay_port or port, source, interactive=True)
        assert self.run("true") == (0, "")

    def run(self, *command, timeout_s=20):
        self.begin(*command)
        return self.end(timeout_s)

    def run_in_tmux(self, *command, timeout_s=20):
        self._ask({"command": list(map(str, command)), "tmux": True})
        return self.end(timeout_s)

    def begin(self, *command):
        self._ask({"command": list(map(str, command)), "tmux": False})

    def end(self, timeout_s=20):
        """What became of the command that was begun."""
        answer = self.answer_within(timeout_s)
        assert answer is not None, f"no answer over the connection in {timeout_s} s"
        return answer

    def answer_within(self, timeout_s):
        """None: there is none yet."""
        ready, _, _ = select.select([self._client.popen.stdout], [], [], timeout_s)
        return tuple(json.loads(self._client.popen.stdout.readline())) if ready else None

    def close(self):
        self._client.close()
        if self._relay is not None:
            self._relay.close()
        self._server.close()

    def _ask(self, question):
        self._client.tell(json.dumps(question))


def _run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def _run_in_tmux(command):
    import os
    import pty
    import shlex
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pfild-test-") as folder:
        out, code = os.path.join(folder, "out"), os.path.join(folder, "code")
        line = f"{shlex.join(command)} >{out} 2>&1; echo $? >{code}.new; mv {code}.new {code}"
        child, terminal = pty.fork()
        if child == 0:
            os.environ["TERM"] = "vt100"
            os.execvp("tmux", ["tmux", "-S", os.path.join(folder, "tmux"), "-f", "/dev/null", "new-session", line])
        deadline = time.monotonic() + 15
        while not os.path.exists(code) and time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 0.02)
            try:
                said = os.read(terminal, 65536) if ready else b""
            except OSError:  # the client has ended
                said = b""
                time.sleep(0.02)
            del said
        os.close(terminal)
        subprocess.run(["tmux", "-S", os.path.join(folder, "tmux"), "kill-server"], capture_output=True)
        os.waitpid(child, 0)
        return int(pathlib.Path(code).read_text()), pathlib.Path(out).read_text()


def _serve(at, port, name):
    pathlib.Path("/proc/self/comm").write_text(name)
    with socket.create_server((at, port), family=socket.AF_INET6 if at else socket.AF_INET) as listener:
        print("listening", flush=True)
        connection, _ = listener.accept()
        for line in connection.makefile():
            question = json.loads(line)
            answer = (_run_in_tmux if question["tmux"] else _run)(question["command"])
            connection.sendall(json.dumps(answer).encode() + b"\n")


def _relay(port, to_port):
    with socket.create_server(("", port)) as listener, socket.create_connection(("127.0.0.1", to_port)) as server:
        print("listening", flush=True)
        client, _ = listener.accept()
        while True:
            for one in select.select([client, server], [], [])[0]:
                data = one.recv(65536)
                if not data:
                    return
                (server if one is client else client).sendall(data)


def _talk(address, port, source):
    with socket.create_connection((address, port), source_address=(source, 0) if source else None) as connection:
        answers = connection.makefile()
        for line in sys.stdin:
            connection.sendall(line.encode())
            sys.stdout.write(answers.readline())
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    elif sys.argv[1] == "relay":
        _relay(int(sys.argv[2]), int(sys.argv[3]))
    else:
        _talk(sys.argv[2], int(sys.argv[3]), sys.argv[4])
