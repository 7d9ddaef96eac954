#!/usr/bin/env python3
"""A drive that is taken away, put in again, and taken for another one: what others are told, and what is read.

    tests/drives.py [--bin target/debug]

alice hosts a network and shares a folder of a drive, which is a file system of its own; bob looks at what she shares. What
must hold: when the drive is gone, so are its files within seconds, for bob too; when it is back they are within seconds, and
the program reads nothing of them again; files of another drive at the same place are not shared.

Needs Linux and Python 3.9. Drives are mounted in a namespace of its own, for which nobody need be root.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import time

from processes import ROOT, Program

FILES, FILE_BYTES = 8, 4_000_000
# Folders are looked at every two seconds; a busy machine takes longer.
SECONDS_MAX = 20
# What a program reads besides, in bytes: the drive has ten times as much.
READ_MAX = FILES * FILE_BYTES // 10
# What is hashed sooner than a tick after it was written is rightly read once more (`FileStamp::FINE_TICK`).
SETTLED_SECONDS = 0.5
INSIDE = "POTOK_DRIVES_INSIDE"


def mount(*words):
    subprocess.run(["mount", *words], check=True)


class Drive:
    """A file system that is kept while it is nowhere to be seen."""

    def __init__(self, dir, name):
        self.kept, self.place = f"{dir}/{name}", f"{dir}/drive"
        os.mkdir(self.kept)
        mount("-t", "tmpfs", name, self.kept)
        os.mkdir(f"{self.kept}/films")

    def put_in(self):
        mount("--bind", self.kept, self.place)

    def take_away(self):
        subprocess.run(["umount", self.place], check=True)


def potok(options, name, *words):
    return Program([f"{options.bin}/potok", "console", "--data-dir", f"{options.dir}/{name}", "--name", name, *words])


def listed(bob):
    """How many files of alice bob is told of."""
    since = bob.say("list-files alice")
    bob.ask("whoami", "bob\t")
    return sum(line.startswith("alice\t") for _, line in bob.lines[since:])


def until_listed(bob, count, what):
    """How many seconds it took."""
    began = time.monotonic()
    while listed(bob) != count:
        if time.monotonic() - began > SECONDS_MAX:
            sys.exit(f"drives: {what}: bob is told of {listed(bob)} files after {SECONDS_MAX} s")
        time.sleep(0.1)
    return time.monotonic() - began


def bytes_read(program):
    with open(f"/proc/{program.process.pid}/io", encoding="ascii") as counts:
        return int(dict(line.split(": ") for line in counts)["rchar"])


def until_settled(drive):
    newest = max(entry.stat().st_ctime for entry in os.scandir(f"{drive.kept}/films"))
    time.sleep(max(0, newest + SETTLED_SECONDS - time.time()))


def show(options, programs):
    os.mkdir(f"{options.dir}/drive")
    drive, other = Drive(options.dir, "first"), Drive(options.dir, "second")
    for number in range(FILES):
        with open(f"{drive.kept}/films/{number}.bin", "wb") as out:
            out.write(random.Random(number).randbytes(FILE_BYTES))
    with open(f"{other.kept}/films/private.bin", "wb") as out:
        out.write(random.Random(99).randbytes(FILE_BYTES))
    drive.put_in()
    until_settled(drive)
    alice = potok(options, "alice", "--keep-sharing", "--host-tracker", "127.0.0.1:0")
    programs.append(alice)
    invite = alice.ask("invite", "potok://")[1]
    alice.ask(f'register "{options.dir}/drive/films"', "shared\tfilms/")
    bob = potok(options, "bob", "--keep-sharing", "--tracker", invite)
    programs.append(bob)
    bob.ask("whoami", "bob\t")
    until_listed(bob, FILES, "shared")
    before = bytes_read(alice)
    if before < FILES * FILE_BYTES:
        sys.exit(f"drives: what is read is not counted: {before} bytes")

    since = len(alice.lines)
    drive.take_away()
    gone = until_listed(bob, 0, "taken away")
    alice.hear(".*is not there; nothing of it is shared", since)
    since = len(alice.lines)
    other.put_in()
    alice.hear(".*is on another drive than when you shared it", since)
    if listed(bob):
        sys.exit("drives: files of another drive are shared")
    other.take_away()

    since = len(alice.lines)
    drive.put_in()
    back = until_listed(bob, FILES, "put in again")
    alice.hear(".*is back and shared again", since)
    read = bytes_read(alice) - before
    if read > READ_MAX:
        sys.exit(f"drives: {read} bytes were read when the drive came back")
    print(f"drives: gone after {gone:.1f} s, back after {back:.1f} s, {read} bytes read of {FILES * FILE_BYTES}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/debug")
    parser.add_argument("--dir", default=f"/dev/shm/potok-drives-{os.getpid()}")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--map-root-user", "--mount", sys.executable, *sys.argv])
    os.makedirs(options.dir)
    programs = []
    try:
        show(options, programs)
    finally:
        for program in reversed(programs):
            program.stop()
        # What is mounted is gone with this process; nothing of it is to be looked for below.
        for name in ("drive", "first", "second"):
            subprocess.run(["umount", "--lazy", f"{options.dir}/{name}"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(options.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
