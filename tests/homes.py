#!/usr/bin/env python3
"""Two people at home, behind routers of many kinds: by which way they reach each other, and how soon.

    tests/homes.py [--bin target/debug] [FROM/TO ...]
    tests/homes.py --long [--trials 20] [--round-trips 0,40,160] [--results FILE] [FROM/TO ...]

alice shares from one home, bob downloads in the other, the tracker is on the Internet between them. The rows below name the
two homes (`routers.py` says which there are; `beside`: another computer in the same home) and the way that is expected. What
must hold: the file is the right one, and the transfer says this way; or, where there is none, bob is told so in one
sentence within ten seconds. The tracker's relay is switched on where the row says `relayed`.

The short form tries some rows once and judges no time. The long form tries all, many times with lines of several lengths,
and compares the time from the command until the first block is on bob's disk with what is to be reached. Each trial is a
program that has just started, and a file of its own.

Needs Linux, root, iproute2, nftables and Python 3.9.
"""
import collections
import filecmp
import json
import os
import platform
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

from namespaces import PORT, need_programs
from processes import SECONDS_MAX, folder, options_of
from routers import MAPPING, NEEDED, NETWORK, NETWORK6, Internet

Row = collections.namedtuple("Row", "at_alice at_bob way is_short")
NO_WAY = "none"
ROWS = [
    Row("public", "public", "direct", False),
    Row("public", "cone", "direct", True),
    Row("public", "symmetric", "direct", False),
    Row("cone", "public", "reversed", True),
    Row("symmetric", "public", "reversed", False),
    Row("cone", "cone", "punched", True),
    Row("reject", "reject", "punched", True),
    Row("open", "open", "punched", False),
    Row("cone", "reject", "punched", False),
    Row("no-udp", "cone", "punched", False),
    Row("cgn", "cone", "punched", True),
    Row("cgn", "cgn", "punched", False),
    Row("cgn", "reject", "punched", False),
    Row("firewall", "firewall", "punched", True),
    Row("cone", "beside", "nearby", True),
    Row("pcp", "cone", "mapped", True),
    Row("nat-pmp", "cone", "mapped", True),
    Row("upnp", "cone", "mapped", True),
    Row("cone", "symmetric", NO_WAY, True),
    Row("symmetric", "symmetric", NO_WAY, False),
    Row("cgn-symmetric", "cone", NO_WAY, False),
    Row("symmetric", "symmetric", "relayed", True),
    Row("cone", "symmetric", "relayed", False),
    Row("cgn-symmetric", "cone", "relayed", False),
]
# Slow enough that the transfer can be looked at while it runs.
UPLOAD_SECONDS = 2
FILE_BYTES = 20_000_000
SHORT_ROUND_TRIP_MS = 40
ROUND_TRIPS_MS = (0, 40, 160)
TRIALS = 20
TRACKER = "tracker.test"
TOLD_SECONDS_MAX = 10
# Seconds until the first block, of the long form: half of the trials, and all of them.
FIRST_SECONDS_MAX = {"nearby": (0.5, 5), "direct": (0.5, 5), "direct6": (0.5, 5), "mapped": (0.5, 5), "reversed": (1.5, 5),
                     "punched": (1.5, 5), "relayed": (4, 4), NO_WAY: (TOLD_SECONDS_MAX, TOLD_SECONDS_MAX)}


class Wrong(Exception):
    """What must hold does not."""


