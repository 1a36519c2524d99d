# SPDX-License-Identifier: BSD-2-Clause
"""Where the programs under test are: PFILD_BIN_DIR is the build folder; PFILD_BPFCTL is bpfctl if the build has none (ctest
sets both)."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARNESS = ROOT / "tests" / "harness"
LAB = ROOT / "scripts" / "lab"

_PLACES = {"pfild": "daemon/pfild", "bpfctl": "bpfctl/bpfctl", "udp_flow": "tests/harness/udp_flow",
           "attack_frames": "tests/harness/attack_frames", "messages": "packaging/messages", "pfild-devbpf": "devbpf/pfild-devbpf", "generate": "tests/bench/bench_generate"}  # fmt: skip


def schema_folder():
    """The JSON Schema files of the control protocol, as they are installed to share/pfild/schema."""
    folder = pathlib.Path(os.environ["PFILD_BIN_DIR"]).resolve() / "packaging" / "schema"
    if not folder.is_dir():
        raise RuntimeError(f"{folder} is not there: build the target `messages`")
    return folder


def program(name):
    """The path of a built program; an error that says what to do when it is not there."""
    folder = os.environ.get("PFILD_BIN_DIR")
    if folder is None:
        raise RuntimeError("PFILD_BIN_DIR is not set: give the build folder, e.g. PFILD_BIN_DIR=build/release")
    path = pathlib.Path(folder).resolve() / _PLACES[name]
    if name == "bpfctl" and "PFILD_BPFCTL" in os.environ:
        path = pathlib.Path(os.environ["PFILD_BPFCTL"]).resolve()
    if not path.exists():
        raise RuntimeError(f"{path} is not built")
    return str(path)


def program_environment():
    """For programs that start others of the build: `bpfctl rescue` pfild, `bpfctl devbpf run` pfild-devbpf."""
    folders = [os.path.dirname(program("pfild"))]
    devbpf = pathlib.Path(os.environ["PFILD_BIN_DIR"]).resolve() / "devbpf"
    return {**os.environ, "PATH": ":".join([*folders, str(devbpf), os.environ["PATH"]])}
