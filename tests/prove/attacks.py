# SPDX-License-Identifier: BSD-2-Clause
"""scripts/prove attacks: the long form of prog/attack_frames.cpp and e2e/test_attack_fuzz.py.

Random packets of the grammar of tests/frames: so many by BPF_PROG_TEST_RUN and the engine, of which all readers must say the same; and
so many to hosts with open doors, with heads in TC and in XDP, of which none may get past rules, and none be wrongly stopped.
"""
import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse():
    parser = argparse.ArgumentParser(prog="scripts/prove attacks")
    parser.add_argument("--frames", type=int, default=1_000_000, help="by BPF_PROG_TEST_RUN (default: %(default)s)")
    parser.add_argument("--count", type=int, default=20_000, help="to listeners, in each mode (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same packets (default: %(default)s)")
    return parser.parse_args()


def holds(what, command, **environment):
    print(f"pfild prove: {what}", flush=True)
    settings = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PFILD_REQUIRE_ALL": "1", **settings}, check=False)
    return done.returncode == 0


def main():
    options = parse()
    folder = pathlib.Path(os.environ["PFILD_BIN_DIR"])
    prog = [folder / "tests" / "prog" / "prog", "--gtest_brief=1", "--gtest_filter=AttackFrames*"]
    fuzz = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e/test_attack_fuzz.py"]
    proved = [holds(f"{options.frames} packets, all readers", prog, PFILD_FRAMES=options.frames, PFILD_SEED=options.seed)]
    for mode in ("tc", "xdp"):
        environment = {"PFILD_TEST_MODE": mode, "PFILD_TEST_SECONDS": 3600, "PFILD_ATTACKS": options.count}
        proved.append(holds(f"{options.count} packets, {mode}", fuzz, PFILD_SEED=options.seed, **environment))
    print("proved" if all(proved) else "NOT proved: see above", flush=True)
    return 0 if all(proved) else 1


if __name__ == "__main__":
    sys.exit(main())
