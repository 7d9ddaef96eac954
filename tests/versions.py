#!/usr/bin/env python3
"""Programs of two versions with each other: a file each way, whatever is old of tracker, alice and bob; and folders that an old
program wrote, read by the new one.

    tests/versions.py --old DIR [--bin target/debug]

DIR has `potok` and `potok-tracker` as they were built from an earlier commit, for example

    git worktree add /tmp/old 20f3bf2 && cargo build --manifest-path /tmp/old/Cargo.toml --workspace     # /tmp/old/target/debug

What must hold: each download is the file that was shared, and who was alice with the old program is she with the new one, with
what she shared; a download that bob began with the old program is ended by the new one; and a new tracker that goes on in the
folder of an old one gives alice's name to nobody else. All of it is on this computer's loopback. Needs Python 3.9.
"""
import filecmp
import itertools
import os
import random
import subprocess
import time

from processes import SECONDS_MAX, Program, folder, options_of

FILE_BYTES = 3_000_000
# So slow that a program can be ended in the middle of a file.
SLOW_BYTES_PER_SECOND = 1_000_000


class Room:
    """A tracker and two people, each of some version."""

    def __init__(self, bins, dir):
        self.bins, self.dir = bins, dir
        self.programs = []
        os.makedirs(dir)

    def __enter__(self):
        self.serve(self.bins["tracker"], "127.0.0.1:0")
        self.people = {name: self.console(self.bins[name], name) for name in ("alice", "bob")}
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.stop()

    def serve(self, bin, at):
        self.tracker = self.start([f"{bin}/potok-tracker", "--data-dir", f"{self.dir}/tracker", "--listen", at])
        _, line = self.tracker.hear(r".*listening on ")
        self.at = line.split("listening on ")[1].split()[0].rstrip(",")

    def start(self, argv):
        self.programs.append(Program(argv))
        return self.programs[-1]

    def console(self, bin, name):
        console = self.start([f"{bin}/potok", "console", "--data-dir", f"{self.dir}/{name}", "--name", name, "--keep-sharing",
                              "--tracker", self.at])
        console.ask("whoami", f"{name}\t")
        return console

    def shares(self, name):
        path = f"{self.dir}/of-{name}.bin"
        with open(path, "wb") as out:
            out.write(random.Random(name).randbytes(FILE_BYTES))
        self.people[name].ask(f'register "{path}"', f"shared\tof-{name}.bin\t")

    def fetches(self, name, other):
        console, copy = self.people[name], f"{self.dir}/by-{name}.bin"
        self.sees(name, other)
        since = console.say(f'download {other} of-{other}.bin "{copy}"')
        _, line = console.hear("downloaded\t|error: ", since)
        if not line.startswith("downloaded\t") or not filecmp.cmp(f"{self.dir}/of-{other}.bin", copy, shallow=False):
            raise SystemExit(f"{name} did not get the file of {other}: {line}")
        os.remove(copy)

    def sees(self, name, other):
        """Waits until somebody sees somebody else, who may be on the way."""
        console, until = self.people[name], time.monotonic() + SECONDS_MAX
        while True:
            since = console.say("list-users")
            console.hear(f"{name}\t|error", since)
            if any(line.startswith(f"{other}\t") for _, line in console.lines[since:]):
                return
            if time.monotonic() > until:
                raise SystemExit(f"{name} does not see {other}")
            time.sleep(0.1)

    def ends_what_began(self, bin):
        """bob ends in the middle of a file, and goes on with another program."""
        copy, part = f"{self.dir}/begun.bin", f"{self.dir}/begun.bin.potok-part"
        settings = f"{self.dir}/bob/config.toml"
        with open(settings) as config:
            others = [line for line in config if not line.startswith("download_bytes_per_second")]
        with open(settings, "w") as config:
            config.writelines([f"download_bytes_per_second = {SLOW_BYTES_PER_SECOND}\n", *others])
        self.becomes("bob", self.bins["bob"])
        self.sees("bob", "alice")
        self.people["bob"].say(f'download alice of-alice.bin "{copy}"')
        self.wait_for("a part of a file", lambda: os.path.exists(part) and os.stat(part).st_blocks > 0)
        self.becomes("bob", bin)
        self.wait_for("the rest of it", lambda: os.path.exists(copy))
        if not filecmp.cmp(f"{self.dir}/of-alice.bin", copy, shallow=False):
            raise SystemExit("what bob began with the old program is not the file that was shared")

    def wait_for(self, what, holds):
        until = time.monotonic() + SECONDS_MAX
        while not holds():
            if time.monotonic() > until:
                said = "\n".join(line for _, line in self.people["bob"].lines[-20:])
                raise SystemExit(f"in vain: {what}; bob says:\n{said}")
            time.sleep(0.02)

    def tracker_becomes(self, bin):
        """Another tracker goes on in the same folder. It gives nobody's name away."""
        self.programs.remove(self.tracker)
        self.tracker.stop()
        self.serve(bin, self.at)
        said = subprocess.run([f"{bin}/potok", "console", "--data-dir", f"{self.dir}/thief", "--name", "alice", "--tracker", self.at,
                               "-c", "whoami"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX)
        if said.returncode == 0 or "name-taken" not in said.stderr:
            raise SystemExit(f"the new tracker gives alice's name to another key: {said}")

    def becomes(self, name, bin):
        """Somebody goes on with another program on the same folder: who they are, before and after."""
        before = self.people[name].ask("whoami", f"{name}\t")[1]
        self.programs.remove(self.people[name])
        self.people[name].stop()
        self.people[name] = self.console(bin, name)
        return before, self.people[name].ask("whoami", f"{name}\t")[1]


def show(options):
    versions = {"old": options.old, "new": options.bin}
    for kinds in itertools.product(versions, repeat=3):
        who = dict(zip(("tracker", "alice", "bob"), kinds))
        if len(set(kinds)) == 1:
            continue
        what = ", ".join(f"{name} {kind}" for name, kind in who.items())
        with Room({name: versions[kind] for name, kind in who.items()}, f"{options.dir}/{'-'.join(kinds)}") as room:
            for name in ("alice", "bob"):
                room.shares(name)
            room.fetches("bob", "alice")
            room.fetches("alice", "bob")
            print(f"versions: {what}: a file each way", flush=True)
            if who["bob"] == "old":
                room.ends_what_began(options.bin)
                print(f"versions: {what}: the new program ends what bob began", flush=True)
            if who["tracker"] == "old":
                room.tracker_becomes(options.bin)
                room.fetches("bob", "alice")
                print(f"versions: {what}: the new tracker goes on with the names of the old one", flush=True)
            if who["alice"] == "old":
                before, after = room.becomes("alice", options.bin)
                if before.split("\t")[-1] != after.split("\t")[-1]:
                    raise SystemExit(f"alice is somebody else with the new program: {before} and {after}")
                room.people["alice"].ask("list-files alice", "alice\t.*of-alice.bin")
                room.fetches("bob", "alice")
                print(f"versions: {what}: alice goes on with the new program", flush=True)


def main():
    parser = options_of(__doc__, "versions")
    parser.add_argument("--old", required=True, help="a folder with both programs as they were")
    options = parser.parse_args()
    for kind, bin in (("old", options.old), ("new", options.bin)):
        version = subprocess.run([f"{bin}/potok", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"versions: {kind}: {version}, {bin}", flush=True)
    with folder(options.dir):
        show(options)


if __name__ == "__main__":
    main()
