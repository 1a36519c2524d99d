# SPDX-License-Identifier: BSD-2-Clause
"""Interleaved rounds and what is said of them.

In each round every row is measured once, in the next round in the opposite order, so that a slow drift of the machine falls on
all rows alike. A ratio is the median of the ratios within the rounds: both figures of one are seconds apart.
"""
import statistics
from dataclasses import dataclass, field
from typing import Callable

SPREAD_LIMIT = 0.2  # of the first row; above it nobody can say what a ratio means


@dataclass(frozen=True)
class Times:
    rounds: int = 5
    warm_up_s: float = 0.2
    window_s: float = 0.5
    samples: int = 2000  # round trips a round


@dataclass
class Row:
    name: str
    what: str
    measure: Callable  # -> {column: figure}
    beside: str | None = None  # the row that does its like without pfild, or with less
    figures: dict = field(default_factory=dict)  # column -> one figure a round

    def note(self, measured):
        for column, figure in measured.items():
            self.figures.setdefault(column, []).append(figure)

    def low(self, column):
        return min(self.figures[column])

    def median(self, column):
        return statistics.median(self.figures[column])

    def high(self, column):
        return max(self.figures[column])

    def spread(self, column):
        return (self.high(column) - self.low(column)) / self.median(column) if self.median(column) else float("inf")

    def against(self, other, column):
        """The median ratio to another row; None where that counted nothing."""
        pairs = list(zip(self.figures[column], other.figures[column]))
        return statistics.median(mine / theirs for mine, theirs in pairs) if all(theirs for _, theirs in pairs) else None

    def above(self, other, column):
        """The median difference to another row."""
        return statistics.median(mine - theirs for mine, theirs in zip(self.figures[column], other.figures[column]))

    def counted(self):
        return bool(self.figures) and all(figure > 0 for figures in self.figures.values() for figure in figures)


def measure(rows, rounds, progress):
    for number in range(rounds):
        for row in rows if number % 2 == 0 else reversed(rows):
            progress(number, row)
            row.note(row.measure())
