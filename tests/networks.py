#!/usr/bin/env python3
"""Three computers with lines between them that are slow or cut: a tracker, alice who shares, bob who downloads.

    tests/networks.py [--bin target/debug] [--long]

Each has a network namespace with one line to a switch in a fourth. A line is slow by a token bucket (tbf); it is cut by
taking its end out of the switch, so that nothing passes and neither side is told. What must hold:

slow     a download takes little more time than its line needs for the bytes.
short    a line cut for ten seconds in the middle of a download: it goes on by itself, and the file is right.
apart    the tracker's line is cut: a download that has begun does not need it.
other    bob's computer gets another address in the middle of a download: he is at the tracker under it at once, and the
         download goes on.
long     bob's line cut for longer than every time-out: all find out, and when it is back so is bob, and the download ends
         by itself, with the right bytes.

`--long` does it with larger files and once more with alice's line. Needs Linux, root, iproute2 and Python 3.9. It prints
one line a part; what does not hold ends it with status 1. No time is judged here but that of a program that hangs.
"""
import filecmp
import os
import random
import re
import signal
import subprocess
import sys
import time

from namespaces import PORT, Namespaces, ip, need_programs
from processes import SECONDS_MAX, folder, options_of

MEGABITS = 40
SHORT_CUT_SECONDS = 10
# Sessions with a tracker are given up after 75 seconds of silence, those between peers sooner.
LONG_CUT_SECONDS = 90


class Computer:
    """A namespace with one line to the switch."""

    def __init__(self, networks, number):
        self.networks, self.address = networks, f"10.77.0.{number}"
        # Names of network devices have 15 letters at most.
        self.name, self.line = f"{networks.name}-{number}", f"line{number}"
        networks.space(self.name)
        networks.cable(networks.name, self.line, self.name, "eth0")
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        self.mend()

    def cut(self):
        self.networks.unplug(self.line)

    def mend(self):
        self.networks.plug_in(self.line)

    def slow(self, megabits):
        """What comes to it, and what goes from it."""
        for name, device in ((self.networks.name, self.line), (self.name, "eth0")):
            subprocess.run(["tc", "-n", name, "qdisc", "replace", "dev", device, "root", "tbf", "rate", f"{megabits}mbit",
                            "burst", "64kb", "latency", "50ms"], check=True)


class Networks(Namespaces):
    def __init__(self):
        super().__init__("potok")
        self.computers = []

    def __enter__(self):
        super().__enter__()
        self.computers = [Computer(self, number) for number in (1, 2, 3)]
        return self


class World:
    def __init__(self, networks, options):
        self.dir, self.number = options.dir, 0
        self.tracker_at, self.alice_at, self.bob_at = networks.computers
        for computer in networks.computers:
            computer.slow(MEGABITS)
        os.makedirs(f"{self.dir}/src")
        networks.run(self.tracker_at.name, [f"{options.bin}/potok-tracker", "--listen", f"{self.tracker_at.address}:{PORT}",
                                            "--data-dir", f"{self.dir}/tracker"]).hear("listening on ")
        self.alice, self.bob = (self.console(networks, options.bin, at, name)
                                for at, name in ((self.alice_at, "alice"), (self.bob_at, "bob")))

    def console(self, networks, bin, at, name):
        console = networks.console(at.name, bin, self.dir, name, "--tracker", f"{self.tracker_at.address}:{PORT}",
                                   "--listen", f"{at.address}:{PORT}")
        console.ask("whoami", f"{name}\t")
        return console

    def share(self, megabytes):
        """A new file of alice's; its name."""
        self.number += 1
        name = f"{self.number}.bin"
        with open(f"{self.dir}/src/{name}", "wb") as out:
            out.write(random.Random(self.number).randbytes(megabytes * 1_000_000))
        self.alice.ask(f'register "{self.dir}/src/{name}"', f"shared\t{name}\t")
        return name

    def begin(self, name):
        """Bob begins a download; where in what he says."""
        return self.bob.say(f'download alice "{name}" "{self.dir}/{name}"')

    def end(self, name, since, seconds_max=SECONDS_MAX):
        """When it ended. It must be the file that was shared."""
        when, line = self.bob.hear("downloaded\t|error: ", since, seconds_max)
        if not line.startswith("downloaded\t"):
            raise SystemExit(f"the download of {name} failed: {line}")
        if not filecmp.cmp(f"{self.dir}/src/{name}", f"{self.dir}/{name}", shallow=False):
            raise SystemExit(f"{name} is not the file that was shared")
        return when

    def must_be_under_way(self, name):
        if os.path.exists(f"{self.dir}/{name}") or not os.path.exists(f"{self.dir}/{name}.potok-part"):
            raise SystemExit(f"{name} is not in the middle of its download: the test shows nothing")

    def users(self, of):
        """Who is online, as one of them sees it; `None`: they are not."""
        since = of.say("list-users\nstatus")
        of.hear("download-folder\t", since)
        lines = [line for _, line in of.lines[since:]]
        if any(line.startswith("error: offline") for line in lines):
            return None
        return {line.split("\t")[0] for line in lines if re.search("\t[0-9a-f]{64}$", line)}


