# SPDX-License-Identifier: BSD-2-Clause
"""Makes tests/harness and its fixtures known to the tests of this folder, which run in a virtual machine only."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

pytest_plugins = ["harness.fixtures"]
