# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package: made of the programs that a build folder has, it holds these files and no others, lintian has nothing to say, its
configuration changes nothing, a purge leaves nothing, and what it is built with is what scripts/deps installs."""
import os
import pathlib
import re
import subprocess
import tempfile

import sources as source_tree

DEBIAN = "packaging/debian"
FILES = """
etc/pfild/default.toml
usr/include/pfild/net/bpf.h
usr/lib/systemd/system/pfild@.service
usr/lib/sysusers.d/pfild.conf
usr/lib/tmpfiles.d/pfild.conf
usr/sbin/bpfctl
usr/sbin/pfild
usr/sbin/pfild-devbpf
usr/share/doc/pfild/changelog.gz
usr/share/doc/pfild/configuration.md
usr/share/doc/pfild/control-protocol.md
usr/share/doc/pfild/copyright
usr/share/doc/pfild/counters.md
usr/share/doc/pfild/filters.md
usr/share/doc/pfild/modes.md
usr/share/doc/pfild/pfild.toml
usr/share/man/man8/bpfctl.8.gz
usr/share/man/man8/pfild-devbpf.8.gz
usr/share/man/man8/pfild.8.gz
""".split()
SCHEMA = re.compile(r"usr/share/pfild/schema/[\w.-]+\.json")


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def build_violations(sources):
    """What it needs to be built is in the one list of packages, and its version is the project's."""
    control, changelog = (sources.text(f"{DEBIAN}/{name}") for name in ("control", "changelog"))
    needed = re.search(r"^Build-Depends:((?:.*\n)(?: .*\n)*)", control, re.MULTILINE)[1]
    listed = run("bash", str(sources.root / "scripts/deps"), "--list").stdout.split()
    for package in re.findall(r"[\w.+-]+(?=\s*(?:\([^)]*\))?\s*(?:,|$))", needed):
        if package not in listed and not package.startswith(("debhelper-compat", "dh-sequence-")):
            yield f"{DEBIAN}/control:1: scripts/deps does not install {package}"
    version = re.search(r"^project\(pfild VERSION ([\d.]+)", sources.text("CMakeLists.txt"), re.MULTILINE)[1]
    if not changelog.startswith(f"pfild ({version}) "):
        yield f"{DEBIAN}/changelog:1: the project's version is {version}"


def make(sources, folder):
    """The package in `folder`, or what was said instead of making it."""
    done = run("bash", str(sources.root / "packaging/pack"), str(sources.build), str(folder))
    packages = list(folder.glob("pfild_*.deb"))
    return (packages[0], "") if done.returncode == 0 and len(packages) == 1 else (None, done.stdout)


def listing_violations(listing):
    """`listing`: what dpkg-deb -c says."""
    found = {}
    for line in listing.splitlines():
        mode, owner, *_, path = line.split(None, 5)
        if not path.endswith("/"):
            found[path.removeprefix("./")] = (mode, owner)
    yield from (f"the package has no {path}" for path in FILES if path not in found)
    if not any(SCHEMA.fullmatch(path) for path in found):
        yield "the package has no schemas of the control protocol"
    unknown = (path for path in found if path not in FILES and not SCHEMA.fullmatch(path))
    yield from (f"the package has {path}, which tests/check/check_package.py does not know" for path in unknown)
    for path, said in found.items():
        right = "-rwxr-xr-x" if "/sbin/" in path else "-rw-r--r--"
        if said != (right, "root/root"):
            yield f"{path} is {' '.join(said)}, not {right} root/root"


def configuration_violations(text, conffiles):
    """What is installed changes nothing until somebody edits it, and an edited one stays."""
    if conffiles.split() != ["/etc/pfild/default.toml"]:
        yield f"conffiles are: {conffiles}"
    yield from (f"default.toml: {line} is not commented out" for line in text.splitlines() if line and line[0] != "#")


def unit_violations(text):
    if "ExecStart=/usr/sbin/pfild " not in text or "@CMAKE" in text:
        yield "pfild@.service does not start /usr/sbin/pfild"


def lintian_violations(package):
    done = run("lintian", "--allow-root", "--fail-on", "error,warning", str(package))
    return done.stdout.splitlines() if done.returncode != 0 else []


def life_violations(package, folder):
    """Installed, upgraded, removed and purged in a copy of this root."""
    place = folder / "life"
    place.mkdir()
    script = pathlib.Path(__file__).with_name("package_life.sh")
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = run("unshare", *rights, "--mount", "bash", script, package, place)
    said = done.stdout.splitlines()
    return said if done.returncode == 0 else [*said, f"{script.name} ended with {done.returncode}"]


def package_violations(package, folder):
    yield from listing_violations(run("dpkg-deb", "-c", package).stdout)
    run("dpkg-deb", "-R", package, folder / "content")

    def read(path):
        path = folder / "content" / path
        return path.read_text() if path.is_file() else ""

    yield from configuration_violations(read("etc/pfild/default.toml"), read("DEBIAN/conffiles"))
    yield from unit_violations(read("usr/lib/systemd/system/pfild@.service"))
    yield from lintian_violations(package)
    yield from life_violations(package, folder)


def violations(sources):
    found = list(build_violations(sources))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        package, said = make(sources, folder)
        if package is None:
            return [*found, f"{DEBIAN}/rules:1: no package: {said}"]
        return found + [f"{DEBIAN}:1: {wrong}" for wrong in package_violations(package, folder)]


if __name__ == "__main__":
    source_tree.main(violations)
