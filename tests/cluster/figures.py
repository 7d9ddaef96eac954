#!/usr/bin/env python3
"""How fast three trackers of one network are beside one, and what a loss costs, on one computer.

    tests/cluster/figures.py [--bin DIR] [--users N] [--files N] [--seconds N]

N users on each of three trackers, with so many files each. Everything, the load too, shares this computer's processors: the
ratios say more than the times. Figures are lines of JSON; times are milliseconds.
"""
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machines import COUNT, Machines, end, so_far, wait_for

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import processes


def said(what, **figures):
    print(json.dumps({"what": what, **figures}), flush=True)


def brief(seen):
    return {name: seen[name] and round(seen[name], 1) for name in ("count", "p50", "p99", "max")}


def one_fdatasync(dir, count=300):
    """What one write to this disk takes that lasts."""
    times, path = [], f"{dir}/fdatasync"
    with open(path, "wb") as file:
        for _ in range(count):
            file.write(b"x" * 512)
            file.flush()
            begun = time.monotonic()
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - begun) * 1000)
            time.sleep(0.01)
    times.sort()
    return {"p50": round(times[count // 2], 1), "p99": round(times[count * 99 // 100], 1)}


def resident(machines):
    """Memory of each tracker, in MiB."""
    sizes = {}
    for (what, n), process in machines.running.items():
        with open(f"/proc/{process.pid}/status") as status:
            sizes[f"{what} {n}"] = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))
    return sizes


def for_a_while(machines, seconds, *words, **more):
    load = machines.begin_load(*words, **more)
    time.sleep(seconds)
    return end(load)


def alone(args):
    """The same searches where one tracker has everything."""
    with processes.folder(args.dir), Machines(args.bin, args.dir) as machines:
        machines.start_tracker(0, is_alone=True)
        total = args.users * COUNT
        begun = time.monotonic()
        people = machines.begin_load("users", count=total, prefix="p", files=args.files, at=[0])
        wait_for("everybody", lambda: so_far(people)["here"] == total, 1800)
        said("everybody is in at one", users=total, files=total * args.files, seconds=round(time.monotonic() - begun, 1),
             resident_mib=resident(machines))
        time.sleep(5)
        said("search at one",
             **brief(for_a_while(machines, args.seconds, "search", prefix="s", every_milliseconds=50, at=[0])))
        end(people)


def main():
    parser = processes.options_of(__doc__, "cluster-figures")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=20)
    args = parser.parse_args()
    alone(args)
    with processes.folder(args.dir), Machines(args.bin, args.dir) as machines:
        machines.start()
        # What etcd does takes longer on a disk than in memory: that is where the folder should be.
        said("one fdatasync", **one_fdatasync(args.dir))
        said("a new name", **brief(for_a_while(machines, args.seconds, "claims", count=1, prefix="c", every_milliseconds=20)))
        total = args.users * COUNT
        begun = time.monotonic()
        people = machines.begin_load("users", count=total, prefix="p", files=args.files)
        wait_for("everybody", lambda: so_far(people)["here"] == total, 1800)
        said("everybody is in", users=total, files=total * args.files, seconds=round(time.monotonic() - begun, 1),
             resident_mib=resident(machines))
        time.sleep(5)
        said("search over three", **brief(for_a_while(machines, args.seconds, "search", prefix="s", every_milliseconds=50)))
        said("announced here, known there",
             **brief(for_a_while(machines, args.seconds, "announce", prefix="a", every_milliseconds=100)))
        claims = machines.begin_load("claims", count=3, prefix="e", every_milliseconds=10)
        time.sleep(3)
        leader = machines.leader()
        machines.signal("etcd", leader, signal.SIGKILL)
        time.sleep(8)
        seen = end(claims)
        said("no new name when the leader of etcd is killed", longest_ms=round(seen["longest_silence"]), **brief(seen))
        machines.start_etcd(leader)
        wait_for("etcd", lambda: machines.leader() is not None)
        before = so_far(people)["count"]
        machines.signal("tracker", 2, signal.SIGKILL)
        begun = time.monotonic()
        time.sleep(1)
        wait_for("everybody back", lambda: so_far(people)["here"] == total, 600)
        back = so_far(people)
        said("a tracker is killed", users_of_it=back["count"] - before, all_back_s=round(time.monotonic() - begun, 1),
             **{f"back_{name}": value for name, value in brief(back).items()}, resident_mib=resident(machines))
        end(people)


if __name__ == "__main__":
    main()