def slow(world, megabytes):
    name = world.share(megabytes)
    began = time.monotonic()
    seconds = world.end(name, world.begin(name)) - began
    needed = megabytes * 8 / MEGABITS
    if seconds < needed * 0.9:
        raise SystemExit(f"the line is not slow: {megabytes} MB in {seconds:.1f} s, the test shows nothing")
    print(f"network: {megabytes} MB at {MEGABITS} Mbit/s in {seconds:.1f} s, {seconds / needed:.2f} times the time that the line needs",
          flush=True)


def cut_for_a_while(world, computer, what, megabytes, seconds):
    name = world.share(megabytes)
    since = world.begin(name)
    time.sleep(1.5)
    computer.cut()
    world.must_be_under_way(name)
    time.sleep(seconds)
    computer.mend()
    mended = time.monotonic()
    if computer is not world.tracker_at:
        world.must_be_under_way(name)
    after = world.end(name, since) - mended
    how = f"the rest came in {after:.1f} s" if after > 0 else f"the download ended {-after:.1f} s before that"
    print(f"network: {what} cut for {seconds} s, {how}", flush=True)


def at_another_address(world, computer, megabytes):
    """As when a computer is carried into another room: the old address is gone, and no connection of it was ended."""
    name = world.share(megabytes)
    since = world.begin(name)
    time.sleep(1.5)
    before, computer.address = computer.address, f"10.77.0.1{computer.address[-1]}"
    ip("-n", computer.name, "address", "del", f"{before}/24", "dev", "eth0")
    ip("-n", computer.name, "address", "add", f"{computer.address}/24", "dev", "eth0")
    began = time.monotonic()
    world.must_be_under_way(name)
    while True:
        heard = world.alice.say("list-users\nwhoami")
        world.alice.hear("alice\t[^\t]*\t[0-9a-f]{64}$", heard)
        if any(line.startswith(f"bob\t{computer.address}:") for _, line in world.alice.lines[heard:]):
            break
        if time.monotonic() - began > SECONDS_MAX:
            raise SystemExit(f"bob is not at the tracker under {computer.address}")
        time.sleep(0.1)
    seen = time.monotonic() - began
    after = world.end(name, since) - began
    print(f"network: the downloader's address changed: the tracker saw the new one after {seen:.1f} s, the rest came in {after:.1f} s",
          flush=True)


def cut_for_long(world, computer, what, megabytes, seconds):
    """Longer than every time-out: those on the other side of the cut find out, and all comes back."""
    away, other, who = (world.bob, world.alice, "bob") if computer is world.bob_at else (world.alice, world.bob, "alice")
    name = world.share(megabytes)
    since = world.begin(name)
    time.sleep(1.5)
    said_before = len(away.lines)
    computer.cut()
    cut = time.monotonic()
    world.must_be_under_way(name)
    lost_at, gone_at = None, None
    while time.monotonic() - cut < seconds:
        if lost_at is None and any("cannot be reached" in line for _, line in away.lines[said_before:]):
            lost_at = time.monotonic() - cut
        if gone_at is None and other is world.alice and who not in (world.users(other) or {who}):
            gone_at = time.monotonic() - cut
        time.sleep(0.3)
    if lost_at is None or (gone_at is None and other is world.alice):
        raise SystemExit(f"{what} was cut for {seconds} s: {who} noticed after {lost_at} s, the tracker after {gone_at} s")
    world.must_be_under_way(name)
    computer.mend()
    mended = time.monotonic()
    after = world.end(name, since) - mended
    while world.users(world.alice) != {"alice", "bob"}:
        if time.monotonic() - mended > SECONDS_MAX:
            raise SystemExit(f"{who} does not come back")
        time.sleep(0.3)
    back = time.monotonic() - mended
    told = f", the tracker's found after {gone_at:.0f} s" if gone_at else ""
    print(f"network: {what} cut for {seconds} s: {who}'s found after {lost_at:.0f} s{told}; the rest of the download came in "
          f"{after:.1f} s, all are back after {max(back, after):.1f} s", flush=True)


def main():
    parser = options_of(__doc__, "networks")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    need_programs("ip", "tc")
    # Also when it is ended, nothing of it stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    times = 4 if options.long else 1
    with folder(options.dir), Networks() as networks:
        world = World(networks, options)
        slow(world, 15 * times)
        cut_for_a_while(world, world.bob_at, "the downloader's line", 20 * times, SHORT_CUT_SECONDS)
        cut_for_a_while(world, world.alice_at, "the owner's line", 20 * times, SHORT_CUT_SECONDS)
        cut_for_a_while(world, world.tracker_at, "the tracker's line", 20 * times, SHORT_CUT_SECONDS)
        at_another_address(world, world.bob_at, 20 * times)
        cut_for_long(world, world.bob_at, "the downloader's line", 20 * times, LONG_CUT_SECONDS)
        if options.long:
            cut_for_long(world, world.alice_at, "the owner's line", 20 * times, LONG_CUT_SECONDS)


if __name__ == "__main__":
    main()