class Pair:
    """alice and bob in their homes, with a tracker between them."""

    def __init__(self, internet, options, row, dir):
        self.internet, self.options, self.dir, self.number = internet, options, dir, 0
        tracker = internet.computer("t", 1)
        argv = [f"{options.bin}/potok-tracker", "--data-dir", f"{dir}/tracker", "--listen", f"[::]:{PORT}"]
        if row.way == "relayed":
            with open(f"{dir}/tracker.toml", "w") as config:
                config.write(f"relay = true\nrelay_bytes_per_second = {options.relay_bytes_per_second}\n")
            argv += ["--config", f"{dir}/tracker.toml"]
        internet.run(tracker, argv).hear("listening on ")
        if row.at_bob == "beside":
            self.at_alice, self.at_bob = internet.home(row.at_alice, 10, computers=2)
        else:
            self.at_alice, self.at_bob = (internet.home(kind, home)[0] for kind, home in ((row.at_alice, 10), (row.at_bob, 20)))
        for home in (self.at_alice, self.at_bob):
            with open(f"/etc/netns/{home}/hosts", "a") as hosts:
                hosts.write(f"{NETWORK}.1 {TRACKER}\n{NETWORK6}:1 {TRACKER}\n")
        for name in ("alice", "bob"):
            os.makedirs(f"{dir}/{name}")
            with open(f"{dir}/{name}/config.toml", "w") as config:
                config.write(f"upload_bytes_per_second = {options.bytes // UPLOAD_SECONDS}\n")
        self.alice = self.console("alice", self.at_alice)
        if row.at_alice in MAPPING:
            self.wait_until_open(True)

    def wait_until_open(self, is_open, seconds=15):
        """Until alice's router has opened a port for her, or has closed it again."""
        began = time.monotonic()
        while bool(self.internet.open_now(10)) != is_open:
            if time.monotonic() - began > seconds:
                raise Wrong(f"alice's router has these ports open: {self.internet.open_now(10)}")
            time.sleep(0.05)

    def leaves_nothing_behind(self):
        """alice's router opens a port, tells so, and closes it when she ends, whichever way."""
        since = self.alice.say("reach")
        self.alice.hear("reachable\teverybody", since)
        self.alice.hear("ipv4\t.*\topen", since)
        for end in (lambda alice: alice.say("quit"), lambda alice: alice.process.terminate()):
            end(self.alice)
            self.alice.process.wait(SECONDS_MAX)
            self.wait_until_open(False, 3)
            self.internet.stop(self.alice)
            self.alice = self.console("alice", self.at_alice)
            self.wait_until_open(True)

    def console(self, name, home):
        program = self.internet.console(home, self.options.bin, self.dir, name, "--tracker", f"{TRACKER}:{PORT}")
        program.ask("whoami", f"{name}\t")
        return program

    def share(self, bytes):
        """A new file of alice's; its path."""
        self.number += 1
        path = f"{self.dir}/film{self.number}.bin"
        with open(path, "wb") as out:
            out.write(random.Random(self.number).randbytes(bytes))
        name = os.path.basename(path)
        self.alice.ask(f'register "{path}"', f"shared\t{name}\t")
        return path

    def trial(self, bytes, expected):
        """bob starts, and downloads a file: the way, and how many seconds it took until there was something of it."""
        path, copy = self.share(bytes), f"{self.dir}/copy.bin"
        bob = self.console("bob", self.at_bob)
        since = len(bob.lines)
        while not any(line.startswith("alice\t") for _, line in bob.lines[since:]):
            bob.ask("list-users", "bob\t")
        # That of an earlier trial, which came to nothing.
        bob.ask("cancel all\nwhoami", "bob\t")
        began = time.monotonic()
        since = bob.say(f'download alice {os.path.basename(path)} "{copy}"')
        if expected == NO_WAY:
            when, _ = bob.hear("warning: No way leads to alice: .*relay.*opens a port", since)
            self.internet.stop(bob)
            return NO_WAY, when - began
        first, way = None, None
        while first is None or way is None:
            if time.monotonic() - began > SECONDS_MAX:
                said = "\n".join(line for _, line in bob.lines[since:])
                raise Wrong(f"nothing came for {SECONDS_MAX} s; bob says:\n{said}")
            first = first or (time.monotonic() - began if has_bytes(copy) else None)
            way = way or self.way_of(os.path.basename(path))
            time.sleep(0.01)
        _, line = bob.hear("downloaded\t|error: ", since)
        if not line.startswith("downloaded\t") or not filecmp.cmp(path, copy, shallow=False):
            raise Wrong(f"not the file that was shared: {line}")
        self.internet.stop(bob)
        os.remove(copy)
        self.alice.ask(f'unregister "{path}"', "unshared\t")
        os.remove(path)
        return way, first

    def way_of(self, name):
        """The way of an upload that has one, as alice is told."""
        heard = self.alice.say("transfers\nwhoami")
        self.alice.hear("alice\t", heard)
        rows = [line.split("\t") for _, line in self.alice.lines[heard:] if re.match("\\d+\tupload\t", line)]
        return next((row[8] for row in rows if row[7] == name and row[8] != "-"), None)


def has_bytes(copy):
    """Whether a block of a download is on the disk."""
    for path in (f"{copy}.potok-part", copy):
        try:
            if os.stat(path).st_blocks > 0:
                return True
        except FileNotFoundError:
            pass
    return False


def play(options, row, round_trip_ms, trials):
    """Some trials of a row: the seconds of those that went as expected, and what was wrong with others."""
    dir = f"{options.dir}/{row.at_alice}-{row.at_bob}-{row.way}-{round_trip_ms:g}"
    os.makedirs(dir)
    seconds, wrong = [], []
    with Internet(round_trip_ms) as internet:
        try:
            pair = Pair(internet, options, row, dir)
        except (Wrong, SystemExit) as why:
            return seconds, [str(why)]
        for _ in range(trials):
            try:
                way, first = pair.trial(options.bytes, row.way)
            except (Wrong, SystemExit) as why:
                wrong.append(str(why))
                break
            if way == row.way:
                seconds.append(first)
            else:
                wrong.append(f"{way}, not {row.way}")
        try:
            if row.at_alice in MAPPING:
                pair.leaves_nothing_behind()
        except (Wrong, SystemExit) as why:
            wrong.append(str(why))
    shutil.rmtree(dir)
    return seconds, wrong


