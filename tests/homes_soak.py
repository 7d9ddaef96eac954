#!/usr/bin/env python3
"""Two people behind routers that open ports on request, for long: what happens to lines, routers and laptops at home.

    tests/homes_soak.py [--bin target/debug] [--minutes 10]

alice and bob share with each other and download from each other all the time. Meanwhile, one after the other and at random:
a line is cut, a provider gives a home another address, a router is switched off and on, a laptop sleeps (its program is
stopped and its line is dead), or nothing happens. What must hold: every file is the right one and comes before long, both
routers open a port again after whatever has happened, and when both have ended no port is open.

Needs what tests/homes.py needs.
"""
import filecmp
import os
import random
import signal
import sys
import time

from homes import TRACKER
from namespaces import PORT, need_programs
from processes import folder, options_of
from routers import NEEDED, NETWORK, NETWORK6, Internet

ROUND_TRIP_MS = 40
# Slow enough that most of what happens happens to a transfer.
UPLOAD_BYTES_PER_SECOND = 2_000_000
FILE_BYTES = (1_000, 5_000_000, 20_000_000, 20_000_000)
# How long a line is dead, a router restarts, a laptop sleeps.
CUT_SECONDS = (1, 5, 30)
RESTART_SECONDS = (2, 10)
SLEEP_SECONDS = (5, 30, 90)
# Longer than this nothing takes that comes at all: half a minute between two tries to reach somebody, and the time in which a
# dead connection is noticed.
FILE_SECONDS_MAX = 240
# How long until a router has opened a port again: soon after a sign that it has forgotten us, and without one when the mapping is
# renewed, every ten minutes. A router that keeps ports lets connections of before go on without a sign.
OPEN_SECONDS_MAX = 660
CLOSED_SECONDS_MAX = 5
# A program that has just been asleep may be slow.
UNSHARED_SECONDS_MAX = 30


class Home:
    """Somebody at home with a laptop, behind a router."""

    def __init__(self, internet, options, name, kind, number):
        self.internet, self.options, self.name, self.kind, self.number = internet, options, name, kind, number
        self.address = number
        self.space = internet.home(kind, number)[0]
        with open(f"/etc/netns/{self.space}/hosts", "a") as hosts:
            hosts.write(f"{NETWORK}.1 {TRACKER}\n{NETWORK6}:1 {TRACKER}\n")
        os.makedirs(f"{options.dir}/{name}")
        with open(f"{options.dir}/{name}/config.toml", "w") as config:
            config.write(f"upload_bytes_per_second = {UPLOAD_BYTES_PER_SECOND}\n")
        self.program = internet.console(self.space, options.bin, options.dir, name, "--tracker", f"{TRACKER}:{PORT}")
        self.program.ask("whoami", f"{name}\t")

    def wait_until_open(self, is_open, seconds):
        began = time.monotonic()
        while bool(self.internet.open_now(self.number)) != is_open:
            if time.monotonic() - began > seconds:
                sys.exit(f"homes soak: after {seconds} s the router of {self.name} has these ports open: "
                         f"{self.internet.open_now(self.number)}")
            time.sleep(0.1)

    def line_is_cut(self, chance):
        seconds = chance.choice(CUT_SECONDS)
        self.internet.cut(self.number)
        time.sleep(seconds)
        self.internet.mend(self.number)
        return f"line cut for {seconds} s"

    def address_changes(self, chance):
        # Of the 250 on the switch, those from 100 on are free; each home has its own half.
        after = chance.choice([n for n in range(100 + self.number, 110 + self.number) if n != self.address])
        self.internet.move(self.number, self.address, after)
        self.address = after
        return "another address"

    def router_restarts(self, chance):
        seconds = chance.choice(RESTART_SECONDS)
        self.internet.restart(self.kind, self.number)
        time.sleep(seconds)
        self.internet.mend(self.number)
        return f"router off for {seconds} s"

    def laptop_sleeps(self, chance):
        seconds = chance.choice(SLEEP_SECONDS)
        self.program.process.send_signal(signal.SIGSTOP)
        self.internet.cut(self.number)
        time.sleep(seconds)
        self.internet.mend(self.number)
        self.program.process.send_signal(signal.SIGCONT)
        return f"asleep for {seconds} s"

    def nothing_happens(self, _chance):
        return "nothing"


