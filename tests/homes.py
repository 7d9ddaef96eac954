#!/usr/bin/env python3
"""Two people at home, behind routers of many kinds: by which way they reach each other, and how soon.

    tests/homes.py [--bin target/debug] [FROM/TO ...]
    tests/homes.py --long [--trials 20] [--round-trips 0,40,160] [--results benches/results.jsonl] [FROM/TO ...]

alice shares from one home, bob downloads in the other, the tracker is on the Internet between them. The rows below name the
two homes (`routers.py` says which there are; `beside`: another computer in the same home) and the way that is expected. What
must hold: the file is the right one, and the transfer says this way; or, where there is none, bob is told so in one
sentence within ten seconds. The tracker's relay is switched on where the row says `relayed`. With `--trackers 2` the two are
at two trackers of one network, and all of it must hold as well.

The short form tries some rows once and judges no time. The long form tries all, many times with lines of several lengths,
and compares with what is to be reached how long it takes from the command until the first bytes are there: of a file so small
that it comes in one flight, in the unfinished file beside the one that it becomes. Until the first block of a large one is,
which counts only when it is complete, TCP takes some round trips more: it sends 10 packets first, then twice as many each
time. Each download is of a program that has just started, and of a file of its own.

Needs Linux, root, iproute2, nftables and Python 3.9.
"""
import collections
import filecmp
import os
import random
import re
import shutil
import signal
import statistics
import sys
import time

from namespaces import PORT, need_programs
from processes import ROOT, SECONDS_MAX, folder, options_of
from routers import MAPPING, NEEDED, NETWORK, NETWORK6, OF_IPV6, PINHOLE_SECONDS_MIN, Internet

sys.path.insert(0, f"{ROOT}/benches")
from harness import Bench  # noqa: E402 (found by the line above)

Row = collections.namedtuple("Row", "at_alice at_bob way is_short")
# What came of one trial: the way, and after how many seconds the first bytes and the first block were there.
Trial = collections.namedtuple("Trial", "way first_bytes first_block")
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
    Row("pinhole", "firewall", "direct6", True),
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
# Files are written by pieces.
PIECE_BYTES = 1_000_000
# One flight.
SMALL_BYTES = 10_000
# Two who have met are not arranged a meeting again within two seconds.
AGAIN_SECONDS = 2.5
# A router refuses what comes before its own computer's packet has left. Two of them are met by tries at random moments, which
# must fall so close together as a packet is under way: there is no such moment between two in one rack, whose packets take
# some hundredth of a millisecond. Homes are no nearer than this.
REFUSING, NEAREST_MS = ("reject", "open"), 1
# Who cannot be dialled dials, and is met by both dialling, from the same moment on. Where the line has no length both are
# there within the same millisecond, and either may be the first; both go from one home to the other.
FIRST_OF_BOTH_MS, BOTH = 5, ("reversed", "punched")
SHORT_ROUND_TRIP_MS = 40
ROUND_TRIPS_MS = (0, 40, 160)
TRIALS = 20
TRACKER = "tracker.test"
TOLD_SECONDS_MAX = 10
# Seconds until the first bytes, of the long form: half of the trials, and all of them.
FIRST_SECONDS_MAX = {"nearby": (0.5, 5), "direct": (0.5, 5), "direct6": (0.5, 5), "mapped": (0.5, 5), "reversed": (1.5, 5),
                     "punched": (1.5, 5), "relayed": (4, 4), NO_WAY: (TOLD_SECONDS_MAX, TOLD_SECONDS_MAX)}
# Round trips from one home to the other until the first bytes are there: TCP, the handshake of TLS, the request; and for those
# who are dialled by who has them, or meet, those to the tracker, which is half way.
ROUND_TRIPS = {"nearby": 3, "direct": 3, "direct6": 3, "mapped": 3, "reversed": 4.5, "punched": 5}
# What a program without optimisation may take besides, on a machine that does other things.
BESIDES_SECONDS = 0.1


class Wrong(Exception):
    """What must hold does not."""


