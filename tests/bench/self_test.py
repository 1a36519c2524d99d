# SPDX-License-Identifier: BSD-2-Clause
"""What the tables say, and when they refuse to: over figures that nobody has measured. No root, no lab."""
import unittest

from . import latency, loss, packet_rates, references, report
from .rounds import Row

QUIET = {"xdp-drop": (20.0, 20.4, 19.8), "af-xdp": (10.0, 10.2, 9.9)}


def row(name, *figures, column=references.COLUMN, **more):
    return Row(name, name, None, figures={column: list(figures)}, **more)


def guards(**changed):
    """The references of a quiet machine, but for those that are given."""
    return [row(name, *changed.get(name.replace("-", "_"), figures)) for name, figures in QUIET.items()]


class References(unittest.TestCase):
    TABLE = (
        ("a quiet machine", {}, None),
        ("CPU 0 is disturbed", {"xdp_drop": (20.0, 12.0, 19.8)}, "xdp-drop varied by 40%"),
        ("CPU 1 is disturbed", {"af_xdp": (10.0, 10.2, 7.9)}, "af-xdp varied by 23%"),
        ("CPU 1 is half taken away, steadily", {"af_xdp": (4.8, 4.8, 4.8)}, "AF_XDP reached 0.24 of XDP_DROP"),
        ("CPU 0 is taken away, steadily", {"xdp_drop": (8.0, 8.1, 8.2)}, "AF_XDP reached 1.25 of XDP_DROP"),
        ("nothing arrived", {"xdp_drop": (0.0, 0.0, 0.0)}, "xdp-drop varied by inf"),
        ("just within", {"af_xdp": (5.2, 5.3, 5.2)}, None),
    )

    def test_refuse_where_one_of_them_is_not_what_it_should_be(self):
        for sentence, changed, expected in self.TABLE:
            with self.subTest(sentence):
                why = references.refusal(guards(**changed))
                self.assertEqual(why is None, expected is None, why)
                self.assertIn(expected or "", why or "")


class Tables(unittest.TestCase):
    def rates(self, *more, **changed):
        return report.section_text(packet_rates, [*guards(**changed), *more], [])

    def test_nanoseconds_over_the_bare_program_stand_beside_ratios(self):
        text = self.rates(row("ours", 16.0, 16.3, 15.9, bare="xdp-drop", beside="af-xdp"))
        line = next(line for line in text.splitlines() if line.startswith("  ours"))
        # 62.5 ns, 12.5 over; 0.80 of the one, 1.60 of the other, which is its like
        self.assertEqual(line.split(), ["ours", "15.90", "16.00", "16.30", "62", "+12", "0.80", "1.60", "1.60"])
        self.assertIn("references: xdp-drop 20.00 Mpps (varied by 3%), af-xdp 10.00 Mpps", text)

    def test_a_refusal_says_why_and_gives_no_ratio(self):
        text = self.rates(row("ours", 16.0, 16.3, 15.9, bare="xdp-drop"), af_xdp=(10.0, 6.0, 10.0))
        self.assertIn("REFUSED: af-xdp varied by 40% between the rounds, more than 20%.", text)
        line = next(line for line in text.splitlines() if line.startswith("  ours"))
        self.assertEqual(line.split(), ["ours", "15.90", "16.00", "16.30", "62"])

    def test_one_round_is_not_judged(self):
        text = report.section_text(packet_rates, [row("xdp-drop", 20.0), row("af-xdp", 10.0), row("ours", 16.0, bare="xdp-drop")], [])
        self.assertIn("REFUSED: one round does not tell whether the machine is quiet.", text)

    def test_a_row_that_is_not_steady_has_no_ratio_and_the_others_do(self):
        text = self.rates(row("wild", 16.0, 8.0, 15.9, bare="xdp-drop"), row("ours", 16.0, 16.3, 15.9, bare="xdp-drop"))
        lines = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith(("  wild", "  ours"))}
        self.assertEqual(lines["wild"][5:], ["?", "?", "?"])
        self.assertEqual(lines["ours"][5:], ["+12", "0.80", "1.60"])
        self.assertIn("?: varied by more than 20% between the rounds, so that no ratio is given", text)

    def test_guards_refuse_tables_of_others_too(self):
        trips = [Row("bare", "bare", None, figures={"p50_us": [10.0, 10.1], "p99_us": [20.0, 20.1]})]
        quiet = report.section_text(latency, trips, guards())
        self.assertNotIn("REFUSED", quiet)
        self.assertIn("references: xdp-drop", quiet)
        self.assertIn("REFUSED: xdp-drop varied by", report.section_text(latency, trips, guards(xdp_drop=(20.0, 9.0, 20.0))))

    def test_what_arrived_at_fixed_rates_is_the_worst_round(self):
        figures = {loss.LOSS_FREE: [1.0, 1.05], loss.arrived_column(250_000): [100.0, 99.5]}
        slow = {loss.LOSS_FREE: [0.2, 0.21], loss.arrived_column(250_000): [100.0, 100.0], loss.arrived_column(500_000): [40.0]}
        rows = [Row("one", "one", None, figures=figures), Row("two", "two", None, figures=slow)]
        text = report.section_text(loss, rows, guards())
        self.assertIn("percent, worst round  arrived at 0.25 Mpps  arrived at 0.5 Mpps", text)
        self.assertRegex(text, r"one +99\.50 +-\n")
        self.assertRegex(text, r"two +100\.00 +40\.00")

    def test_a_round_that_counted_nothing_is_noticed(self):
        self.assertTrue(row("a", 1.0, 2.0).counted())
        self.assertFalse(row("a", 1.0, 0.0).counted())
        self.assertFalse(Row("a", "a", None).counted())
        self.assertTrue(Row("a", "a", None, figures={loss.LOSS_FREE: [0.0], loss.arrived_column(250_000): [98.0]}).counted())


