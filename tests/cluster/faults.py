#!/usr/bin/env python3
"""Three trackers on three servers of etcd, through every fault in turn and under load: what is lost, and for how long.

    tests/cluster/faults.py [--bin DIR] [--old DIR] [--users N] [FAULT ...]

In DIR are `potok`, `potok-tracker` and `examples/cluster_load` (`cargo build --bins --example cluster_load --workspace`). People
who have keys stay on all trackers, and some consoles of the app; three programs claim the same names, in other letters, and names that look like them. A fault
is begun, lasts, and is over. It fails if a name that was acknowledged is lost, or two have one, or two that look alike; if
somebody is not back within ten seconds; and if those who watch are told anything but that somebody came, went or has other
files.
"""
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machines import CLIENTS, COUNT, MESH, TRACKER, Machines, address, end, so_far, wait_for

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import processes

LASTS, BACK_SECONDS_MAX = 12, 10
# Of the app; with fewer it may be that none is at the tracker that is cut off.
CONSOLES = 8
# Names of the same look.
PREFIXES = ["modem", "MODEM", "modern"]
TOLD = {"joined", "left", "changed", "resync"}


def unplugged(machines, n):
    machines.unplug(f"line{n}")
    yield
    machines.plug_in(f"line{n}")


def leader_cut(machines):
    yield from unplugged(machines, machines.leader())


def follower_cut(machines):
    yield from unplugged(machines, (machines.leader() + 1) % COUNT)


def tracker_alone(machines):
    """From etcd and from the other trackers; people still reach it."""
    ports = f"{CLIENTS}, {MESH}"
    machines.rules(1, "add rule inet cut in tcp dport { %s } drop" % ports, "add rule inet cut in tcp sport { %s } drop" % ports)
    yield
    machines.rules(1)


def one_way(machines):
    """It is heard by the other machines, and does not hear them."""
    machines.rules(2, "add rule inet cut in ip saddr { 10.77.7.1, 10.77.7.2 } drop")
    yield
    machines.rules(2)


def tracker_killed(machines):
    for n in range(COUNT):
        machines.signal("tracker", n, signal.SIGKILL)
        time.sleep(4)
        machines.start_tracker(n)
        time.sleep(3)
    yield


def etcd_killed(machines):
    for n in range(COUNT):
        machines.signal("etcd", n, signal.SIGKILL)
        time.sleep(4)
        machines.start_etcd(n)
        wait_for("etcd", lambda: machines.leader() is not None)
    yield


def all_etcd_killed(machines):
    for n in range(COUNT):
        machines.signal("etcd", n, signal.SIGKILL)
    yield
    for n in range(COUNT):
        machines.start_etcd(n)
    wait_for("etcd", lambda: machines.leader() is not None)


def rolling_restart(machines):
    for n in range(COUNT):
        machines.signal("tracker", n, signal.SIGTERM)
        machines.start_tracker(n)
        time.sleep(3)
        machines.signal("etcd", n, signal.SIGTERM)
        machines.start_etcd(n)
        wait_for("etcd", lambda: machines.leader() is not None)
        time.sleep(2)
    yield


def upgrade(machines):
    """To the program of an earlier commit, one tracker after the other, and from it to this one."""
    for bin in [machines.old, machines.bin]:
        for n in range(COUNT):
            machines.signal("tracker", n, signal.SIGTERM)
            machines.start_tracker(n, bin)
            time.sleep(2)
    yield


FAULTS = {fault.__name__.replace("_", "-"): fault for fault in [
    leader_cut, follower_cut, tracker_alone, one_way, tracker_killed, etcd_killed, all_etcd_killed, rolling_restart, upgrade]}


def begin_consoles(machines, letter):
    invite = f"potok://{','.join(f'{address(n)}:{TRACKER}' for n in range(COUNT))}/?key={machines.key()}"
    names = [f"app{letter}{n}" for n in range(CONSOLES)]
    consoles = [machines.console(machines.load, machines.bin, machines.dir, name, "--tracker", invite) for name in names]
    for console, name in zip(consoles, names):
        console.ask("list-users", f"{name}\t")
    return list(zip(consoles, names))


def ask_consoles(consoles):
    """A question to each, which is answered when it is at a tracker that answers."""
    return [(console, name, console.say("list-users"), time.monotonic()) for console, name in consoles]


