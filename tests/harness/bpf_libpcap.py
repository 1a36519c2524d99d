# SPDX-License-Identifier: BSD-2-Clause
"""Debian's libpcap with its BPF back end, as it is, against include/pfild/net/bpf.h: what programs that are linked to libpcap use
on a BSD. Made once a build folder, of the source that the configured mirror has; nothing of it is kept elsewhere."""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from .programs import ROOT

_SWITCHES = ["--with-pcap=bpf", "--disable-dbus", "--disable-usb", "--disable-bluetooth", "--disable-rdma", "--disable-remote", "--without-libnl"]
_APT = pathlib.Path("/etc/apt")


def folder():
    """Of the library, for LD_LIBRARY_PATH. Skips if there is no mirror to take its source from."""
    place = pathlib.Path(os.environ["PFILD_BIN_DIR"]).resolve() / "tests" / "libpcap-bpf"
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:  # tests run beside each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_made(place):
            _make(place)
    return next(place.glob("libpcap-*/"))


def _header():
    return ROOT / "include" / "pfild" / "net" / "bpf.h"


def _is_made(place):
    libraries = list(place.glob("libpcap-*/libpcap.so"))
    return bool(libraries) and libraries[0].stat().st_mtime > _header().stat().st_mtime


def _make(place):
    source = next(place.glob("libpcap-*/"), None) or _fetch(place)
    includes = place / "include"
    for path in (includes / "net", includes / "sys" / "kern"):
        path.mkdir(parents=True, exist_ok=True)
    shutil.copy(_header(), includes / "net")
    (includes / "sys" / "kern" / "time.h").touch()  # Debian's patch for other kernels includes it
    environment = {**os.environ, "C_INCLUDE_PATH": str(includes)}
    for command in (["./configure", *_SWITCHES], ["make", "clean"], ["make", "-j2"]):
        done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"libpcap: {command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def _fetch(place):
    """apt-get source, with the configured mirrors as those of sources, and lists of its own."""
    (place / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    parts = place / "sources"
    parts.mkdir(exist_ok=True)
    files = [path for path in (_APT / "sources.list", *(_APT / "sources.list.d").glob("*")) if path.is_file()]
    for number, path in enumerate(files):
        text = re.sub(r"^Types:.*$", "Types: deb-src", path.read_text(), flags=re.MULTILINE)
        text = re.sub(r"^deb\s", "deb-src ", text, flags=re.MULTILINE)
        if "debian" in text:
            (parts / f"{number}{path.suffix}").write_text(text)
    options = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts, "Dir::State::lists": place / "lists",
               "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "root", "Acquire::Retries": 2}  # fmt: skip
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-q", *words, "update"], cwd=place, capture_output=True, check=False)
    done = subprocess.run(["apt-get", "-q", *words, "source", "libpcap"], cwd=place, capture_output=True, text=True, check=False)
    source = next(place.glob("libpcap-*/"), None)
    if done.returncode != 0 or source is None:
        pytest.skip(f"the mirror gives no source of libpcap: {done.stderr[-300:]}")
    return source