class Agreement(unittest.TestCase):
    def found(self, ours, **changed):
        rows = [*guards(**changed), row("ours", *ours)]
        return {"rates": report.section_json(packet_rates, rows, [])}

    def test_rows_of_two_runs(self):
        table = (
            ("the same", self.found((16.0, 16.2)), "3 rows agree within 10%, 0 do not, 0 were not steady"),
            ("one apart", self.found((13.0, 13.2)), "2 rows agree within 10%, 1 do not, 0 were not steady"),
            ("one not steady", self.found((13.0, 17.0)), "2 rows agree within 10%, 0 do not, 1 were not steady"),
            ("refused", self.found((16.0, 16.2), af_xdp=(10.0, 7.0, 10.0)), "refused in this run: af-xdp varied"),
        )
        for sentence, now, expected in table:
            with self.subTest(sentence):
                lines = list(report.agreement(now, self.found((16.1, 16.2)), [packet_rates]))
                self.assertIn(expected, lines[0])


class Search(unittest.TestCase):
    def trials(self, limit, fastest=float("inf")):
        """A path that loses nothing up to a rate, and a sender that makes no more than another."""
        return lambda rate: (min(rate, fastest), 1.0 if min(rate, fastest) <= limit else 0.999, None)

    def test_finds_the_highest_rate_without_loss(self):
        for limit in (60_000, 300_000, 2_000_000, 7_900_000):
            found = loss.search(self.trials(limit), loss.HIGHEST_PPS)[0]
            self.assertTrue(limit / loss.STEP <= found <= limit, (limit, found))

    def test_ends_where_the_sender_does(self):
        self.assertEqual(loss.search(self.trials(9e9, fastest=400_000), loss.HIGHEST_PPS)[0], 400_000)

    def test_nothing_is_found_where_every_rate_loses(self):
        self.assertIsNone(loss.search(self.trials(0), loss.HIGHEST_PPS))

    def test_fixed_rates_that_cannot_be_offered_are_left_out(self):
        found = loss.at_fixed_rates(self.trials(300_000, fastest=600_000), (250_000, 500_000, 1_000_000))
        self.assertEqual(found, {loss.arrived_column(250_000): 100.0, loss.arrived_column(500_000): 99.9})


if __name__ == "__main__":
    unittest.main()
