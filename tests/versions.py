#!/usr/bin/env python3
"""Programs of two versions with each other: a file each way, whatever is old of tracker, alice and bob; and folders that an old
program wrote, read by the new one.

    tests/versions.py --old DIR [--bin target/debug]

DIR has `potok` and `potok-tracker` as they were built from an earlier commit, for example

    git worktree add /tmp/old 20f3bf2 && cargo build --manifest-path /tmp/old/Cargo.toml --workspace     # /tmp/old/target/debug

What must hold: each download is the file that was shared, and who was alice with the old program is she with the new one, with
what she shared. All of it is on this computer's loopback. Needs Python 3.9.
"""
import filecmp
import itertools
import os
import random
import subprocess
import sys

from processes import Program, folder, options_of

FILE_BYTES = 3_000_000


class Room:
    """A tracker and two people, each of some version."""

    def __init__(self, bins, dir):
        self.bins, self.dir = bins, dir
        self.programs = []
        os.makedirs(dir)

    def __enter__(self):
        tracker = self.start([f"{self.bins['tracker']}/potok-tracker", "--data-dir", f"{self.dir}/tracker", "--listen", "127.0.0.1:0"])
        _, line = tracker.hear(r".*listening on ")
        self.at = line.split("listening on ")[1].split()[0].rstrip(",")
        self.people = {name: self.console(self.bins[name], name) for name in ("alice", "bob")}
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.stop()

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
        while not any(line.startswith(f"{other}\t") for _, line in console.lines):
            console.ask("list-users", f"{name}\t")
        since = console.say(f'download {other} of-{other}.bin "{copy}"')
        _, line = console.hear("downloaded\t|error: ", since)
        if not line.startswith("downloaded\t") or not filecmp.cmp(f"{self.dir}/of-{other}.bin", copy, shallow=False):
            raise SystemExit(f"{name} did not get the file of {other}: {line}")
        os.remove(copy)

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
