#!/usr/bin/env python3
"""Writes assets/licences.txt: every crate that is built into Potok, its version and its licence.

Run it after a change of Cargo.lock; with --check it only says whether the file is up to date.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "assets/licences.txt"
HEAD = """\
Potok: MIT OR Apache-2.0.
Fonts: Inter (OFL-1.1), JetBrains Mono (OFL-1.1). Icons: Phosphor (MIT).

It is built from these crates, of https://crates.io, on one system or another:

"""


def crates():
    tree = ["cargo", "tree", "--locked", "--target", "all", "--edges", "normal", "--prefix", "none"]
    tree += ["--package", "potok", "--package", "potok-tracker", "--format", "{p}|{l}"]
    lines = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    for line in set(filter(None, lines)):
        package, licence = line.removesuffix(" (*)").rsplit("|", 1)
        name, version, *rest = package.split()
        # Our own are named above.
        if not any(part.startswith("(/") for part in rest):
            # A few old crates separate alternatives by a slash.
            yield name, version.removeprefix("v"), licence.replace(" (*)", "").replace("/", " OR ")


def main():
    lines = sorted({f"{name:<36}  {version:<14}  {licence}" for name, version, licence in crates()})
    text = HEAD + "\n".join(lines) + "\n"
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text() != text:
            sys.exit("assets/licences.txt is out of date: run assets/licences.py")
        return
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
