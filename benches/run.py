#!/usr/bin/env python3
"""Measures Potok beside other programs, in one run, and adds the figures to benches/results.jsonl.

    benches/run.py --list                     the rows: groups, and what is measured in each
    benches/run.py --quick                    all groups but the long ones, small, printed and not kept
    benches/run.py file "small/Potok" resume  these groups or rows
    benches/report.py                         writes docs/performance.md and its pictures from the results

Linux and root (each run has a network namespace of its own), Python 3.9, the built programs (`cargo build --profile dist`),
`benches/trackbench` built for everything but transfers, and a tmpfs with room for twice --size. What is not installed is
left out; benches/install.sh installs it. Absolute figures drift by tens of per cent from run to run: only ratios of one
run count.
"""
import argparse
import os
import shutil
import sys
import time
import traceback

import growth
import large_network
import servers
import shares
import transfers
import window
from harness import ROOT, Bench, Skip, own_network, parse_size
from peers.programs import PROGRAMS



def with_load(load):
    """The programs that can do it: the limits first, then Potok, then the others."""
    names = [name for name in PROGRAMS if load in PROGRAMS[name].loads]
    return sorted(names, key=lambda name: 0 if name.startswith("limit") else 1 if name.startswith("Potok") else 2)


# Group: what measures it, the rows, whether it is part of the quick form.
GROUPS = {
    "file": (transfers.file, with_load("file"), True),
    "small": (transfers.small, with_load("small"), True),
    "sources": (transfers.sources, ["four good", "two good", "two good, one slow, one liar"], True),
    "resume": (transfers.resume, with_load("resume"), True),
    "share": (transfers.share, ["b3sum", "Potok"], True),
    "restart": (transfers.restart, ["Potok"], True),
    **servers.GROUPS,
    **growth.GROUPS,
    **shares.GROUPS,
    **window.GROUPS,
    **large_network.GROUPS,
}
QUICK = {"size": "512M", "files": 2000, "unchanged": 10_000, "names": 100_000, "users": 1000, "rounds": 1}


def chosen(wanted, quick):
    """The rows of what was named on the command line, in the order of the groups."""
    known = {f"{group}/{row}": (group, row) for group, (_, rows, _) in GROUPS.items() for row in rows}
    for name in wanted:
        if not any(key == name or key.split("/")[0] == name for key in known):
            raise SystemExit(f"there is no group or row {name!r}: see --list")
    for key, (group, row) in known.items():
        if key in wanted or group in wanted or (not wanted and (GROUPS[group][2] or not quick)):
            yield group, row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="GROUP[/ROW]")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true", help=f"small sizes: {QUICK}")
    parser.add_argument("--bin", default=os.path.join(ROOT, "target/dist"), help="folder of the built programs")
    parser.add_argument("--trackbench", default=os.path.join(ROOT, "benches/trackbench/target/release/trackbench"))
    parser.add_argument("--dir", default="/dev/shm/potok-bench", help="work folder; it is removed at the end")
    parser.add_argument("--keep", action="store_true", help="keep the work folder, for the next row")
    parser.add_argument("--run", default=time.strftime("%Y-%m-%dT%H:%M"), help="when the run began, to go on with one")
    parser.add_argument("--results", default=os.path.join(ROOT, "benches/results.jsonl"), help="where rows are added")
    parser.add_argument("--congestion", nargs="+", default=["cubic", "reno"], help="TCP congestion control: the first of them "
                        "that a namespace may choose")
    parser.add_argument("--size", default="4G", help="the large file")
    parser.add_argument("--files", type=int, default=10_000, help="files of 4 KiB")
    parser.add_argument("--unchanged", type=int, default=100_000, help="files after a restart")
    parser.add_argument("--names", type=int, default=1_000_000, help="announced files")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3, help="transfers of each program; the median counts")
    args = parser.parse_args()
    if args.quick:
        changed = {name: value for name, value in QUICK.items() if getattr(args, name) == parser.get_default(name)}
        vars(args).update(changed)
        if args.results == parser.get_default("results"):
            args.results = os.path.join(ROOT, "target/bench/quick.jsonl")
    if args.list:
        for group, (_, rows, quick) in GROUPS.items():
            print(f"{group:18} {'' if quick else '(long) '}{' · '.join(map(str, rows))}")
        return 0
    rows = list(chosen(args.rows, args.quick))
    own_network(args.congestion)
    args.size = parse_size(args.size)
    bench = Bench(args)
    failed = 0
    try:
        for group, row in rows:
            try:
                bench.measure(GROUPS[group][0], row)
            except Skip as skip:
                print(f"{group:18} {row:24} left out: {skip}", flush=True)
            except (OSError, RuntimeError, ValueError) as error:
                failed += 1
                print(f"{group:18} {row:24} FAILED", flush=True)
                traceback.print_exception(error)
    finally:
        if not args.keep:
            shutil.rmtree(args.dir, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
