# SPDX-License-Identifier: BSD-2-Clause
"""References lead somewhere: ids and sections of the contract, the tests that pages name, files and folders that comments and
pages name, links between pages with their anchors."""
import fnmatch
import os
import re

import comments
import sources as source_tree

CONTRACT = "docs/contract.md"
ID = re.compile(r"(?<![A-Za-z0-9])(PF|BD|CF)[-_](D?\d{1,2})(?![0-9])(?: to (?:PF|BD|CF)-(\d\d))?")
DEFINED = re.compile(r"^\| ((?:PF|BD|CF)-D?\d+) \|")
SECTION = re.compile(r"\b[Cc]ontract,? (?:section )?(\d(?:\.\d+)?(?:(?:,| and) \d\.\d+)*)")
HEADING = re.compile(r"^#+ (.*)$")
TEST = re.compile(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)")
NAMED_TEST = re.compile(r"`([A-Z]\w*\.\w*[_*][\w*]*)`|`(?:e2e/)?(test_\w+)(?:(?:\.py)?::([\w*]+))?")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SUFFIXES = ("", ".h", ".cpp", ".c", ".bpf.c", ".py", ".md", ".cmake", ".in", "/CMakeLists.txt")
FILE = re.compile(r"(?<![\w/.<~$})*-])([A-Za-z_][\w.+-]*/[\w./*+-]*\w|[A-Za-z_][\w-]*\.(?:md|cpp|bpf\.c|h|py))(?![\w*/(])")
# First folders of what is not this tree's: headers of the system and of libraries, the file system, other projects.
FOREIGN = re.compile(
    r"^(linux|sys|net|netinet|arpa|asm|bpf|xdp|netlink|nlohmann|CLI|spdlog|tl|gtest|pcap|systemd|proc|dev|usr|etc|run|var|x86)/"
)
# Names of files that a build or a run makes, or that are an example.
NOT_HERE = re.compile(r"\.skel\.h$|^(vmlinux|libbpf)\.h$|^build/|(^|/)(test_)?x\.|(^|[/_])(NAME|VERB)\b")
SAMPLES = ("tests/check/self_test.py", "tests/check/check_")


def slug(heading):
    """The anchor that a heading gets."""
    bare = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def headings(sources, path):
    return [found[1] for found in map(HEADING.match, sources.lines(path)) if found]


def ids_in(line):
    for kind, number, last in ID.findall(line):
        if last:
            yield from (f"{kind}-{one:02}" for one in range(int(number), int(last) + 1))
        else:
            yield f"{kind}-{number}"


class Tree:
    """What can be referred to."""

    def __init__(self, sources):
        self.files = set(sources.files)
        self.folders = {parent for path in self.files for parent in parents(path)}
        self.tops = {folder for folder in self.folders if "/" not in folder}
        self.names = {path.rsplit("/", 1)[-1] for path in self.files}
        self.pages = {path for path in self.files if path.endswith(".md")}
        self.anchors = {page: {slug(one) for one in headings(sources, page)} for page in self.pages}
        self.tests = set()
        for path in self.files:
            if path.startswith("tests/") and path.endswith(".cpp"):
                self.tests |= {".".join(one) for one in TEST.findall(sources.text(path))}
            if re.match(r"tests/.*test_\w+\.py$", path):
                file = path.rsplit("/", 1)[-1][:-3]
                self.tests |= {f"{file}::{one}" for one in re.findall(r"^def (test_\w+)", sources.text(path), re.MULTILINE)}

    def has(self, name):
        if "*" in name:
            return bool(fnmatch.filter(self.files, name))
        return name in self.folders or any(name + suffix in self.files for suffix in SUFFIXES)

    def finds(self, path, name):
        """Whether what is called `name` in the file `path` is in the tree."""
        if "/" not in name:
            return name in self.names
        folders = ["", "include/", "tests/", "tests/e2e/", *(folder + "/" for folder in parents(path))]
        return any(self.has(os.path.normpath(folder + name)) for folder in folders)


def parents(path):
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def contract_violations(sources):
    if CONTRACT not in sources.files:
        return
    lines = sources.lines(CONTRACT)
    defined = [found[1] for found in map(DEFINED.match, lines) if found]
    for twice in sorted({one for one in defined if defined.count(one) > 1}):
        yield f"{CONTRACT}:1: defines {twice} twice"
    sections = {heading.split(" ")[0] for heading in headings(sources, CONTRACT)}
    for path in sources.files:
        if path.startswith(SAMPLES) or not path.endswith((*source_tree.CODE_SUFFIXES, ".py", ".md")):
            continue
        for number, line in enumerate(sources.lines(path), 1):
            for one in ids_in(line):
                if one not in defined:
                    yield f"{path}:{number}: {CONTRACT} has no {one}"
            for named in SECTION.findall(line):
                for one in re.split(r", | and ", named):
                    if one not in sections:
                        yield f"{path}:{number}: {CONTRACT} has no section {one}"


def test_violations(tree, path, line):
    """Tests that a page names."""
    for compiled, file, function in NAMED_TEST.findall(line):
        wanted = compiled or f"{file}::{function or '*'}"
        if not fnmatch.filter(tree.tests, wanted):
            yield f"there is no test {compiled or file + ('::' + function if function else '')}"


def file_violations(tree, path, line):
    for name in FILE.findall(line):
        name = name.rstrip(".")
        is_file = "." in name.rsplit("/", 1)[-1] and re.search(r"\.(md|h|c|cpp|py|cmake|toml|in)$", name)
        if FOREIGN.match(name) and name.split("/")[0] not in tree.tops or NOT_HERE.search(name):
            continue
        if (is_file or name.split("/")[0] in tree.tops) and not tree.finds(path, name):
            yield f"there is no {name}"


def link_violations(tree, path, line):
    for target in LINK.findall(line):
        if re.match(r"[a-z]+:", target):
            continue
        page, _, anchor = target.partition("#")
        page = os.path.normpath(os.path.join(os.path.dirname(path), page)) if page else path
        if page not in tree.files and page not in tree.folders:
            yield f"the link to {target} leads nowhere"
        elif anchor and anchor not in tree.anchors.get(page, ()):
            yield f"{page} has no heading #{anchor}"


def violations(sources):
    tree = Tree(sources)
    found = list(contract_violations(sources))
    for path in sources.files:
        if path.startswith(SAMPLES):
            continue
        for number, line in comments.said_in(sources, path):
            wrong = list(file_violations(tree, path, line))
            if path.endswith(".md"):
                wrong += [*test_violations(tree, path, line), *link_violations(tree, path, line)]
            found += [f"{path}:{number}: {one}" for one in wrong]
    return found


if __name__ == "__main__":
    source_tree.main(violations)
