#!/usr/bin/env python3
"""Writes docs/performance.md and docs/plots/ from the results. The document is never edited by hand: its sentences are
in performance.template.md, its figures come from the newest row of each group and program.

    benches/report.py                                 from benches/results.jsonl
    benches/report.py --results target/bench/quick.jsonl --print
"""
import argparse
import json
import os
import re
import sys

import goals
import plots
import tables
from harness import ROOT

# The groups in which other programs are measured.
OTHERS = ("file", "small", "resume", "share", "announce", "search", "users")
TEMPLATE = os.path.join(ROOT, "benches/performance.template.md")


class Results:
    """The newest row of everything."""

    def __init__(self, path):
        self.rows = {}
        with open(path) as lines:
            for line in lines:
                row = json.loads(line)
                point = next((value for name, value in row["settings"].items() if name in ("users", "files", "transfers")
                              and row["group"].startswith("growth")), None)
                self.rows[row["group"], row["program"], point] = row

    def group(self, group):
        return [row for (name, _, _), row in self.rows.items() if name == group]

    def row(self, group, program="Potok", point=None):
        return self.rows.get((group, program, point))

    def figure(self, group, name, program="Potok", point=None):
        """None where it was not measured."""
        row = self.row(group, program, point)
        return row["figures"].get(name) if row else None

    def points(self, group, name):
        found = [(point, row["figures"].get(name)) for (known, _, point), row in self.rows.items() if known == group]
        return sorted((point, figure) for point, figure in found if figure is not None)


def conditions(results):
    """Of which days, machine and programs the figures are."""
    rows = list(results.rows.values())
    days = sorted({row["run"][:10] for row in rows})
    # What other programs measure has conditions of its own.
    machine = max((row for row in rows if row["group"] not in tables.COMMANDS), key=lambda row: row["run"])["machine"]
    others = {row["program"]: row["version"] for row in rows
              if row["version"] and row["group"] in OTHERS and not row["program"].startswith(("Potok", "limit"))}
    listed = " · ".join(f"{name} {version}" for name, version in sorted(others.items(), key=lambda pair: pair[0].lower()))
    potok = sorted({row["version"] for row in rows if row["program"].startswith("Potok")})
    return {"days": " to ".join(days[:1] + days[1:][-1:]), "potok": ", ".join(potok), "versions": listed,
            "machine": f"{machine['processors']} processors ({machine['model']}), {machine['memory_gib']} GiB, "
                       f"Linux {machine['kernel']}, TCP congestion control {machine['congestion']}"}


def fill(template, results):
    """`{{name}}` is a condition, `{{table NAME}}`, `{{goals}}` and `{{limits}}` are made here."""
    known = conditions(results)

    def part(match):
        word, _, name = match.group(1).partition(" ")
        if word == "table":
            return tables.TABLES[name](results)
        if word == "goals":
            return goals.table(results)
        if word == "limits":
            return goals.limits(results)
        if word == "transfers":
            return tables.turns(results)
        return known[word]
    return re.sub(r"\{\{(.+?)\}\}", part, template)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default=os.path.join(ROOT, "benches/results.jsonl"))
    parser.add_argument("--print", action="store_true", help="the goals, on the screen; nothing is written")
    args = parser.parse_args()
    results = Results(args.results)
    if args.print:
        print(goals.table(results))
        return 0
    os.makedirs(os.path.join(ROOT, "docs/plots"), exist_ok=True)
    plots.draw(results, os.path.join(ROOT, "docs/plots"))
    with open(TEMPLATE) as file:
        text = fill(file.read(), results)
    with open(os.path.join(ROOT, "docs/performance.md"), "w") as out:
        out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
