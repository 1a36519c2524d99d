# SPDX-License-Identifier: BSD-2-Clause
"""Shows every check a tree with something wrong in it, and one that is fine: a check that cannot fail is worth nothing."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import check_alone
import check_commits
import check_files
import check_format
import check_layers
import check_package
import check_proofs
import check_references
import check_scripts
import check_sizes
import check_tidy
import sources as source_tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPDX = "// SPDX-License-Identifier: BSD-2-Clause\n// A sample.\n"


class CheckTest(unittest.TestCase):
    """tree({path: text}) makes a tree; `says` compares what a check finds in it, in parts."""

    def tree(self, files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(ROOT / name, root / name)
        commands = [
            {"directory": str(root), "file": path, "command": f"g++ -std=c++20 -I. -o x.o -c {path}"}
            for path in files
            if path.endswith(".cpp")
        ]
        (root / "build").mkdir()
        (root / "build/compile_commands.json").write_text(json.dumps(commands))
        return source_tree.find(root, root / "build")

    def says(self, check, files, *expected):
        """One finding for each of `expected`, containing it; none expected: the tree is fine."""
        found = check.violations(self.tree(files))
        self.assertEqual(len(found), len(expected), found)
        for part, line in zip(sorted(expected), sorted(found)):
            self.assertIn(part, line)


class Format(CheckTest):
    def test_finds_the_file_that_is_not_formatted(self):
        self.says(check_format, {"a.cpp": "int  a;\n", "b.cpp": "int b;\n"}, "a.cpp:1: not formatted")

    def test_accepts_a_formatted_tree(self):
        self.says(check_format, {"bpf/a.bpf.c": "int a;\n", "core/b.h": "int b;\n"})


class Layers(CheckTest):
    TABLE = (
        ("core includes an edge", "core/a.h", "daemon/net/x.h", "core must not include daemon/net"),
        ("cbpf includes core", "cbpf/a.h", "core/x.h", "cbpf must not include core"),
        ("an edge includes another", "daemon/xsk/a.h", "daemon/net/x.h", "daemon/xsk must not include daemon/net"),
        ("sys includes an edge", "daemon/sys/a.h", "daemon/net/x.h", "daemon/sys must not include daemon/net"),
        ("another file of daemon knows edges", "daemon/other.h", "daemon/net/x.h", "daemon must not include daemon/net"),
        ("bpf includes core", "bpf/a.h", "core/x.h", "bpf must not include core"),
        ("bpfctl includes the daemon", "bpfctl/a.h", "daemon/api/x.h", "bpfctl must not include daemon/api"),
        ("core includes the command line", "core/a.h", "bpfctl/x.h", "core must not include bpfctl"),
        ("the file beside is found", "cbpf/a.h", "../core/x.h", None),
        ("core includes cbpf", "core/a.h", "cbpf/x.h", None),
        ("core includes the shared header", "core/a.h", "pfild/x.h", None),
        ("an edge includes sys", "daemon/xsk/a.h", "daemon/sys/x.h", None),
        ("an instance knows edges", "daemon/instance/a.h", "daemon/net/x.h", None),
        ("captures know edges", "daemon/captures/a.h", "daemon/kernel/x.h", None),
        ("captures know the instance", "daemon/captures/a.h", "daemon/instance/x.h", "daemon/captures must not include daemon/instance"),
        ("main knows edges", "daemon/main.cpp", "daemon/net/x.h", None),
        ("tests know everything", "tests/unit/core/a.cpp", "daemon/net/x.h", None),
        ("hooks know flows", "core/pfil/a.h", "core/flow/x.h", "core/pfil must not include core/flow"),
        ("what is below knows hooks", "core/a.h", "core/pfil/x.h", "core must not include core/pfil"),
        ("flows know hooks", "core/flow/a.h", "core/pfil/x.h", None),
        ("the engine knows flows", "core/engine.h", "core/flow/x.h", None),
        ("an analysis knows native code", "cbpf/analysis/a.h", "cbpf/jit/x.h", "cbpf/analysis must not include cbpf/jit"),
        ("a text knows the machine", "cbpf/text.h", "cbpf/machine.h", "cbpf/text must not include cbpf/machine"),
        ("a text knows its parts", "cbpf/text.cpp", "cbpf/text/x.h", None),
        ("a text of bpfctl knows a verb", "bpfctl/text/a.h", "bpfctl/verbs/x.h", "bpfctl/text must not include bpfctl/verbs"),
        ("a verb knows texts", "bpfctl/verbs/a.cpp", "bpfctl/text/x.h", None),
        ("a transaction knows the instance", "daemon/rules/a.h", "daemon/instance/x.h", "daemon/rules must not include daemon/instance"),
        ("a transaction knows an edge", "daemon/rules/a.h", "daemon/kernel/x.h", "daemon must not include daemon/kernel"),
        ("lowered hooks know the kernel", "daemon/rules/lowered_hooks.h", "daemon/kernel/x.h", "daemon must not include daemon/kernel"),
        ("their chains know the kernel", "daemon/rules/kernel_chains.h", "daemon/kernel/x.h", None),
        ("the owner of attachments knows the kernel", "daemon/interfaces/following.cpp", "daemon/kernel/x.h", "daemon must not include daemon/kernel"),
        ("the owner of attachments knows links", "daemon/interfaces/following.cpp", "daemon/net/x.h", None),
        ("an attachment knows the kernel", "daemon/interfaces/kernel_attachment.h", "daemon/kernel/x.h", None),
        ("an instance knows transactions", "daemon/instance/a.h", "daemon/rules/x.h", None),
        ("an edge knows hooks", "daemon/net/a.h", "core/pfil/x.h", "daemon/net must not include core/pfil"),
        ("an edge knows what it may of core", "daemon/kernel/a.h", "core/pfil/x.h", None),
        ("an edge knows the engine", "daemon/api/a.h", "core/engine.h", "daemon/api must not include core/engine"),
        ("the rooms of cbpf are open to core", "core/a.h", "cbpf/jit/x.h", None),
    )

    def test_each_arrow(self):
        for sentence, path, name, expected in self.TABLE:
            with self.subTest(sentence):
                target = "include/" + name if name.startswith("pfild/") else name.removeprefix("../")
                files = {path: f'#include "{name}"\n', target: "\n"}
                if not name.startswith("../"):
                    self.says(check_layers, files, *([expected] if expected else []))

    def test_no_files_include_each_other(self):
        def include(name):
            return f'#include "core/{name}"\n'

        two = {"core/a.h": "\n", "core/a.cpp": include("a.h") + include("b.h"), "core/b.h": include("a.h")}
        self.says(check_layers, two, "core/a:1: includes itself by way of core/b")
        three = {"core/a.h": include("b.h"), "core/b.h": include("c.h"), "core/c.cpp": include("a.h"), "core/c.h": "\n"}
        self.says(check_layers, three, "core/a:1: includes itself by way of core/b, core/c")
        self.says(check_layers, {**two, "core/b.h": "\n"})

    def test_pure_layers_do_not_include_the_world(self):
        for name in ("bpf/libbpf.h", "sys/socket.h", "chrono", "pcap/pcap.h", "thread", "unistd.h", "linux/bpf.h"):
            with self.subTest(name):
                self.says(check_layers, {"core/a.h": f"#include <{name}>\n"}, "core is pure")
                self.says(check_layers, {"daemon/net/a.h": f"#include <{name}>\n"})
        self.says(check_layers, {"core/a.h": "#include <vector>\n#include <linux/types.h>\n"})

    def test_a_skeleton_has_one_includer(self):
        include = '#include "pfild/pfild.skel.h"\n'
        files = {"daemon/kernel/a.cpp": include, "daemon/kernel/b.cpp": include}
        self.says(check_layers, files, "already included by daemon/kernel/a.cpp")
        self.says(check_layers, {"daemon/kernel/a.cpp": include})


def function_of(lines, head="void f(int a) {", indent=""):
    return "\n".join([indent + head, *[f"{indent}    a();"] * (lines - 2), indent + "}"]) + "\n"


class Sizes(CheckTest):
    def test_files(self):
        self.says(check_sizes, {"core/a.cpp": "int a;\n" * 601}, "601 lines, more than 600")
        self.says(check_sizes, {"core/a.h": "int a;\n" * 251}, "251 lines, more than 250")
        self.says(check_sizes, {"core/a.cpp": "int a;\n" * 600, "core/a.h": "int a;\n" * 250, "bpf/a.h": "int a;\n" * 600})

    def test_functions(self):
        heads = (
            "void f(int a) {",
            "Result<int> Name::f() const noexcept {",
            "TEST(A, b) {",
            "Name::Name(int a) : a_(a), b_{1} {",
            "template <typename T>\nvoid f(T a) {",
            "static __always_inline int f(struct x* a,\n                             int b) {",
        )
        for head in heads:
            with self.subTest(head):
                self.says(check_sizes, {"core/a.cpp": function_of(80 - head.count("\n"), head)})
                self.says(check_sizes, {"core/a.cpp": function_of(81 - head.count("\n"), head)}, "81 lines, more than 80")

    def test_methods_inside_a_class(self):
        method = function_of(81, "int f() {", "    ")
        self.says(check_sizes, {"core/a.h": "class A {\n  public:\n" + method + "};\n"}, "f has 81 lines")

    def test_what_is_no_function(self):
        for head in ("namespace a {", "struct A {", "constexpr B kTable[] = {", "enum class E : int {"):
            self.says(check_sizes, {"core/a.cpp": function_of(100, head)})

    def test_loops_over_lists_in_braces(self):
        for head in ("for (const A& a :\n     {A(1), A(2)}) {", "for (const A& a : {\n         A{1},\n     }) {"):
            self.says(check_sizes, {"core/a.cpp": function_of(100, head)})

    def test_entries_of_bpf_programs_are_shorter(self):
        head = 'SEC("tc")\nint in_tc(struct __sk_buff* skb) {'
        self.says(check_sizes, {"bpf/a.bpf.c": function_of(60, head)}, "in_tc has 61 lines, more than 60")
        self.says(check_sizes, {"bpf/a.bpf.c": function_of(59, head)})

    def test_parameters(self):
        seven = "void f(int a, std::map<int, int> b, int (*c)(int, int), int d, int e, int g,\n       int h) {"
        self.says(check_sizes, {"core/a.cpp": function_of(5, seven)}, "f has 7 parameters, more than 6")
        six = "void f(int a, std::map<int, int> b, int (*c)(int, int), int d, int e, int g = h(1, 2)) {"
        self.says(check_sizes, {"core/a.cpp": function_of(5, six)})


class Files(CheckTest):
    def test_what_a_file_must_have(self):
        table = (
            ("no licence", "core/a.cpp", "// What it is for.\nint a;\n", "no SPDX line"),
            ("no comment", "core/a.cpp", "// SPDX-License-Identifier: BSD-2-Clause\nint a;\n", "no opening comment"),
            ("no guard", "core/a.h", SPDX + "int a;\n", "no #pragma once"),
            ("generated", "core/a.skel.h", SPDX + "#pragma once\n", "generated"),
            ("a name that says nothing", "core/util.h", SPDX + "#pragma once\n", "says nothing"),
            ("binary", "core/a.dat", "\0", "binary"),
            ("long BPF name", "bpf/a.bpf.c", SPDX + "int sixteen_letters_(struct __sk_buff* s) {}\n", "has 16 characters"),
            ("fine", "core/a.h", SPDX + "#pragma once\n", None),
            ("a corpus may be binary", "tests/fuzz/corpus/a", "\0", None),
        )
        for sentence, path, text, expected in table:
            with self.subTest(sentence):
                readmes = {"core/README.md": "", "bpf/README.md": "", "tests/README.md": ""}
                self.says(check_files, {path: text, **readmes}, *([expected] if expected else []))

    def test_a_folder_has_a_readme(self):
        self.says(check_files, {"core/a.cpp": SPDX}, "core/README.md: missing")


class Scripts(CheckTest):
    def test_finds_what_shellcheck_finds(self):
        self.says(check_scripts, {"scripts/a": "#!/bin/bash\nrm $1\n"}, "SC2086")
        self.says(check_scripts, {"scripts/a": '#!/bin/bash\nrm "$1"\n', "b.sh": "#!/bin/sh\ntrue\n"})

    def test_finds_names_of_tests_that_are_none(self):
        tests = {"tests/e2e/test_a.py": "def test_b(lab):\n    pass\n"}
        named = "#!/bin/bash\necho 'test_a.py::{}[1]'\n"
        self.says(check_scripts, {"scripts/a": named.format("test_b"), **tests})
        self.says(check_scripts, {"scripts/a": named.format("test_c"), **tests}, "test_a.py has no test_c")
        of_machine = {"tests/vm/service/test_a.py": "def test_d(lab):\n    pass\n", **tests}
        named = "#!/bin/bash\necho 'service/test_a.py::{}[1]'\n"
        self.says(check_scripts, {"scripts/a": named.format("test_d"), **of_machine})
        self.says(check_scripts, {"scripts/a": named.format("test_b"), **of_machine}, "tests/vm/service/test_a.py has no test_b")

    def test_finds_python_that_does_not_compile(self):
        self.says(check_scripts, {"a.py": "def f(:\n"}, "a.py:1")


class References(CheckTest):
    def tree(self, files):
        """Without the two files that name other files of the project."""
        tree = super().tree(files)
        for name in (".clang-format", ".clang-tidy"):
            (tree.root / name).unlink()
        return source_tree.find(tree.root, tree.build)

    CONTRACT = "# The contract\n## 2.3 Read\n| id |\n| PF-01 | a head |\n| BD-D1 | a fault |\n| CF-20 | a load |\n| CF-21 | len |\n"

    def test_ids_and_sections_of_the_contract(self):
        table = (
            ("an id", "// See PF-01, BD-D1.", None),
            ("an id that is not there", "// See PF-02.", "has no PF-02"),
            ("a fault that is not there", "// See BD-D2.", "has no BD-D2"),
            ("one that only begins so", "// See PF-011.", None),
            ("in the middle of a test's name", "TEST(A, b_PF_03_c) {}", "has no PF-03"),
            ("in a text", 'say("(CF-22)");', "has no CF-22"),
            ("a row of ids", "// CF-20 to CF-21", None),
            ("a row of ids whose end is not there", "// CF-20 to CF-22", "has no CF-22"),
            ("a section", "// contract 2.3", None),
            ("a section that is not there", "// (contract section 2)", "has no section 2"),
            ("the second of two sections", "// contract 2.3, 2.8", "has no section 2.8"),
        )
        for sentence, line, expected in table:
            with self.subTest(sentence):
                files = {"docs/contract.md": self.CONTRACT, "core/a.h": line + "\n"}
                self.says(check_references, files, *([expected] if expected else []))
        self.says(check_references, {"docs/contract.md": self.CONTRACT + "| PF-01 | again |\n"}, "defines PF-01 twice")

    def test_files_that_comments_and_pages_name(self):
        table = (
            ("a page", "// See docs/a.md.", None),
            ("a page that is not there", "// See docs/b.md.", "there is no docs/b.md"),
            ("a page by its name", "// a.md has it", None),
            ("a page by its name that is not there", "// b.md has it", "there is no b.md"),
            ("a pair of files", "// core/a says so", None),
            ("a pair of files that is not there", "// core/c says so", "there is no core/c"),
            ("in a block", "/*\n * see core/c.h\n */", "core/b.h:2: there is no core/c.h"),
            ("some files", "// tests/*.cpp say so", None),
            ("some files that are not there", "// core/*.cpp say so", "there is no core/*.cpp"),
            ("a shared header by its include", "// pfild/x_y.h", None),
            ("a header of the system", "// linux/bpf.h", None),
            ("a file beside", "// see a.h", None),
            ("a file of another folder that is not there", "// see cc.h", "there is no cc.h"),
            ("text is not looked at", 'say("core/c.h // core/c.h");', None),
            ("nor is another file system", "// /etc/core/c.h", None),
        )
        for sentence, line, expected in table:
            with self.subTest(sentence):
                files = {"docs/a.md": "", "core/a.h": "", "tests/a.cpp": "", "include/pfild/x_y.h": "", "core/b.h": line + "\n"}
                self.says(check_references, files, *([expected] if expected else []))
        python = '"""See core/b.h."""\n# and core/c.h\nx = "core/d.h"\n'
        self.says(check_references, {"core/a.h": "", "tests/a.py": python}, "a.py:1: there is no core/b.h", "a.py:2: there is no core/c.h")
        self.says(check_references, {"core/a.h": "", "CMakeLists.txt": "# core/b.h\n"}, "there is no core/b.h")

    def test_tests_that_pages_name(self):
        tests = {"tests/unit/a.cpp": "TEST(A, b_c) {\nTEST_F(A,\n       d_e) {", "tests/e2e/test_f.py": "def test_g(lab):\n    pass\n"}
        self.says(check_references, {"a.md": "`A.b_c` `A.d_*` `A.*` `test_f` `test_f.py::test_g` `test_f::*`\n", **tests})
        wrong = {"A.c_b": "A.c_b", "B.*": "B.*", "test_h": "test_h", "test_f::test_h": "test_f::test_h", "test_f::h*": "test_f::h*"}
        for name, said in wrong.items():
            self.says(check_references, {"a.md": f"`{name}`\n", **tests}, "there is no test " + said)

    def test_links_between_pages(self):
        page = "# Odd *packets*, and `more`\n[a](#odd-packets-and-more) [b](docs/b.md#c) [c](docs) [d](https://e.example/f.md)\n"
        self.says(check_references, {"a.md": page, "docs/b.md": "## C\n"})
        self.says(check_references, {"a.md": "[a](#b)\n"}, "a.md has no heading #b")
        self.says(check_references, {"docs/a.md": "[a](docs/a.md)\n"}, "the link to docs/a.md leads nowhere")
        self.says(check_references, {"docs/a.md": "[a](b.md#c)\n", "docs/b.md": "# D\n"}, "docs/b.md has no heading #c")


class Commits(CheckTest):
    def history(self, *subjects):
        """A tree with these commits, and their hashes."""
        tree = self.tree({"a.cpp": "\n"})
        git = ["git", "-C", tree.root, "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        commits = []
        for subject in subjects:
            subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", subject], check=True)
            head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
            commits.append(head.stdout.strip())
        return tree, commits

    def test_finds_the_long_subjects_that_are_new(self):
        tree, commits = self.history("o" * 80, "b" * 80, "c" * 72, "d" * 73, "e")
        found = check_commits.violations(tree, commits[1])
        self.assertEqual(len(found), 1, found)
        self.assertIn("73 characters, more than 72: ddd", found[0])
        self.assertEqual(check_commits.violations(tree, commits[3]), [])

    def test_looks_at_the_newest_where_the_history_is_cut_off(self):
        unknown = "0" * 40
        self.assertEqual(check_commits.violations(self.history("b" * 80, "c")[0], unknown), [])
        self.assertEqual(len(check_commits.violations(self.history("b", "c" * 80)[0], unknown)), 1)

    def test_has_nothing_to_say_without_git(self):
        self.assertEqual(check_commits.violations(self.tree({"a.cpp": "\n"})), [])


class Proofs(CheckTest):
    FIELDS = {"Proves": "A.", "Needs": "root.", "Short": "none.", "Folders": "`core`, `bpf/a.h`", "Commit": "none", "Figures": "1."}

    @staticmethod
    def record(name="one", **fields):
        """A record in which these fields are other ones; None: not there."""
        lines = [f"- {field}: {said}" for field, said in {**Proofs.FIELDS, **fields}.items() if said is not None]
        return "\n".join([f"## {name}", *lines, ""])

    def with_page(self, page, names=("one",)):
        script = "case $name in\n" + "".join(f"{name}) a ;;\n" for name in names) + "*) b ;;\nesac\n"
        return {"docs/proofs.md": f"# Proofs\n\n{page}", "scripts/prove": script, "core/a.cpp": "\n", "bpf/a.h": "\n"}

    def test_malformed_records(self):
        table = (
            ("a field is missing", self.record(Figures=None), "one does not say - Figures: .."),
            ("a field is empty", self.record(Proves=""), "one does not say - Proves: .."),
            ("a field twice", self.record() + "- Needs: root.\n", "one has Needs twice"),
            ("a field of no meaning", self.record(Date="today"), "one has a field Date"),
            ("a commit in words", self.record(Commit="yesterday"), "Commit is a hash"),
            ("a commit without quotes", self.record(Commit="0123456"), "Commit is a hash"),
            ("a commit that is cut", self.record(Commit="`01234`"), "Commit is a hash"),
            ("two commits", self.record(Commit="`0123456`, `0123457`"), "Commit is a hash"),
            ("folders without quotes", self.record(Folders="core"), "Folders are in backquotes"),
            ("a text between the fields", self.record() + "and so on\n", "neither a field"),
            ("a name of two words", self.record("one two"), "small letters"),
        )
        for sentence, page, expected in table:
            with self.subTest(sentence):
                self.says(check_proofs, self.with_page(page), expected)

    def test_names_of_what_is_not_there(self):
        table = (
            ("a proof that nobody can run", self.record() + self.record("two"), ("one",), "scripts/prove has no two"),
            ("a proof without a record", self.record(), ("one", "two-on-6.1"), "no record of two-on-6.1"),
            ("a folder", self.record(Folders="`core`, `cor`"), ("one",), "one: there is no cor"),
            ("a file", self.record(Folders="`core/b.cpp`"), ("one",), "one: there is no core/b.cpp"),
        )
        for sentence, page, names, expected in table:
            with self.subTest(sentence):
                self.says(check_proofs, self.with_page(page, names), expected)
        self.says(check_proofs, self.with_page(self.record() * 2), *["one is recorded 2 times"] * 2)

    def test_a_whole_record(self):
        self.says(check_proofs, self.with_page(self.record(Figures="1,\n  2 and\n  3.")))
        self.says(check_proofs, {"a.cpp": "\n"})

    def history(self):
        """A tree with a commit, and what runs git in it."""
        tree = self.tree(self.with_page(""))
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

        def git(*words):
            return subprocess.run(["git", "-C", tree.root, *identity, *words], check=True, capture_output=True, text=True).stdout.strip()

        git("init", "-q")
        git("add", ".")
        git("commit", "-q", "-m", "a")
        return tree, git

    def test_a_commit_of_another_history(self):
        tree, git = self.history()
        for commit, expected in ((git("rev-parse", "HEAD"), []), ("0" * 40, ["is no commit of this history"])):
            (tree.root / "docs/proofs.md").write_text(self.record(Commit=f"`{commit}`"))
            found = check_proofs.violations(tree)
            self.assertEqual(len(found), len(expected), found)
            self.assertTrue(all(part in line for part, line in zip(expected, found)))
        git("commit", "-q", "--allow-empty", "-m", "b")
        (tree.root / ".git/shallow").write_text(git("rev-parse", "HEAD") + "\n")
        self.assertEqual(check_proofs.violations(tree), [])  # the history is cut off: who knows

    def test_warns_of_what_changed_since_the_run(self):
        tree, git = self.history()
        (tree.root / "docs/proofs.md").write_text(self.record(Commit=f"`{git('rev-parse', 'HEAD')}`"))
        (tree.root / "core/a.cpp").write_text("int a;\n")
        self.assertEqual(check_proofs.warnings(tree), [])  # not committed
        for path, warned in (("scripts/prove", False), ("core/a.cpp", True)):
            git("commit", "-q", "-m", "b", path) if path == "core/a.cpp" else git("commit", "-q", "--allow-empty", "-m", "b")
            found = check_proofs.warnings(tree)
            self.assertEqual(bool(found), warned, found)
        self.assertIn("warning: one: last run on", found[0])
        self.assertTrue(found[0].endswith("changed since: core"), found)
        self.assertEqual(check_proofs.violations(tree), [])
        (tree.root / "docs/proofs.md").write_text(self.record())
        self.assertIn("one: not run whole yet", check_proofs.warnings(tree)[0])


class Package(CheckTest):
    LISTING = "".join(
        f"{'-rwxr-xr-x' if '/sbin/' in path else '-rw-r--r--'} root/root 1 2026-01-01 00:00 ./{path}\n"
        for path in (*check_package.FILES, "usr/share/pfild/schema/a.json")
    )

    def test_files(self):
        self.assertEqual(list(check_package.listing_violations("drwxr-xr-x root/root 0 2026-01-01 00:00 ./etc/\n" + self.LISTING)), [])
        table = (
            ("./usr/sbin/pfild\n", "./usr/sbin/pfild_\n", ["has no usr/sbin/pfild", "has usr/sbin/pfild_, which"]),
            ("-rwxr-xr-x", "-rwsr-xr-x", ["usr/sbin/bpfctl is -rwsr-xr-x root/root, not"]),
            ("root/root", "me/me", ["etc/pfild/default.toml is -rw-r--r-- me/me, not"]),
            ("schema/a.json", "schema/a", ["has no schemas", "has usr/share/pfild/schema/a, which"]),
        )
        for old, new, expected in table:
            found = list(check_package.listing_violations(self.LISTING.replace(old, new, 1)))
            self.assertEqual(len(found), len(expected), found)
            for part, line in zip(expected, found):
                self.assertIn(part, line)

    def test_configuration_and_unit(self):
        conffiles = "/etc/pfild/default.toml\n"
        self.assertEqual(list(check_package.configuration_violations("# a\n\n#b = 1\n", conffiles)), [])
        self.assertEqual(len(list(check_package.configuration_violations("# a\nb = 1\n", conffiles))), 1)
        self.assertEqual(len(list(check_package.configuration_violations("", ""))), 1)
        self.assertEqual(list(check_package.unit_violations("ExecStart=/usr/sbin/pfild --name %i\n")), [])
        self.assertEqual(len(list(check_package.unit_violations("ExecStart=/usr/local/sbin/pfild --name %i\n"))), 1)

    def test_what_it_is_built_with(self):
        files = {
            "CMakeLists.txt": "project(pfild VERSION 1.2.3)\n",
            "scripts/deps": "echo gcc cmake\n",
            "packaging/debian/control": "Build-Depends: debhelper-compat (= 13),\n cmake (>= 3),\n gcc\n",
            "packaging/debian/changelog": "pfild (1.2.3) a; urgency=low\n",
        }
        self.assertEqual(list(check_package.build_violations(self.tree(files))), [])
        bad = {"scripts/deps": "echo gcc\n", "packaging/debian/changelog": "pfild (1.2.4) a; urgency=low\n"}
        found = list(check_package.build_violations(self.tree({**files, **bad})))
        self.assertEqual(len(found), 2, found)
        self.assertIn("does not install cmake", found[0])
        self.assertIn("version is 1.2.3", found[1])

    def test_without_programs_there_is_no_package(self):
        pack = pathlib.Path(__file__).parents[2] / "packaging/pack"
        package, said = check_package.make(self.tree({"packaging/pack": pack.read_text()}), pathlib.Path("/nonexistent"))
        self.assertIsNone(package)
        self.assertIn("has no daemon/pfild", said)

    def test_lintian_is_asked(self):
        control = "Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n"
        root = self.tree({"p/DEBIAN/control": control, "p/usr/local/a": ""}).root
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root / "p", root / "a.deb"], check=True, capture_output=True)
        found = check_package.lintian_violations(root / "a.deb")
        self.assertTrue(any("file-in-usr-local" in line for line in found), found)


    def life_of(self, **scripts):
        """What is said of the life of a package that is nearly right, with these maintainer scripts."""
        pfild = "#!/bin/sh\ntrue\n"
        files = {"p/usr/sbin/pfild": pfild, "p/usr/sbin/bpfctl": pfild, "p/etc/pfild/default.toml": "", "p/DEBIAN/conffiles": "/etc/pfild/default.toml\n"}
        files["p/DEBIAN/control"] = "Package: pfild\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n"
        files.update({f"p/DEBIAN/{name}": "#!/bin/sh\nset -e\n" + text for name, text in scripts.items()})
        root = self.tree(files).root
        for path in [path for path in files if files[path].startswith("#!")]:
            (root / path).chmod(0o755)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root / "p", root / "a.deb"], check=True, capture_output=True)
        return sorted(check_package.life_violations(root / "a.deb", root))

    def test_a_life_that_leaves_something(self):
        begin = "mkdir -p /run/pfild /var/lib/pfild; getent group pfild >/dev/null || groupadd -r pfild\n"
        end = 'if [ "$1" = purge ]; then groupdel pfild; rm -rf /etc/pfild /run/pfild /var/lib/pfild /etc/default/pfild-*\n'
        wants = "find /etc/systemd/system -lname '*/pfild@.service' -delete; fi\n"
        self.assertEqual(self.life_of(postinst=begin, postrm=end + wants), [])
        link = "/etc/systemd/system/multi-user.target.wants/pfild@default.service"
        self.assertEqual(self.life_of(postinst=begin, postrm=end + "fi\n"), [f"purged, and there is still {link}"])
        found = self.life_of(postrm="exit 1\n")
        for part in ("there is no group pfild", "/run/pfild is not there", "dpkg -P pfild", "still /etc/pfild"):
            self.assertTrue(any(part in line for line in found), found)


class Alone(CheckTest):
    def test_finds_the_source_and_the_header_that_need_what_another_source_includes(self):
        files = {"core/a.cpp": "#include <string>\n", "core/b.cpp": "std::string b;\n", "core/c.cpp": '#include "core/c.h"\n'}
        tree = self.tree({**files, "core/c.h": "inline std::string c;\n"})
        together = tree.build / "Unity/unity_0_cxx.cxx"
        together.parent.mkdir()
        together.write_text("".join(f'#include "{tree.root}/core/{name}.cpp"\n' for name in "abc"))
        entry = {"directory": str(tree.build), "file": str(together), "command": f"g++ -std=c++20 -I{tree.root} -c {together}"}
        (tree.build / "compile_commands.json").write_text(json.dumps([entry]))
        found = check_alone.violations(tree)
        self.assertEqual(len(found), 2, found)
        self.assertIn("core/b.cpp:1: does not compile alone as c++", found[0])
        self.assertIn("core/c.h:1:13: error", found[1])

    def test_finds_the_header_that_needs_another(self):
        lone, needy = "#pragma once\n#include <string>\n", "#pragma once\ninline std::string a;\n"
        files = {"core/a.cpp": '#include "core/lone.h"\n#include "core/needy.h"\n', "core/lone.h": lone, "core/needy.h": needy}
        self.says(check_alone, files, "core/needy.h:1: does not compile alone as c++")

    def test_a_library_that_is_precompiled_hides_nothing(self):
        library = "#include <gtest/gtest.h>\n"
        needy, fine = "#pragma once\ninline std::string a;\n", "#pragma once\n" + library + "inline std::string b;\n"
        for text, expected in (
            ('#include "core/needy.h"\n' + library, ["core/needy.h:1: does not compile alone as c++"]),
            (library + '#include "core/fine.h"\n', ["core/needy.h:1: does not compile alone as c++"]),
            ('#include "core/fine.h"\nmissing a;\n', ["core/a.cpp:1: does not compile alone as c++", "core/needy.h:1"]),
        ):
            tree = self.tree({"core/z.cpp": "\n", "core/a.cpp": text, "core/needy.h": needy, "core/fine.h": fine})
            together = tree.build / "Unity/unity_0_cxx.cxx"
            together.parent.mkdir()
            together.write_text("".join(f'#include "{tree.root}/core/{name}.cpp"\n' for name in "za"))
            command = f"g++ -std=c++20 -O2 -I{tree.root} -c {together}"
            (tree.build / "compile_commands.json").write_text(
                json.dumps([{"directory": str(tree.build), "file": str(together), "command": command}])
            )
            found = sorted(check_alone.violations(tree))
            self.assertEqual(len(found), len(expected), found)
            for part, line in zip(expected, found):
                self.assertIn(part, line)

    def test_headers_of_bpf_are_compiled_as_bpf(self):
        self.says(check_alone, {"a.cpp": "\n", "bpf/a.h": "struct a { class b; };\n"}, "does not compile alone as bpf")
        self.says(check_alone, {"a.cpp": "\n", "bpf/a.h": "struct a { int class; };\n"})

    def test_headers_of_include_are_compiled_as_c_and_as_cpp(self):
        self.says(check_alone, {"a.cpp": "\n", "include/pfild/a.h": "int* class;\n"}, "as c++")
        self.says(check_alone, {"a.cpp": "\n", "include/pfild/a.h": "namespace a {}\n"}, "as c:")


class Tidy(CheckTest):
    BAD = SPDX + "namespace {\nint BadName() { return 0; }\n} // namespace\nint main() { return BadName(); }\n"

    def test_finds_a_wrong_name_every_time(self):
        tree = self.tree({"core/a.cpp": self.BAD})
        for _ in range(2):
            found = check_tidy.violations(tree)
            self.assertEqual(len(found), 1, found)
            self.assertIn("core/a.cpp:4: invalid case style for function 'BadName'", found[0])

    def test_remembers_what_was_clean_until_a_header_changes(self):
        files = {"core/a.cpp": '#include "core/a.h"\nint main() { return value(); }\n'}
        tree = self.tree({**files, "core/a.h": "#pragma once\ninline int value() { return 0; }\n"})
        self.assertEqual(check_tidy.violations(tree), [])
        self.assertEqual(len(list((tree.build / "verdicts").iterdir())), 1)
        (tree.root / "core/a.h").write_text("#pragma once\ninline int value() { int *p = 0; return p == 0; }\n")
        self.assertTrue(any("core/a.h:2" in line for line in check_tidy.violations(tree)))

    def test_finds_a_source_that_no_target_builds(self):
        tree = self.tree({"core/a.cpp": "int main() { return 0; }\n"})
        (tree.root / "core/b.cpp").write_text("\n")
        found = check_tidy.violations(source_tree.find(tree.root, tree.build))
        self.assertEqual(found, ["core/b.cpp:1: in no target of the build"])


class Tree(unittest.TestCase):
    def test_files_that_git_ignores_are_not_looked_at(self):
        files = source_tree.find(ROOT).files
        self.assertIn("CMakeLists.txt", files)
        self.assertFalse([path for path in files if path.startswith("build/")])


if __name__ == "__main__":
    unittest.main()
