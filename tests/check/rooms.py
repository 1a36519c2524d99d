# SPDX-License-Identifier: BSD-2-Clause
"""Arrows below the first folder: which rooms a folder has, what each may include, and that no two files include each other.

A room is the files of its pattern that no earlier row has. It may include itself and the rooms of the same folder that are named
with it. What other folders may see of core is in OF_CORE.
"""
import os
import re

ROOMS = {
    "cbpf": (
        ("cbpf/analysis", r"cbpf/analysis/", ("cbpf",)),
        ("cbpf/jit", r"cbpf/jit/", ("cbpf",)),
        ("cbpf/text", r"cbpf/text[./]", ("cbpf",)),
        ("cbpf/reduce", r"cbpf/reduce/", ("cbpf", "cbpf/analysis")),
        ("cbpf/lower", r"cbpf/lower/", ("cbpf", "cbpf/analysis", "cbpf/jit", "cbpf/flow")),
        ("cbpf/machine", r"cbpf/machine\.", ("cbpf", "cbpf/jit")),
        ("cbpf/flow", r"cbpf/(flow_dependence|flow_value|flow_packet|as_it_is|upkeep)\.", ("cbpf", "cbpf/analysis")),
        ("cbpf", r"cbpf/", ()),
    ),
    "core": (
        ("core/pfil", r"core/pfil/", ("core",)),
        ("core/flow", r"core/flow/", ("core", "core/pfil")),
        ("core/chain", r"core/chain/", ("core", "core/pfil")),
        ("core/engine", r"core/engine\.", ("core", "core/pfil", "core/flow")),
        ("core", r"core/", ()),
    ),
    "bpfctl": (
        ("bpfctl/text", r"bpfctl/text/", ("bpfctl",)),
        ("bpfctl/filter", r"bpfctl/filter/", ("bpfctl", "bpfctl/text")),
        ("bpfctl/capture", r"bpfctl/capture/", ("bpfctl", "bpfctl/text", "bpfctl/front")),
        ("bpfctl/verbs", r"bpfctl/verbs/", ("bpfctl", "bpfctl/text", "bpfctl/filter", "bpfctl/capture", "bpfctl/front")),
        ("bpfctl/front", r"bpfctl/(main|run|command_line|help)\.", ("bpfctl", "bpfctl/text")),
        ("bpfctl", r"bpfctl/", ()),
    ),
    "daemon": (
        ("daemon/rules", r"daemon/rules/", ()),
        ("daemon/guard", r"daemon/guard/", ()),
        ("daemon/captures", r"daemon/captures/", ()),
        ("daemon/interfaces", r"daemon/interfaces/", ()),
        ("daemon/instance", r"daemon/instance/", ("daemon", "daemon/rules", "daemon/guard", "daemon/captures", "daemon/interfaces")),
        ("daemon/main", r"daemon/main\.", ("daemon", "daemon/instance")),
        ("daemon", r"daemon/[^/]+$", ()),
    ),
}

# Layers that may see a part of core only: rooms of core.
OF_CORE = {
    "client": ("core",),
    "devbpf": ("core",),
    "filter": ("core",),
    "bpfctl": ("core", "core/flow"),
    "daemon/sys": ("core",),
    "daemon/net": ("core",),
    "daemon/device": ("core",),
    "daemon/xsk": ("core", "core/engine"),
    "daemon/kernel": ("core", "core/pfil", "core/flow"),
    "daemon/api": ("core", "core/pfil", "core/flow"),
}

def room_of(path):
    """(room, what it may include of its folder); None where a folder has no rooms, or the file is in none."""
    for room, pattern, allowed in ROOMS.get(path.split("/")[0], ()):
        if re.match(pattern, path):
            return room, allowed
    return None


def judge(path, layer, target_path):
    """What is wrong with an include that leads to `target_path`; None when nothing."""
    target = room_of(target_path)
    if target is None:
        return None
    own = room_of(path)
    if own is not None and own[0].split("/")[0] == target[0].split("/")[0]:
        if target[0] not in (own[0], *own[1]):
            return f"{own[0]} must not include {target[0]} ({target_path})"
    elif target[0].startswith("core") and target[0] not in OF_CORE.get(layer, (target[0],)):
        return f"{layer} must not include {target[0]} ({target_path})"
    return None


def unit_of(path):
    """A header and its source are one."""
    return os.path.splitext(path)[0]


def circles_of(graph):
    """Sets of nodes that reach each other (Tarjan)."""
    number, lowest, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in number:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == number[node]:
            circle = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(circle) > 1:
                found.append(tuple(sorted(circle)))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def circle_violations(includes):
    """includes: pairs (path, path that it includes), of what is no test."""
    graph = {}
    for path, target in includes:
        if unit_of(path) != unit_of(target):
            graph.setdefault(unit_of(path), set()).add(unit_of(target))
    for circle in circles_of(graph):
        yield f"{circle[0]}:1: includes itself by way of {', '.join(circle[1:])}"