def answered_after(asked):
    """After how many seconds each was answered."""
    return [console.hear(f"{name}\t", since)[0] - begun for console, name, since, begun in asked]


def judge_names(machines, claimed):
    """How many were acknowledged; fails if one is lost, or somebody else's too."""
    kept = [json.loads(line) for line in machines.etcdctl("get", "--prefix", "potok/n/", "--print-value-only").splitlines() if line]
    owners = {name["name"]: name.get("key") for name in kept}
    folded = [name.lower() for name in owners]
    assert len(folded) == len(set(folded)), "one name twice"
    all_of = {}
    for name, key in [named for seen in claimed for named in seen["names"].items()]:
        assert owners.get(name) == key, f"{name} is lost: {owners.get(name)}, not {key}"
        look = name.lower().replace("rn", "m")
        assert look not in all_of, f"{name} and {all_of[look]}"
        all_of[look] = name
    return len(all_of)


def run(machines, name, users):
    """One fault, and what is told of it."""
    # Names of one fault are none of the next.
    letter = "abcdefghi"[list(FAULTS).index(name)]
    people = machines.begin_load("users", count=users, prefix=f"p{letter}")
    wait_for("everybody", lambda: so_far(people)["here"] == users, 300)
    watchers = machines.begin_load("watch", prefix=f"p{letter}")
    claims = [machines.begin_load("claims", count=3, prefix=prefix + letter, every_milliseconds=20) for prefix in PREFIXES]
    consoles = begin_consoles(machines, letter) if name.endswith("-cut") else []
    time.sleep(3)
    fault = FAULTS[name](machines)
    next(fault)
    asked = ask_consoles(consoles)
    time.sleep(LASTS)
    apps = answered_after(asked)
    for _ in fault:
        pass
    time.sleep(3)
    wait_for("everybody back", lambda: so_far(people)["here"] == users, 60)
    time.sleep(2)
    for console, _ in consoles:
        machines.stop(console)
    claimed, told, back = [end(load) for load in claims], end(watchers)["told"], end(people)
    names = judge_names(machines, claimed)
    kinds = {kind.split()[1] for kind in told}
    # Who loses every race has no name either: the whole was silent no longer than those were who had names most evenly.
    silence = min(seen["longest_silence"] for seen in claimed) / 1000
    line = {"fault": name, "users": users, "names": names, "lost": 0, "twice": 0, "lost_sessions": back["count"],
            "back_p50_s": round((back["p50"] or 0) / 1000, 2), "back_max_s": round((back["max"] or 0) / 1000, 2),
            "no_name_for_s": round(silence, 2), "unavailable": sum(seen["refused"].get("unavailable", 0) for seen in claimed), "told": sorted(kinds),
            "consoles_lost": sum(took > 1 for took in apps), "console_back_max_s": round(max(apps, default=0), 2), "refused_users": back["refused"]}
    print(json.dumps(line), flush=True)
    assert kinds <= TOLD, f"{kinds} was told"
    assert (back["max"] or 0) <= BACK_SECONDS_MAX * 1000, f"somebody was away for {back['max'] / 1000:.1f} s"
    assert max(apps, default=0) <= BACK_SECONDS_MAX, f"a console was away for {max(apps)} s"
    assert names > 20, f"only {names} names"
    return line


def main():
    parser = processes.options_of(__doc__, "cluster")
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--old", help="where potok-tracker of an earlier commit is, for the fault `upgrade`")
    parser.add_argument("fault", nargs="*", choices=[*FAULTS, []])
    args = parser.parse_args()
    failed, passed = [], []
    with processes.folder(args.dir), Machines(args.bin, args.dir, args.old) as machines:
        machines.start()
        for name in args.fault or [name for name in FAULTS if args.old or name != "upgrade"]:
            try:
                passed.append(run(machines, name, args.users))
            except AssertionError as why:
                failed.append(f"{name}: {why}")
                print(f"{name}: {why}", file=sys.stderr, flush=True)
    if failed:
        sys.exit("\n".join(failed))
    names, silence = sum(line["names"] for line in passed), max(line["no_name_for_s"] for line in passed)
    print(f"figures: {len(passed)} faults under {args.users} people: {names:,} names, 0 lost, double or alike; everybody back "
          f"within {max(line['back_max_s'] for line in passed)} s; no new name for {silence} s at most")


if __name__ == "__main__":
    main()
