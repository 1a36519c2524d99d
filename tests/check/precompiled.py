# SPDX-License-Identifier: BSD-2-Clause
"""The large headers of libraries, compiled once for all files that include the same of them: most of the time would go there.

A file that gets them first sees nothing that it does not include anyway. They could hide what a header of the project that comes
after them lacks; so such a header is to be looked at by itself, with no more of them than it includes.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import threading

import verdicts

LARGE = ("CLI/CLI.hpp", "fmt/format.h", "gmock/gmock.h", "gtest/gtest.h", "nlohmann/json.hpp", "spdlog/spdlog.h")
# What a syntax check has no use for, and what the libraries do not look at.
IDLE = re.compile(r"-(O.|g\d?)$")
OF_THE_FILE = re.compile(r"-(I|W|DPFILD_).*$")


def large_headers(sources, path):
    """Those that the file includes, itself or through headers of the project."""
    named = {name for behind in verdicts.files_behind(sources, [path]) for name in verdicts.INCLUDE.findall(sources.text(behind))}
    return tuple(name for name in LARGE if name in named)


class Precompiled:
    """In a folder of the caller's, who removes it, so that they are never older than the libraries."""

    def __init__(self, sources, folder):
        self._sources = sources
        self._folder = pathlib.Path(folder)
        self._headers = {}  # (names, flags) -> future of a path
        self._lock = threading.Lock()

    def command(self, path, command):
        """The same for a syntax check of this file, with its large headers ready."""
        words = [word for word in command if not IDLE.match(word)]
        names = large_headers(self._sources, path)
        if not names:
            return words
        key = (names, *(word for word in words if not OF_THE_FILE.match(word)))
        with self._lock:
            is_first = key not in self._headers
            header = self._headers.setdefault(key, concurrent.futures.Future())
            number = len(self._headers)
        if is_first:
            header.set_result(self._make(f"{number}.h", names, words))
        return [*words, "-include", str(header.result())]

    def _make(self, file, names, words):
        """Where that fails, the text is included instead, which takes longer."""
        header = self._folder / file
        header.write_text("".join(f"#include <{name}>\n" for name in names))
        subprocess.run([*words, "-x", "c++-header", header], cwd=self._sources.root, capture_output=True, check=False)
        return header
