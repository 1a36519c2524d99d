# SPDX-License-Identifier: BSD-2-Clause
"""Arrows point inward (docs/architecture.md): which folder may include what. Edges of the daemon never include each other; only
captures, interfaces, instance, rules/kernel_chains and main.cpp of daemon know more than one, and what owns attachments knows netlink alone. daemon/sys
(descriptors, errno, namespaces) is below the edges. The rooms inside of core, cbpf, bpfctl and daemon have arrows of their own (rooms.py), and no two files include each other."""
import re

import rooms
import sources as source_tree

EDGES = ("kernel", "xsk", "net", "api", "device")
INNER = ("core", "cbpf", "ebpf", "include")

# Of core, bpf devices may know what an error and a direction are, and nothing else.
CORE_OF_CAPTURE = ("core/error.h", "core/direction.h")

# A layer may include itself and these.
ALLOWED = {
    "include": (),
    "include/pfild/net": (),  # for programs that are compiled against it, and for devbpf, which serves them
    "ebpf": ("include",),
    "cbpf": ("ebpf", "include"),
    "core": ("cbpf", "ebpf", "include"),
    "capture": ("cbpf", "ebpf", "include"),
    "describe": INNER,
    "control": ("describe", "config", "capture", *INNER),
    "config": ("describe", *INNER),
    "disk": ("daemon/sys", "config", "describe", *INNER),  # of daemon/sys: descriptors and errno
    "filter": INNER,
    "bpf": ("include",),
    "client": ("core", "include"),
    "devbpf": ("client", "core", "include", "include/pfild/net"),
    "bpfctl": ("client", "control", "config", "disk", "describe", "filter", *INNER),
    "daemon/sys": INNER,
    **{f"daemon/{edge}": ("daemon/sys", "control", "describe", "capture", *INNER) for edge in EDGES},
    "daemon": ("daemon/sys", *(f"daemon/{edge}" for edge in EDGES), "control", "config", "disk", "describe", "capture", *INNER),
}

# Of daemon: what knows edges, and what of it knows only what a link is.
OVER_EDGES = re.compile(r"daemon/(captures/|interfaces/|instance/|rules/kernel_chains\.|main\.)")
OVER_NETLINK = re.compile(r"daemon/interfaces/(interfaces|following|coming|edges|attachment|known_interfaces|renames|lane_watch)\.")

# These are pure: no kernel interface, socket, clock, thread, log or file format.
IMPURE = re.compile(
    r"^(bpf|xdp|netlink|systemd|spdlog|nlohmann|toml\+\+|CLI|sys|net|linux|pcap)[/.]"
    r"|^(unistd|fcntl|poll|signal|time|pthread)\.h$|^(chrono|ctime|thread|mutex|fstream|iostream|filesystem|random|csignal)$"
)
PURE = ("include", "ebpf", "cbpf", "core", "capture", "describe", "control", "config")
PURE_EXCEPTIONS = {"linux/types.h"}  # fixed-width types, for headers that BPF programs share
# The one place each that knows how JSON and TOML are spelt.
SPELLING = {"describe/json.cpp": "nlohmann/json.hpp", "config/toml/values.cpp": "toml++/toml.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def layer_of(path):
    """The layer of a file; None for tests and what is none."""
    parts = path.split("/")
    if path.startswith("include/pfild/net/"):
        return "include/pfild/net"
    if parts[0] != "daemon":
        return parts[0] if parts[0] in ALLOWED else None
    return f"daemon/{parts[1]}" if parts[1] in (*EDGES, "sys") else "daemon"


def included_file(sources, path, name):
    """The file that an include leads to; None for a system header."""
    beside = path.rsplit("/", 1)[0] + "/" + name
    for candidate in (name, "include/" + name, beside):
        if candidate in sources.files:
            return candidate
    return None


def judge(sources, path, layer, name):
    """What is wrong with this include; None when nothing."""
    file = included_file(sources, path, name)
    target = file and layer_of(file)
    allowed = ALLOWED[layer]
    if layer == "daemon" and (OVER_NETLINK.match(path) or not OVER_EDGES.match(path)):
        netlink = ("daemon/net",) if OVER_NETLINK.match(path) else ()
        allowed = ("daemon/sys", *netlink, "control", "config", "disk", "describe", *INNER)
    if layer == "capture" and name in CORE_OF_CAPTURE:
        return None
    if target is not None and target != layer and target not in allowed:
        return f"{layer} must not include {target} ({name})"
    if layer in PURE and target is None and IMPURE.match(name) and name not in PURE_EXCEPTIONS and SPELLING.get(path) != name:
        return f"{layer} is pure and must not include <{name}>"
    return file and rooms.judge(path, layer, file)


def skeleton_includers(sources):
    """Each skeleton header has exactly one includer: its data would exist twice."""
    includers = {}
    for path in sources.code():
        for line in sources.lines(path):
            found = INCLUDE.match(line)
            name = found and (found[1] or found[2])
            if name and name.endswith(".skel.h"):
                includers.setdefault(name, []).append(path)
    return [f"{paths[1]}:1: {name} is already included by {paths[0]}" for name, paths in includers.items() if len(paths) > 1]


def violations(sources):
    found, includes = [], []
    for path in sources.code():
        layer = layer_of(path)
        if layer is None:
            continue
        for number, line in enumerate(sources.lines(path), 1):
            include = INCLUDE.match(line)
            wrong = include and judge(sources, path, layer, include[1] or include[2])
            if wrong:
                found.append(f"{path}:{number}: {wrong}")
            file = include and included_file(sources, path, include[1] or include[2])
            if file:
                includes.append((path, file))
    return found + list(rooms.circle_violations(includes)) + skeleton_includers(sources)


if __name__ == "__main__":
    source_tree.main(violations)