HAPPENINGS = (Home.line_is_cut, Home.address_changes, Home.router_restarts, Home.laptop_sleeps, Home.nothing_happens)


class File:
    """One that somebody shares, and its copy at the other."""

    def __init__(self, dir, number, owner, other, bytes):
        self.owner, self.other = owner, other
        self.name = f"{owner.name}{number}.bin"
        self.path, self.copy = f"{dir}/{self.name}", f"{dir}/copy-{self.name}"
        with open(self.path, "wb") as out:
            out.write(random.Random(f"{owner.name}{number}").randbytes(bytes))
        owner.program.ask(f'register "{self.path}"', f"shared\t{self.name}\t")

    def download(self):
        # Whose line has just died learns of it later: until then the tracker is not told what they share.
        until = time.monotonic() + FILE_SECONDS_MAX
        while not self.is_listed():
            if time.monotonic() > until:
                sys.exit(f"homes soak: the tracker does not list {self.name} after {FILE_SECONDS_MAX} s")
            time.sleep(0.5)
        self.began = time.monotonic()
        self.since = self.other.program.say(f'download {self.owner.name} {self.name} "{self.copy}" --wait')

    def is_listed(self):
        since = self.other.program.say(f"list-files {self.owner.name}\nwhoami")
        self.other.program.hear(f"{self.other.name}\t", since)
        return any(self.name in line for _, line in self.other.program.lines[since:])

    def arrive(self):
        """The file is there, and the right one: after how many seconds."""
        when, line = self.other.program.hear("downloaded\t|error: ", self.since, FILE_SECONDS_MAX)
        if not line.startswith("downloaded\t") or not filecmp.cmp(self.path, self.copy, shallow=False):
            sys.exit(f"homes soak: not the file that was shared: {line}")
        return when - self.began

    def put_away(self):
        """Both of them. Whoever cannot tell the tracker stops sharing all the same."""
        self.owner.program.ask(f'unregister "{self.path}"', "unshared\t", UNSHARED_SECONDS_MAX)
        for path in (self.path, self.copy):
            os.remove(path)


def show(options):
    chance = random.Random(options.seed)
    with Internet(ROUND_TRIP_MS) as internet:
        tracker = internet.computer("t", 1)
        argv = [f"{options.bin}/potok-tracker", "--data-dir", f"{options.dir}/tracker", "--listen", f"[::]:{PORT}"]
        internet.run(tracker, argv).hear("listening on ")
        homes = [Home(internet, options, "alice", "pcp", 10), Home(internet, options, "bob", "upnp", 20)]
        for home in homes:
            home.wait_until_open(True, OPEN_SECONDS_MAX)
        for home, other in (homes, reversed(homes)):
            home.program.ask("list-users", f"{other.name}\t")
        began, rounds, longest, happened = time.monotonic(), 0, 0.0, {}
        while time.monotonic() - began < options.minutes * 60:
            rounds += 1
            files = [File(options.dir, rounds, owner, other, chance.choice(FILE_BYTES))
                     for owner, other in (homes, reversed(homes))]
            for file in files:
                file.download()
            time.sleep(chance.uniform(0, 3))
            home, happening = chance.choice(homes), chance.choice(HAPPENINGS)
            what = happening(home, chance)
            happened[happening.__name__] = happened.get(happening.__name__, 0) + 1
            took = [file.arrive() for file in files]
            # A console does one thing after the other: the owner of one waits for the other.
            for file in files:
                file.put_away()
            longest = max(longest, *took)
            if options.verbose:
                print(f"homes soak: {home.name}, {what}: {', '.join(f'{seconds:.1f}' for seconds in took)} s", flush=True)
        for home in homes:
            home.wait_until_open(True, OPEN_SECONDS_MAX)
            home.program.say("quit")
        for home in homes:
            home.program.process.wait(30)
            home.wait_until_open(False, CLOSED_SECONDS_MAX)
        counts = ", ".join(f"{count} × {name.replace('_', ' ')}" for name, count in sorted(happened.items()))
        print(f"homes soak: {2 * rounds} files right in {options.minutes:g} minutes, the last after {longest:.0f} s at most; {counts}; "
              "no port is open at the end")


def main():
    parser = options_of(__doc__, "homes-soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="a line a round")
    options = parser.parse_args()
    need_programs(*NEEDED)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with folder(options.dir):
        show(options)


if __name__ == "__main__":
    main()