def show(options):
    """What does not hold."""
    rows = [row for row in ROWS if not options.rows or f"{row.at_alice}/{row.at_bob}" in options.rows]
    broken = []
    if not options.long:
        for row in rows:
            if row.is_short or options.rows:
                seconds, wrong = play(options, row, options.round_trips[0], options.trials)
                report(row, options.round_trips[0], seconds, wrong, broken)
        return broken
    for round_trip_ms in options.round_trips:
        for row in rows:
            seconds, wrong = play(options, row, round_trip_ms, options.trials)
            report(row, round_trip_ms, seconds, wrong, broken)
            judge(row, round_trip_ms, seconds, broken)
            if options.results and seconds:
                keep(options, row, round_trip_ms, seconds)
    return broken


def report(row, round_trip_ms, seconds, wrong, broken):
    pair = f"from {row.at_alice} to {row.at_bob}, {round_trip_ms:g} ms"
    took = f", first block after {statistics.median(seconds):.2f} s, at most {max(seconds):.2f}" if seconds else ""
    times = f" {len(seconds)} of {len(seconds) + len(wrong)}" if len(seconds) + len(wrong) > 1 else ""
    print(f"homes: {pair}: {row.way}{times}{took}{''.join(f'; WRONG: {why}' for why in wrong)}", flush=True)
    broken.extend(f"{pair}: {why}" for why in wrong)


def judge(row, round_trip_ms, seconds, broken):
    half_max, all_max = FIRST_SECONDS_MAX[row.way]
    if seconds and (statistics.median(seconds) > half_max or max(seconds) > all_max):
        broken.append(f"from {row.at_alice} to {row.at_bob}, {round_trip_ms:g} ms: {statistics.median(seconds):.2f} s, at most "
                      f"{max(seconds):.2f} s, to reach {half_max} s and {all_max} s")


def keep(options, row, round_trip_ms, seconds):
    """A row beside those of the benchmarks."""
    version = subprocess.run([f"{options.bin}/potok", "--version"], capture_output=True, text=True).stdout.split()[-1:]
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    kept = {"run": time.strftime("%Y-%m-%dT%H:%M"), "group": "reach", "version": "".join(version),
            "program": f"{row.at_alice}/{row.at_bob} {round_trip_ms:g}",
            "settings": {"from": row.at_alice, "to": row.at_bob, "round_trip_ms": round_trip_ms, "way": row.way,
                         "trials": options.trials},
            "figures": {"as_expected": len(seconds), "p50_seconds": round(statistics.median(seconds), 3),
                        "max_seconds": round(max(seconds), 3)},
            "machine": {"processors": os.cpu_count(), "model": model,
                        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
                        "kernel": platform.release(), "congestion": open("/proc/sys/net/ipv4/tcp_congestion_control").read().strip()}}
    with open(options.results, "a") as out:
        out.write(f"{json.dumps(kept)}\n")


def main():
    parser = options_of(__doc__, "homes")
    parser.add_argument("--long", action="store_true", help="all rows, many times, with times that are judged")
    parser.add_argument("--trials", type=int, help=f"of each row; {TRIALS} in the long form, otherwise 1")
    parser.add_argument("--round-trips", help="milliseconds between the homes, with commas")
    parser.add_argument("--megabytes", type=float, default=FILE_BYTES / 1e6, help="of each file")
    parser.add_argument("--results", help="where rows for benches/report.py are added")
    parser.add_argument("rows", nargs="*", metavar="FROM/TO", help="none: all, or those of the short form")
    options = parser.parse_args()
    need_programs(*NEEDED)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.trials = options.trials or (TRIALS if options.long else 1)
    given = [float(ms) for ms in options.round_trips.split(",")] if options.round_trips else None
    options.round_trips = given or (ROUND_TRIPS_MS if options.long else (SHORT_ROUND_TRIP_MS,))
    options.bytes = int(options.megabytes * 1e6)
    options.relay_bytes_per_second = options.bytes // UPLOAD_SECONDS * 2
    with folder(options.dir):
        broken = show(options)
    if broken:
        sys.exit("homes: does not hold:\n" + "\n".join(broken))


if __name__ == "__main__":
    main()
