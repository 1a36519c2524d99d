# SPDX-License-Identifier: BSD-2-Clause
"""The tables that people read."""
import os
import subprocess

from harness.programs import ROOT

from . import cbpf, latency, packet_rates, references
from .rounds import SPREAD_LIMIT, Row


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


def refusal(section, measured, column):
    """Why the figures must not be compared, in a sentence; None when they may. `measured`: rows, those of the references too."""
    if all(len(figures) < 2 for row in measured for figures in row.figures.values()):
        return "one round does not tell whether the machine is quiet"
    if references.are_in(measured) and (why := references.refusal(measured)):
        return why
    first = next(row for row in measured if row.name not in references.NAMES or section is packet_rates)
    if not first.steady(column):
        return f"{first.what} varied by {first.spread(column):.0%} between the rounds, more than {SPREAD_LIMIT:.0%}"
    return None


def _refused(why):
    return [
        f"  REFUSED: {why}.",
        "  No ratios are given, and the figures above say little: try again when nothing else keeps the machine busy.",
    ]


def _lines(columns, body):
    """Aligned: the first column to the left, the others to the right."""
    table = [columns, *body]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        text = line[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))
        yield f"  {text}".rstrip()


def _ratio(figure):
    return "-" if figure is None else f"{figure:.3f}" if figure < 0.1 else f"{figure:.2f}"


def _percent(figure):
    return "-" if figure is None else f"{figure:.2f}"


def _unsteady_note(rows, column):
    wild = [row.what for row in rows if not row.steady(column)]
    return [f"  ?: varied by more than {SPREAD_LIMIT:.0%} between the rounds, so that no ratio is given"] if wild else []


def rate_table(section, rows, column, refused):
    """min, median and max of each row, what it takes over the bare program, and its ratio to the references."""
    by_name = {row.name: row for row in rows}
    shown = [(by_name[name], title) for name, title in section.REFERENCES]
    in_ns = column == references.COLUMN
    columns = [column, "min", "median", "max", *(("ns", "+ns") if in_ns else ()), *(f"/ {title}" for _, title in shown), "/ its like"]
    body = []
    for row in rows:
        comparable = not refused and row.steady(column)
        others = [other for other, _ in shown] + [by_name.get(row.beside)]

        def cell(other, write, row=row, comparable=comparable):
            if refused or other in (row, None):
                return ""
            return write(other) if comparable and other.steady(column) else "?"

        cells = [f"{figure:.2f}" for figure in (row.low(column), row.median(column), row.high(column))]
        if in_ns:
            above = cell(by_name.get(row.bare), lambda bare, row=row: _added_ns(row.above_ns(bare, column)))
            cells += [f"{1e3 / row.median(column):.0f}" if row.median(column) else "-", above]
        body.append([row.what, *cells, *(cell(other, lambda one, row=row: _ratio(row.against(one, column))) for other in others)])
    return list(_lines(columns, body)) + (_refused(refused) if refused else _unsteady_note(rows, column))


def _added_ns(figure):
    return "-" if figure is None else f"{figure:+.0f}"


def arrived_table(rows):
    """What of the packets offered at a fixed rate arrived: the worst round. Nothing to refuse: a busy machine loses more."""
    offered = list(dict.fromkeys(column for row in rows for column in row.figures if column.startswith("arrived")))
    body = [[row.what, *(_percent(row.low(column) if column in row.figures else None) for column in offered)] for row in rows if offered]
    return list(_lines(["percent, worst round", *offered], [line for line in body if any(cell != "-" for cell in line[1:])]))


def _added(row, other, column):
    """The difference to the reference; a dash when the reference itself varies too much."""
    if row is other:
        return ""
    return f"{row.above(other, column):+.1f}" if other.steady(column) else "-"


def latency_table(rows, refused):
    """Medians over the rounds of both percentiles, and what they are above the first row's."""
    columns = ["microseconds", "p50", "p99", "p99 min..max", "added p50", "added p99"]
    body = []
    for row in rows:
        added = ["" if refused else _added(row, rows[0], column) for column in latency.COLUMNS]
        between = f"{row.low('p99_us'):.0f}..{row.high('p99_us'):.0f}"
        body.append([row.what, f"{row.median('p50_us'):.1f}", f"{row.median('p99_us'):.1f}", between, *added])
    unsteady = not rows[0].steady("p99_us") and not refused
    note = ["  -: the reference's p99 varied by more than 20% between the rounds"] if unsteady else []
    return list(_lines(columns, body)) + (_refused(refused) if refused else note)


def section_text(section, rows, guards):
    """`guards`: the rows of the references, if they are not among the section's own."""
    refused = refusal(section, [*guards, *rows], columns_of(section)[0])
    if section is latency:
        table = latency_table(rows, refused)
    elif section is cbpf:
        table = list(cbpf.table(rows, _lines)) + (_refused(refused) if refused else [])
    else:
        table = [line for column in columns_of(section) for line in (*rate_table(section, rows, column, refused), "")]
        table = table + arrived_table(rows) if any("arrived" in column for row in rows for column in row.figures) else table[:-1]
    measured = [*guards, *rows]
    seen = [f"  {references.said(measured)}"] if references.are_in(measured) else []
    return "\n".join(["", section.TITLE, *(f"  {line}" for line in section.EXPLANATION), *seen, "", *table])


def columns_of(section):
    return getattr(section, "COLUMNS", None) or (section.COLUMN,)


def section_json(section, rows, guards):
    return {
        "refused": refusal(section, [*guards, *rows], columns_of(section)[0]),
        "rows": {row.name: {"what": row.what, **row.figures} for row in [*guards, *rows]},
    }


AGREES = 0.1


def agreement(found, before, sections):
    """Lines: which rows of two runs are more than a tenth apart, of those that are not refused in either; and which are."""
    for section in sections:
        now, then = found.get(section.NAME), before.get(section.NAME)
        if not now or not then:
            continue
        why = now["refused"] or then["refused"]
        if why:
            yield f"  {section.TITLE}: refused in {'this' if now['refused'] else 'the other'} run: {why}"
            continue
        yield from _agreement(section, now["rows"], then["rows"])


def _agreement(section, now, then):
    column = columns_of(section)[0]
    apart, wild, same = [], [], 0
    for name in now.keys() & then.keys():
        pair = [Row(name, one["what"], None, figures={column: one[column]}) for one in (now[name], then[name])]
        here, there = (row.median(column) for row in pair)
        if not all(row.steady(column) for row in pair):
            wild.append(pair[0].what)
        elif abs(here - there) > AGREES * max(here, there):
            apart.append(f"{pair[0].what}: {here:.2f}, and {there:.2f} before")
        else:
            same += 1
    yield f"  {section.TITLE}: {same} rows agree within {AGREES:.0%}, {len(apart)} do not, {len(wild)} were not steady in one of the runs"
    yield from (f"    {line}" for line in sorted(apart))
    yield from (f"    not steady: {what}" for what in sorted(wild))