class Pair:
    """alice and bob in their homes, with a tracker between them."""

    def __init__(self, internet, options, row, dir):
        self.internet, self.options, self.dir, self.number = internet, options, dir, 0
        self.at_alice_kind = row.at_alice
        self.start_trackers(row.way == "relayed")
        if row.at_bob == "beside":
            self.at_alice, self.at_bob = internet.home(row.at_alice, 10, computers=2)
        else:
            self.at_alice, self.at_bob = (internet.home(kind, home)[0] for kind, home in ((row.at_alice, 10), (row.at_bob, 20)))
        # With two trackers bob's is the second one.
        self.tracker_of = {self.at_alice: 1, self.at_bob: options.trackers}
        for home in (self.at_alice, self.at_bob):
            with open(f"/etc/netns/{home}/hosts", "a") as hosts:
                number = self.tracker_of[home]
                hosts.write(f"{NETWORK}.{number} {TRACKER}\n{NETWORK6}:{number} {TRACKER}\n")
        for name in ("alice", "bob"):
            os.makedirs(f"{dir}/{name}")
            with open(f"{dir}/{name}/config.toml", "w") as config:
                config.write(f"upload_bytes_per_second = {options.bytes // UPLOAD_SECONDS}\n")
        self.alice = self.console("alice", self.at_alice)
        if row.at_alice in MAPPING:
            self.wait_until_open(True)

    def start_trackers(self, relays):
        """One tracker, or two of one network, with a server of etcd beside the first one."""
        spaces = [self.internet.computer(f"t{number}", number) for number in range(1, self.options.trackers + 1)]
        servers = f"http://{NETWORK}.1:2379"
        if len(spaces) > 1:
            self.internet.run(spaces[0], [
                "etcd", "--data-dir", f"{self.dir}/etcd", "--logger", "zap", "--log-level", "error", "--listen-client-urls", servers,
                "--advertise-client-urls", servers, "--listen-peer-urls", "http://127.0.0.1:2380"])
        for number, space in enumerate(spaces, 1):
            data = f"{self.dir}/tracker{number}"
            os.makedirs(data, 0o700)
            with open(f"{data}/config.toml", "w") as config:
                if relays:
                    config.write(f"relay = true\nrelay_bytes_per_second = {self.options.relay_bytes_per_second}\n")
                if len(spaces) > 1:
                    config.write(f'cluster = ["{servers}"]\nmesh = "{NETWORK}.{number}:7688"\n')
            if number > 1:
                shutil.copy2(f"{self.dir}/tracker1/identity.key", data)
            argv = [f"{self.options.bin}/potok-tracker", "--data-dir", data, "--listen", f"[::]:{PORT}"]
            self.internet.run(space, argv).hear("listening on ")

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
        self.alice.hear(f"reach\t.*\topen\t{'ipv6' if self.at_alice_kind in OF_IPV6 else 'ipv4'}", since)
        self.alice.hear("reachable\teverybody", since)
        for end in (lambda alice: alice.say("quit"), lambda alice: alice.process.terminate()):
            end(self.alice)
            self.alice.process.wait(SECONDS_MAX)
            self.wait_until_open(False, 2 * PINHOLE_SECONDS_MIN)
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
            chance = random.Random(self.number)
            for begin in range(0, bytes, PIECE_BYTES):
                out.write(chance.randbytes(min(PIECE_BYTES, bytes - begin)))
        name = os.path.basename(path)
        self.alice.ask(f'register "{path}"', f"shared\t{name}\t")
        return path

    def trial(self, bytes, expected):
        """bob starts, and downloads a file."""
        first_bytes = self.small_file() if self.options.long and expected != NO_WAY else None
        path, copy = self.share(bytes), f"{self.dir}/copy.bin"
        bob = self.bob_who_sees_alice()
        began = time.monotonic()
        since = bob.say(f'download alice {os.path.basename(path)} "{copy}"')
        if expected == NO_WAY:
            when, _ = bob.hear("warning: No way leads to alice: .*relay.*opens a port", since)
            self.internet.stop(bob)
            return Trial(NO_WAY, when - began, when - began)
        first, way = None, None
        while first is None or way is None:
            self.must_come(bob, since, began, way)
            first = first or (time.monotonic() - began if has_bytes(copy) else None)
            way = way or self.way_of(os.path.basename(path))
            time.sleep(0.01)
        self.whole(bob, since, path, copy)
        return Trial(way, first_bytes or first, first)

    def small_file(self):
        """bob starts, and downloads a file that comes in one flight: after how many seconds its bytes are there."""
        path, copy = self.share(SMALL_BYTES), f"{self.dir}/small.bin"
        bob = self.bob_who_sees_alice()
        began = time.monotonic()
        since = bob.say(f'download alice {os.path.basename(path)} "{copy}"')
        while not has_bytes(copy):
            self.must_come(bob, since, began)
            time.sleep(0.001)
        took = time.monotonic() - began
        # What makes it last, and its name, come behind that.
        self.whole(bob, since, path, copy)
        time.sleep(max(0.0, began + AGAIN_SECONDS - time.monotonic()))
        return took

    def must_come(self, bob, since, began, way=None):
        """It has come, or must within some time."""
        has_failed = any(line.startswith("error: ") for _, line in bob.lines[since:])
        if has_failed or time.monotonic() - began > SECONDS_MAX:
            said = "\n".join(line for _, line in bob.lines[since:])
            raise Wrong(f"not all of it came, and the way is {way}; bob says:\n{said}")

    def whole(self, bob, since, path, copy):
        """When bob's copy of a file is there. Then it is put away again, and bob ends."""
        when, line = bob.hear("downloaded\t|error: ", since)
        if not line.startswith("downloaded\t") or not filecmp.cmp(path, copy, shallow=False):
            raise Wrong(f"not the file that was shared: {line}")
        self.internet.stop(bob)
        os.remove(copy)
        self.alice.ask(f'unregister "{path}"', "unshared\t")
        os.remove(path)
        return when

    def bob_who_sees_alice(self):
        bob = self.console("bob", self.at_bob)
        since = len(bob.lines)
        while not any(line.startswith("alice\t") for _, line in bob.lines[since:]):
            bob.ask("list-users", "bob\t")
        # That of an earlier trial, which came to nothing.
        bob.ask("cancel all\nwhoami", "bob\t")
        return bob

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
    """Some trials of a row: those that went as expected, and what was wrong with others."""
    if row.at_alice in REFUSING and row.at_bob in REFUSING:
        round_trip_ms = max(round_trip_ms, NEAREST_MS)
    dir = f"{options.dir}/{row.at_alice}-{row.at_bob}-{row.way}-{round_trip_ms:g}"
    os.makedirs(dir)
    good, wrong = [], []
    with Internet(round_trip_ms) as internet:
        try:
            pair = Pair(internet, options, row, dir)
        except (Wrong, SystemExit) as why:
            return good, [str(why)]
        for _ in range(trials):
            try:
                trial = pair.trial(options.bytes, row.way)
            except (Wrong, SystemExit) as why:
                wrong.append(str(why))
                break
            is_first_of_both = round_trip_ms < FIRST_OF_BOTH_MS and row.way == "reversed" and trial.way in BOTH
            if trial.way == row.way or is_first_of_both:
                good.append(trial)
            else:
                wrong.append(f"{trial.way}, not {row.way}")
        try:
            if row.at_alice in MAPPING:
                pair.leaves_nothing_behind()
        except (Wrong, SystemExit) as why:
            wrong.append(str(why))
    shutil.rmtree(dir)
    return good, wrong


