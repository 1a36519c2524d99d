# SPDX-License-Identifier: BSD-2-Clause
"""Whether hosts find their neighbours: `ip neigh` after something was sent to one that was forgotten."""
from .judges import wait_until


def forget_neighbours(host, interface="eth0"):
    host.run("ip", "neigh", "flush", "dev", interface)


def knows_neighbour(host, address, interface="eth0"):
    entry = host.run("ip", "neigh", "show", address, "dev", interface).stdout
    return "lladdr" in entry and "FAILED" not in entry


def neighbour_resolves(host, address, interface="eth0", timeout_s=10):
    """Sends to a neighbour that was forgotten, and says whether it is known then, within the time."""
    forget_neighbours(host, interface)
    host.run("ping", "-c", "1", "-W", "0.1", "-I", interface, address, check=False)
    return wait_until(lambda: knows_neighbour(host, address, interface), timeout_s=timeout_s)
