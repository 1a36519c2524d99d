# SPDX-License-Identifier: BSD-2-Clause
"""A file system without room."""


def fill(folder):
    """Takes all that is left."""
    with open(folder / "ballast", "wb", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                pass
