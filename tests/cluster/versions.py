#!/usr/bin/env python3
"""Two trackers of one cluster, one of an earlier version and one of today, side by side on this computer.

    tests/cluster/versions.py --old DIR [--bin target/debug]

DIR has `potok` and `potok-tracker` of an earlier commit (tests/versions.py says how they are made). Whichever tracker was there
first, and with people of both versions at both: each sees the other and fetches a file across; a name of one tracker is nobody
else's at the other, nor what looks like it; what an owner orders at one counts at the other: a ban with its reason, that it is
lifted, limits, the name of the network, an invite, the release of a name, which then rests at both. Then the old tracker becomes
a new one on its own folder, and everybody is still who they were. Needs etcd and Python 3.9.
"""
import filecmp
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from processes import SECONDS_MAX, Program, folder, options_of  # noqa: E402

FILE_BYTES = 2_000_000
ETCD_PORT, ETCD_PEER_PORT, TRACKER_PORT, MESH_PORT = 23795, 23895, 7695, 7795


class Room:
    """One server of etcd, a tracker of each version, and a person at each."""

    def __init__(self, bins, first, dir):
        self.bins, self.dir, self.programs, self.trackers, self.people = bins, dir, [], {}, {}
        self.kinds = [first, "new" if first == "old" else "old"]
        os.makedirs(dir)

    def __enter__(self):
        client, peer = f"http://127.0.0.1:{ETCD_PORT}", f"http://127.0.0.1:{ETCD_PEER_PORT}"
        self.start(["etcd", "--name", "e1", "--data-dir", f"{self.dir}/etcd", "--logger", "zap", "--log-level", "error",
                    "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                    "--initial-advertise-peer-urls", peer, "--initial-cluster", f"e1={peer}"])
        for kind in self.kinds:
            self.serve(kind, kind)
        # People of the other version than their tracker.
        for name, kind in (("anna", "old"), ("boris", "new")):
            self.console(name, kind, self.kinds[1 if kind == self.kinds[0] else 0])
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.stop()

    def start(self, argv):
        self.programs.append(Program(argv))
        return self.programs[-1]

    def data(self, kind):
        data = pathlib.Path(self.dir) / f"tracker-{kind}"
        if not data.exists():
            data.mkdir(mode=0o700)
            self.configure(kind)
            first = pathlib.Path(self.dir) / f"tracker-{self.kinds[0]}" / "identity.key"
            if first.exists():
                shutil.copy(first, data / "identity.key")
        return data

    def configure(self, kind, owner=None):
        n = self.kinds.index(kind)
        (pathlib.Path(self.dir) / f"tracker-{kind}" / "config.toml").write_text(
            f'listen = "{self.at(kind)}"\nadvertise = "{self.at(kind)}"\nlocal_discovery = false\n'
            f'cluster = ["http://127.0.0.1:{ETCD_PORT}"]\nmesh = "127.0.0.1:{MESH_PORT + n}"\n'
            + (f'owners = ["{owner}"]\n' if owner else ""))

    def at(self, kind):
        return f"127.0.0.1:{TRACKER_PORT + self.kinds.index(kind)}"

    def serve(self, kind, bin):
        """The tracker of this folder, by the program of a version."""
        self.trackers[kind] = self.start([f"{self.bins[bin]}/potok-tracker", "--data-dir", str(self.data(kind))])
        self.trackers[kind].hear("potok://")

    def console(self, name, kind, at):
        self.people[name] = self.start([f"{self.bins[kind]}/potok", "console", "--data-dir", f"{self.dir}/{name}", "--name", name,
                                        "--keep-sharing", "--tracker", self.at(at)])
        return self.people[name].ask("whoami", f"{name}\t")[1]

    def once(self, name, at, *commands):
        """What a console of today says that is there for these commands only."""
        argv = [f"{self.bins['new']}/potok", "console", "--data-dir", f"{self.dir}/{name}", "--name", name, "--tracker", self.at(at)]
        said = subprocess.run(argv + [word for command in commands for word in ("-c", command)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS_MAX)
        return said.stdout + said.stderr

    def stranger(self, name, at):
        """What somebody with a key of their own reads who wants a name."""
        shutil.rmtree(f"{self.dir}/stranger", ignore_errors=True)
        argv = [f"{self.bins['new']}/potok", "console", "--data-dir", f"{self.dir}/stranger", "--name", name, "--tracker", self.at(at),
                "-c", "whoami"]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX).stderr

    def until(self, who, question, holds):
        """Asks until what is said holds: the other tracker hears of everything a moment later."""
        console, until = self.people[who], time.monotonic() + SECONDS_MAX
        while True:
            since = console.say(question)
            console.say("version")
            console.hear("tracker\t|.*error|version", since)
            time.sleep(0.1)
            said = [line for _, line in console.lines[since:]]
            if holds(said):
                return said
            if time.monotonic() > until:
                raise SystemExit(f"{who} asks in vain: {question}: {said}")

    def shares_and_fetches(self, name, other):
        path, copy = f"{self.dir}/of-{name}.bin", f"{self.dir}/by-{other}.bin"
        with open(path, "wb") as out:
            out.write(random.Random(name).randbytes(FILE_BYTES))
        self.people[name].ask(f'register "{path}"', f"shared\tof-{name}.bin\t")
        self.until(other, f"list-files {name}", lambda said: any(f"of-{name}.bin" in line for line in said))
        _, line = self.people[other].ask(f'download {name} of-{name}.bin "{copy}"', "downloaded\t|.*error")
        if not line.startswith("downloaded\t") or not filecmp.cmp(path, copy, shallow=False):
            raise SystemExit(f"{other} did not get the file of {name}: {line}")
        os.remove(copy)


def refused(said, code, what):
    if code not in said:
        raise SystemExit(f"{what}: not {code}, but {said}")


def show(bins, first, dir):
    with Room(bins, first, dir) as room:
        what = f"{first} first"
        room.shares_and_fetches("anna", "boris")
        room.shares_and_fetches("boris", "anna")
        print(f"cluster versions: {what}: a file each way, across", flush=True)
        for n, kind in enumerate(room.kinds):
            other = room.kinds[1 - n]
            room.once(f"modern{n}", kind, "whoami")
            for name, code in ((f"modern{n}", "name-taken"), (f"modem{n}", "name-confusable")):
                refused(room.stranger(name, other), code, f"{name} at the {other} tracker")
        print(f"cluster versions: {what}: names are one's at both", flush=True)

        # anna is the owner from now on, at both trackers, which read it without a restart.
        key = room.people["anna"].ask("whoami", "anna\t")[1].split("\t")[-1]
        for kind in room.kinds:
            room.configure(kind, key)
            room.trackers[kind].process.send_signal(signal.SIGHUP)
        owner = room.people["anna"]
        room.until("anna", "bans", lambda said: not any("not-yours" in line for line in said))
        owner.ask("ban modern0 1d spam", "[0-9a-f]{64}\t")
        for kind in room.kinds:
            refused(room.once("modern0", kind, "whoami"), "spam", f"who was shut out, at the {kind} tracker")
        owner.say("unban modern0")
        deadline = time.monotonic() + SECONDS_MAX
        while any("spam" in room.once("modern0", kind, "whoami") for kind in room.kinds):
            if time.monotonic() > deadline:
                raise SystemExit("who was let in again is not")
        owner.say("rename-network House")
        owner.say("release modern1")
        for kind in room.kinds:
            refused(room.stranger("modern1", kind), "name-taken", f"a name that rests, at the {kind} tracker")
        print(f"cluster versions: {what}: what an owner orders counts at both", flush=True)

        old = room.trackers.pop("old")
        room.programs.remove(old)
        old.stop()
        room.serve("old", "new")
        room.shares_and_fetches("anna", "boris")
        room.shares_and_fetches("boris", "anna")
        refused(room.once("modern0", "old", "whoami"), "modern0\t", "who was there before")
        print(f"cluster versions: {what}: the old tracker became a new one", flush=True)


def main():
    parser = options_of(__doc__, "cluster-versions")
    parser.add_argument("--old", required=True, help="a folder with both programs as they were")
    options = parser.parse_args()
    if not shutil.which("etcd"):
        raise SystemExit("etcd is not installed: apt-get install etcd-server")
    with folder(options.dir):
        for first in ("old", "new"):
            show({"old": options.old, "new": options.bin}, first, f"{options.dir}/{first}")


if __name__ == "__main__":
    main()