def show(options):
    """What does not hold."""
    rows = [row for row in ROWS if not options.rows or f"{row.at_alice}/{row.at_bob}" in options.rows]
    broken = []
    if not options.long:
        for row in rows:
            if row.is_short or options.rows:
                good, wrong = play(options, row, options.round_trips[0], options.trials)
                report(row, options.round_trips[0], good, wrong, broken)
        return broken
    bench = Bench(options) if options.results else None
    for round_trip_ms in options.round_trips:
        for row in rows:
            if bench:
                bench.measure(lambda bench, row: measure(options, row, round_trip_ms, broken, bench), row)
            else:
                measure(options, row, round_trip_ms, broken)
    return broken


def measure(options, row, round_trip_ms, broken, bench=None):
    """A row of the long form: played, judged, and kept beside those of the benchmarks."""
    good, wrong = play(options, row, round_trip_ms, options.trials)
    report(row, round_trip_ms, good, wrong, broken)
    judge(row, round_trip_ms, good, broken)
    if bench and good:
        figures = {"as_expected": len(good)}
        for what in ("first_bytes", "first_block"):
            seconds = [getattr(trial, what) for trial in good]
            figures |= {f"{what}_p50_seconds": statistics.median(seconds), f"{what}_max_seconds": max(seconds)}
        settings = {"from": row.at_alice, "to": row.at_bob, "round_trip_ms": round_trip_ms, "way": row.way, "trials": options.trials}
        program = f"{row.at_alice}/{row.at_bob} {row.way} {round_trip_ms:g}"
        bench.add("reach", program, figures, bench.version(), **settings)


