# SPDX-License-Identifier: BSD-2-Clause
"""Undoing what tests have done, whatever ends them: a finalizer, the end of the interpreter, SIGTERM, SIGINT or SIGHUP.

Everything that a test makes outside itself registers its undoing here before it makes it. Undoings run once, last first,
and one that fails does not keep the others from running. After SIGKILL nothing runs; for that case child processes die with
us (process.py) and the names of labs carry our process id, so that the next session can remove them (lab.py).
"""
import atexit
import signal
import sys

_undoings = {}
_next_key = 0


def register(undo):
    """Remembers undo(); returns the key with which it is done or forgotten."""
    global _next_key
    _next_key += 1
    _undoings[_next_key] = undo
    return _next_key


def run(key):
    """Does what was registered under `key`, once."""
    undo = _undoings.pop(key, None)
    if undo is not None:
        undo()


def run_all():
    for key in sorted(_undoings, reverse=True):
        try:
            run(key)
        except Exception as error:  # the others must still run
            print(f"cleanup: {error}", file=sys.stderr)


def _end_by_signal(number, _frame):
    sys.exit(128 + number)


def install():
    """Called once, by the main thread."""
    atexit.register(run_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_by_signal)
