# SPDX-License-Identifier: BSD-2-Clause
"""What the tests that failed said, short: `failed.py JUNIT` prints some lines of each, `failed.py --names JUNIT` only their names,
`failed.py --sanitizers JUNIT` only the names of those that a sanitizer reported of."""
import re
import sys
import xml.etree.ElementTree

_TELLING = re.compile(r"E  |FAILED |ERROR |.*: Failure$|.*(Sanitizer|runtime error|[Ee]rror|violation)|  (Actual|Expected)|Expected")
_REPORT = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error: ")
_LINES = 12


def failed(junit):
    """[(name, output)..]"""
    cases = xml.etree.ElementTree.parse(junit).getroot().iter("testcase")
    return [(one.get("name"), one.findtext("system-out", "")) for one in cases if one.get("status") == "fail"]


def told(output):
    """At most 12 lines of at most 300 characters: those that tell, or else the last ones."""
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.match(line)]
    return [line[:300] for line in (telling[:_LINES] or lines[-_LINES:])]


def main(words):
    *options, junit = words
    for name, output in failed(junit):
        if "--sanitizers" in options and not _REPORT.search(output):
            continue
        print(name)
        if not options:
            print(*(f"    {line}" for line in told(output)), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