def report(row, round_trip_ms, good, wrong, broken):
    pair = f"from {row.at_alice} to {row.at_bob}, {round_trip_ms:g} ms"
    took = ""
    if good:
        first = [trial.first_bytes for trial in good]
        block = [trial.first_block for trial in good]
        took = (f", first bytes after {statistics.median(first):.2f} s, at most {max(first):.2f}, "
                f"first block after {statistics.median(block):.2f} s, at most {max(block):.2f}")
    times = f" {len(good)} of {len(good) + len(wrong)}" if len(good) + len(wrong) > 1 else ""
    print(f"homes: {pair}: {row.way}{times}{took}{''.join(f'; WRONG: {why}' for why in wrong)}", flush=True)
    broken.extend(f"{pair}: {why}" for why in wrong)


def judge(row, round_trip_ms, good, broken):
    if not good:
        return
    half_max, all_max = FIRST_SECONDS_MAX[row.way]
    # No program is faster than its line.
    half_max = max(half_max, ROUND_TRIPS.get(row.way, 0) * round_trip_ms / 1000 + BESIDES_SECONDS)
    seconds = [trial.first_bytes for trial in good]
    if statistics.median(seconds) > half_max or max(seconds) > all_max:
        broken.append(f"from {row.at_alice} to {row.at_bob}, {round_trip_ms:g} ms: first bytes after {statistics.median(seconds):.2f} s, "
                      f"at most {max(seconds):.2f} s, to reach {half_max} s and {all_max} s")


def main():
    parser = options_of(__doc__, "homes")
    parser.add_argument("--long", action="store_true", help="all rows, many times, with times that are judged")
    parser.add_argument("--trials", type=int, help=f"of each row; {TRIALS} in the long form, otherwise 1")
    parser.add_argument("--round-trips", help="milliseconds between the homes, with commas")
    parser.add_argument("--trackers", type=int, choices=(1, 2), default=1, help="2: alice and bob are at two trackers of one network (etcd)")
    parser.add_argument("--megabytes", type=float, default=FILE_BYTES / 1e6, help="of each file")
    parser.add_argument("--results", help="where rows for benches/report.py are added")
    parser.add_argument("rows", nargs="*", metavar="FROM/TO", help="none: all, or those of the short form")
    options = parser.parse_args()
    need_programs(*NEEDED, *(["etcd"] if options.trackers > 1 else []))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.trials = options.trials or (TRIALS if options.long else 1)
    given = [float(ms) for ms in options.round_trips.split(",")] if options.round_trips else None
    options.round_trips = given or (ROUND_TRIPS_MS if options.long else (SHORT_ROUND_TRIP_MS,))
    options.bytes = int(options.megabytes * 1e6)
    options.relay_bytes_per_second = options.bytes // UPLOAD_SECONDS * 2
    options.run = time.strftime("%Y-%m-%dT%H:%M")
    with folder(options.dir):
        broken = show(options)
    if broken:
        sys.exit("homes: does not hold:\n" + "\n".join(broken))


if __name__ == "__main__":
    main()
