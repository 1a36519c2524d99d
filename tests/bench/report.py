# SPDX-License-Identifier: BSD-2-Clause
"""The tables that people read."""
import os
import subprocess

from harness.programs import ROOT

from . import cbpf, latency
from .rounds import SPREAD_LIMIT


def _commit():
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown model")


def machine():
    return {
        "kernel": os.uname().release,
        "cpus": os.cpu_count(),
        "cpu_model": _cpu_model(),
        "commit": _commit(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def header(about, times):
    return (
        f"pfild bench: kernel {about['kernel']}, {about['cpus']} CPUs ({about['cpu_model']}), commit {about['commit']}, "
        f"load {about['load_average']}\n{times.rounds} interleaved rounds, windows of {times.window_s:g} s after "
        f"{times.warm_up_s:g} s of warm-up; a ratio is the median of the ratios of the rounds"
    )


def refusal(rows, column):
    """Why the figures must not be compared; None when they may."""
    spread = rows[0].spread(column)
    if spread <= SPREAD_LIMIT:
        return None
    return (
        f"  REFUSED: {rows[0].what} varied by {spread:.0%} between the rounds, more than {SPREAD_LIMIT:.0%}. Something else kept\n"
        "  this machine busy; no ratios are given, and the figures above say little. Try again when it is quiet."
    )


def _lines(columns, body):
    """Aligned: the first column to the left, the others to the right."""
    table = [columns, *body]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        text = line[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))
        yield f"  {text}".rstrip()


def _ratio(figure):
    return "-" if figure is None else f"{figure:.3f}" if figure < 0.1 else f"{figure:.2f}"


def rate_table(section, rows, column):
    """min, median and max of each row, and its ratio to the references."""
    refused = refusal(rows, column)
    by_name = {row.name: row for row in rows}
    references = [(by_name[name], title) for name, title in section.REFERENCES]
    columns = [column, "min", "median", "max", *(f"/ {title}" for _, title in references), "/ its like"]
    body = []
    for row in rows:
        others = [other for other, _ in references] + [by_name.get(row.beside)]
        ratios = ["" if refused or other in (row, None) else _ratio(row.against(other, column)) for other in others]
        body.append([row.what, *(f"{figure:.2f}" for figure in (row.low(column), row.median(column), row.high(column))), *ratios])
    return list(_lines(columns, body)) + ([refused] if refused else [])


def _added(row, other, column):
    """The difference to the reference; a dash when the reference itself varies too much."""
    if row is other:
        return ""
    return f"{row.above(other, column):+.1f}" if other.spread(column) <= SPREAD_LIMIT else "-"


def latency_table(rows):
    """Medians over the rounds of both percentiles, and what they are above the first row's."""
    refused = refusal(rows, "p50_us")
    columns = ["microseconds", "p50", "p99", "p99 min..max", "added p50", "added p99"]
    body = []
    for row in rows:
        added = [_added(row, rows[0], column) for column in latency.COLUMNS]
        between = f"{row.low('p99_us'):.0f}..{row.high('p99_us'):.0f}"
        body.append([row.what, f"{row.median('p50_us'):.1f}", f"{row.median('p99_us'):.1f}", between, *added])
    unsteady = rows[0].spread("p99_us") > SPREAD_LIMIT and not refused
    note = ["  -: the reference's p99 varied by more than 20% between the rounds"] if unsteady else []
    return list(_lines(columns, body)) + ([refused] if refused else note)


def section_text(section, rows):
    if section is latency:
        table = latency_table(rows)
    elif section is cbpf:
        refused = refusal(rows, "ns")
        table = list(cbpf.table(rows, _lines)) + ([refused] if refused else [])
    else:
        table = [line for column in columns_of(section) for line in (*rate_table(section, rows, column), "")][:-1]
    return "\n".join(["", section.TITLE, *(f"  {line}" for line in section.EXPLANATION), "", *table])


def columns_of(section):
    return getattr(section, "COLUMNS", None) or (section.COLUMN,)


def section_json(section, rows):
    column = columns_of(section)[0]
    return {
        "refused": refusal(rows, column) is not None,
        "rows": {row.name: {"what": row.what, **row.figures} for row in rows},
    }
