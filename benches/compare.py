#!/usr/bin/env python3
"""Whether a change has made anything slower: the rows that say most, with the programs before and after it, in turn.

    git worktree add ../before COMMIT && (cd ../before && cargo build --profile dist --workspace)
    benches/compare.py ../before/target/dist [GROUP/ROW ...] [-- OPTION OF RUN.PY ...]

Each round measures before and after next to each other, so that what a machine does meanwhile hits both; of the rounds the
median of the ratios counts. Nothing is kept but the rows, in target/bench/compare.jsonl. The rest is as in benches/run.py.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

from harness import ROOT
from tables import markdown, number

# Goal, row, figure, whether more of it is better.
FIGURES = [
    ("S1", "file/Potok", "of_limit", True),
    ("S1", "file/Potok", "megabytes_per_second", True),
    ("S4", "small/Potok", "files_per_second", True),
    ("S7", "share/Potok", "gigabytes_per_second", True),
    ("S7", "restart/Potok", "seconds", False),
    ("S9", "announce/Potok", "bytes_a_file_100_a_line", False),
    ("S8", "announce/Potok", "files_per_second_100_a_line", True),
    ("S10", "search/Potok", "p50_ms_while_they_come_and_go", False),
    ("S10", "search/Potok", "p99_ms_while_they_come_and_go", False),
    ("S10", "search/Potok", "per_second_50_askers", True),
    ("S14", "waits/Potok", "p99_ms", False),
    ("S14", "waits/Potok", "p999_ms", False),
]
SIDES = ("before", "after")


def measure(folder, rows, results, more):
    subprocess.run([sys.executable, f"{ROOT}/benches/run.py", "--bin", folder, "--results", results, *rows, *more], check=True)


def read(path):
    """The figures of the newest row of each group."""
    with open(path) as lines:
        rows = [json.loads(line) for line in lines]
    return {f"{row['group']}/{row['program']}": row["figures"] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="folder of the programs built before")
    parser.add_argument("rows", nargs="*", metavar="GROUP/ROW", help="all if none is named")
    parser.add_argument("--after", default=os.path.join(ROOT, "target/dist"), help="folder of those built after")
    parser.add_argument("--rounds", type=int, default=3)
    # What stands behind `--` is for run.py.
    own, more = sys.argv[1:], []
    if "--" in own:
        own, more = own[:own.index("--")], own[own.index("--") + 1:]
    args = parser.parse_intermixed_args(own)
    known = list(dict.fromkeys(row for _, row, _, _ in FIGURES))
    if unknown := set(args.rows) - set(known):
        parser.error(f"no such row: {' '.join(sorted(unknown))}; there are {' '.join(known)}")
    rows = [row for row in known if not args.rows or row in args.rows]
    kept = os.path.join(ROOT, "target/bench/compare.jsonl")
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    rounds = []
    for turn in range(args.rounds):
        # The second is not always the same side: what is warm helps both.
        sides = SIDES if turn % 2 == 0 else SIDES[::-1]
        figures = {}
        for side in sides:
            path = f"{kept}.{turn}.{side}"
            if os.path.exists(path):
                os.remove(path)
            measure(os.path.abspath(getattr(args, side)), rows, path, more)
            figures[side] = read(path)
            with open(path) as part, open(kept, "a") as out:
                out.write(part.read())
            os.remove(path)
        rounds.append(figures)
    print(table(rounds))
    return 0


def table(rounds):
    lines = []
    for goal, row, figure, more_is_better in FIGURES:
        pairs = [[turn[side].get(row, {}).get(figure) for side in SIDES] for turn in rounds]
        pairs = [pair for pair in pairs if None not in pair]
        if not pairs:
            continue
        ratios = sorted(after / before for before, after in pairs)
        middle = [statistics.median(values) for values in zip(*pairs)]
        lines.append([goal, row, figure, *map(number, middle), f"{statistics.median(ratios):.2f}",
                      f"{ratios[0]:.2f} to {ratios[-1]:.2f}", "more is better" if more_is_better else "less is better"])
    return markdown(["goal", "row", "figure", "before", "after", "after / before", "of the rounds", ""], lines)


if __name__ == "__main__":
    sys.exit(main())
