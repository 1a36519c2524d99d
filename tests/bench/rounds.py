# SPDX-License-Identifier: BSD-2-Clause
"""Interleaved rounds and what is said of them.

In each round every row is measured once, in the next round in the opposite order, so that a slow drift of the machine falls on
all rows alike. A ratio is the median of the ratios within the rounds: both figures of one are seconds apart.
"""
import statistics
from dataclasses import dataclass, field
from typing import Callable

SPREAD_LIMIT = 0.2  # above it nobody can say what a ratio means: of a reference no ratio, of a row none of its own


@dataclass(frozen=True)
class Times:
    rounds: int = 5
    warm_up_s: float = 0.2
    window_s: float = 0.5
    samples: int = 2000  # round trips a round
    short: bool = False  # does every row count something? No more


@dataclass
class Row:
    name: str
    what: str
    measure: Callable  # -> {column: figure}
    beside: str | None = None  # the row that does its like without pfild, or with less
    bare: str | None = None  # the shortest program that does the same there
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

    def steady(self, column):
        return self.spread(column) <= SPREAD_LIMIT

    def against(self, other, column):
        """The median ratio to another row; None where that counted nothing."""
        pairs = list(zip(self.figures[column], other.figures[column]))
        return statistics.median(mine / theirs for mine, theirs in pairs) if all(theirs for _, theirs in pairs) else None

    def above(self, other, column):
        """The median difference to another row."""
        return statistics.median(mine - theirs for mine, theirs in zip(self.figures[column], other.figures[column]))

    def above_ns(self, other, column):
        """The same of rates in millions a second: how many nanoseconds more one takes. None where one counted nothing."""
        pairs = list(zip(self.figures[column], other.figures[column]))
        if not all(mine and theirs for mine, theirs in pairs):
            return None
        return statistics.median(1e3 / mine - 1e3 / theirs for mine, theirs in pairs)

    def counted(self):
        """Something in every round: a rate that lost nothing may be 0, but then something has arrived."""
        rounds = max(map(len, self.figures.values()), default=0)
        each = [[figures[i] for figures in self.figures.values() if i < len(figures)] for i in range(rounds)]
        return bool(each) and all(any(figure > 0 for figure in figures) for figures in each)


def measure(rows, rounds, progress):
    for number in range(rounds):
        for row in rows if number % 2 == 0 else reversed(rows):
            progress(number, row)
            row.note(row.measure())
