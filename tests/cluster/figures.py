#!/usr/bin/env python3
"""How fast three trackers of one network are beside one, and what a loss costs, on one computer.

    tests/cluster/figures.py [--bin DIR] [--users N] [--files N] [--seconds N]

N users on each of three trackers, with so many files each, and as many files, from a third of the users, at a tracker that is
alone: a process has 20,000 descriptors on many computers. Everything, the load too, shares this computer's processors: the
ratios say more than the times. Figures are lines of JSON; times are milliseconds.
"""
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machines import COUNT, LONE, Machines, end, so_far, wait_for

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


def here(loads):
    return sum(so_far(load)["here"] for load in loads)


def all_in(where, loads, users, machines):
    begun = time.monotonic()
    wait_for("everybody", lambda: here(loads) == users, 1800)
    said(f"everybody is in at {where}", users=users, seconds=round(time.monotonic() - begun, 1),
         resident_mib=resident(machines))


def main():
    parser = processes.options_of(__doc__, "cluster-figures")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=20)
    args = parser.parse_args()
    with processes.folder(args.dir), Machines(args.bin, args.dir) as machines:
        machines.start()
        machines.start_tracker(LONE)
        # What etcd does takes longer on a disk than in memory: that is where the folder should be.
        said("one fdatasync", **one_fdatasync(args.dir))
        said("a new name", **brief(for_a_while(machines, args.seconds, "claims", count=1, prefix="c", every_milliseconds=20)))
        total = args.users * COUNT
        # As often as the app asks where nothing tells it to ask more often.
        users = {"count": args.users, "ping_every_milliseconds": 30_000}
        one = [machines.begin_load("users", at=[LONE], prefix="one-", files=args.files * COUNT, **users)]
        all_in("one", one, args.users, machines)
        three = [machines.begin_load("users", prefix=f"p{n}-", files=args.files, **users) for n in range(COUNT)]
        all_in("three", three, total, machines)
        time.sleep(5)
        # In turn, so that whatever else this computer does happens to both.
        searches = for_a_while(machines, args.seconds, "search", prefix="s", every_milliseconds=20, at=[LONE, 0])
        at_one, at_three = map(brief, searches["each"])
        said("search in turn", one=at_one, three=at_three, p50_ratio=round(at_three["p50"] / at_one["p50"], 2),
             p99_ratio=round(at_three["p99"] / at_one["p99"], 2))
        for load in one:
            end(load)
        machines.signal("tracker", LONE, signal.SIGTERM)
        for what, count in [("announced here, known there", 1), ("the same by eight at once", 8)]:
            announce = for_a_while(machines, args.seconds, "announce", count=count, prefix=f"a{count}-",
                                    every_milliseconds=100)
            said(what, **brief(announce), refused=announce["refused"])
        claims = machines.begin_load("claims", count=3, prefix="e", every_milliseconds=10)
        time.sleep(3)
        leader = machines.leader()
        machines.signal("etcd", leader, signal.SIGKILL)
        time.sleep(8)
        seen = end(claims)
        said("no new name when the leader of etcd is killed", longest_ms=round(seen["longest_silence"]), **brief(seen))
        machines.start_etcd(leader)
        wait_for("etcd", lambda: machines.leader() is not None)
        before = [so_far(load)["count"] for load in three]
        watchers = machines.begin_load("watch", prefix="p", at=[0, 1])
        time.sleep(1)
        machines.signal("tracker", 2, signal.SIGKILL)
        begun = time.monotonic()
        wait_for("somebody lost", lambda: here(three) < total, 60)
        wait_for("everybody back", lambda: here(three) == total, 600)
        said("a tracker is killed", all_back_s=round(time.monotonic() - begun, 1), resident_mib=resident(machines))
        for load, count in zip(three, before):
            back = so_far(load)
            said("of a third of the users, away", users_of_it=back["count"] - count, **brief(back), refused=back["refused"])
            assert (back["max"] or 0) <= 10_000, f"somebody was away for {back['max'] / 1000:.1f} s"
        time.sleep(5)
        told = end(watchers)["told"]
        said("what watchers at the others are told meanwhile", **told)
        for load in three:
            end(load)
        kinds = {kind.split()[1] for kind in told}
        assert kinds <= {"joined", "left", "changed", "resync"}, f"{kinds} was told"


if __name__ == "__main__":
    main()
