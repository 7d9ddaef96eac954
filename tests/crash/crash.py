#!/usr/bin/env python3
"""Pulls the plug on the built programs, and looks at what is left.

    tests/crash/crash.py [--bin target/debug] [--kills N] [--faults N] [--power N] [--seed N] [--dir DIR]

kills   SIGKILL at the k-th write, sync, rename, creation or removal of a file: of a client at its first start, while it
        downloads, while it goes on after an earlier kill, while it shares; of a tracker while names are registered.
faults  ENOSPC or EIO from the k-th of these calls, once or from then on.
power   the calls of a download are recorded; what a disk may hold after a power loss is made from them: what was not
        synced is there, or torn, or not, and unsynced names are there up to any moment.

After each the same holds: a file with its final name is the file that was shared; nobody lost an identity or a name; the
next start finishes the work, fetching little again. Needs Linux, Python 3.9 and strace. It prints one line a part and
ends with status 1 if anything did not hold; `--dir` then keeps what was left.
"""
import argparse
import contextlib
import filecmp
import os
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests")
import processes  # found by the line above
WRITES = "write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate"
SYNCS = "fsync,fdatasync,syncfs"
NAMES = "rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat"
CALLS = [WRITES, SYNCS, NAMES, "openat"]
# A kill may cost what was not yet recorded, never more than this.
FETCHED_AGAIN_MAX = 16 << 20
# In place of a path: what syncfs makes last.
EVERYTHING = "*"
# A step that takes longer than this hangs.
STEP_SECONDS_MAX = 30


class Broken(Exception):
    """Something that must hold did not."""


class World:
    """A tracker, and alice who shares; both stay up. Trials run beside them, each in a folder of its own."""

    def __init__(self, options):
        self.bin, self.dir = options.bin, options.dir
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(f"{self.dir}/src/folder")
        chance = random.Random(1)
        for n in range(24):
            with open(f"{self.dir}/src/folder/{n:02}.bin", "wb") as out:
                out.write(chance.randbytes(chance.choice([0, 1, 700, 4096, 70_000])))
        with open(f"{self.dir}/src/big.bin", "wb") as out:
            out.write(chance.randbytes(5 << 20))
        self.started = []
        self.tracker, self.address = self.start_tracker("tracker")
        self.alice = self.start([f"{self.bin}/potok", "console", "--data-dir", f"{self.dir}/alice", "--name", "alice",
                                 "--tracker", self.address, "--listen", "127.0.0.1:0", "--keep-sharing"])
        self.alice.stdin.write(f'register "{self.dir}/src"\nlist-users\n'.encode())
        self.alice.stdin.flush()
        while not (line := self.alice.stdout.readline()).startswith(b"alice\t"):
            if not line:
                raise SystemExit("the sharing console ended early")

    def start(self, argv):
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def start_tracker(self, name, prefix=(), listen="127.0.0.1:0"):
        tracker = self.start([*prefix, f"{self.bin}/potok-tracker", "--listen", listen, "--data-dir", f"{self.dir}/{name}"])
        line = tracker.stdout.readline().decode()
        return tracker, line.split()[-1] if line.startswith("listening on") else None

    def stop(self, process):
        processes.stop(process)
        self.started.remove(process)

    def stop_all(self):
        for process in reversed(self.started[:]):
            self.stop(process)

    def console(self, data, name, command, prefix=(), address=None, seconds_max=STEP_SECONDS_MAX):
        """Runs one command of a console to its end; its status and output. None: it did not end, and was killed."""
        argv = [*prefix, f"{self.bin}/potok", "console", "--data-dir", data, "--name", name, "--tracker",
                address or self.address, "--listen", "127.0.0.1:0", "-c", command]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds_max)
        except subprocess.TimeoutExpired as late:
            if seconds_max == STEP_SECONDS_MAX:
                said = b"".join(text or b"" for text in (late.stdout, late.stderr)).decode(errors="replace")
                raise Broken(f"hangs: {command}: {said[-4000:]}") from None
            return None, ""
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def served(self):
        """Bytes that alice has read to serve them."""
        with open(f"/proc/{self.alice.pid}/io") as io:
            return int(io.readline().split()[1])

    def download(self, into):
        return f'download alice "src/" "{into}"'

    def is_whole(self, path, name):
        return filecmp.cmp(path, f"{self.dir}/src/{name}", shallow=False)


def inject(calls, what, when):
    """A prefix that does `what` to the calls. strace counts for each thread by itself."""
    # Detached, so that the child that is stopped is the program and not its tracer.
    return ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
            f"inject={calls}:{what}:when={when}"]


def finished_files(into):
    for folder, _, names in os.walk(into):
        for name in names:
            if not name.endswith(".potok-part"):
                path = os.path.join(folder, name)
                yield path, os.path.relpath(path, f"{into}/src")


def check_finished(world, into):
    for path, name in finished_files(into):
        if not world.is_whole(path, name):
            raise Broken(f"{name} has its final name and is not the file that was shared")


def key_of(data):
    with contextlib.suppress(FileNotFoundError), open(f"{data}/identity.key", "rb") as file:
        return file.read()
    return None


def check_comes_back(world, data, into, key):
    """The next start finishes what was begun."""
    check_finished(world, into)
    had = sum(os.path.getsize(path) for path, _ in finished_files(into))
    before = world.served()
    status, said = world.console(data, os.path.basename(data), world.download(into))
    # A download that was over is begun anew, and what it had finished is never replaced.
    others = [line for line in said.splitlines() if line.startswith("error:") and not line.startswith("error: exists:")]
    if others or (status != 0 and "error: exists:" not in said):
        raise Broken(f"the next start failed: {said.strip()}")
    check_finished(world, into)
    here, wanted = {name for _, name in finished_files(into)}, {name for _, name in finished_files_of(world)}
    if here != wanted:
        raise Broken(f"missing afterwards: {sorted(wanted - here)}")
    if world.served() - before > wanted_bytes(world) - had + FETCHED_AGAIN_MAX:
        raise Broken("more was fetched again than 16 MiB")
    if key is not None and key_of(data) != key:
        raise Broken("the identity is another one")


def finished_files_of(world):
    for folder, _, names in os.walk(f"{world.dir}/src"):
        for name in names:
            path = os.path.join(folder, name)
            yield path, os.path.relpath(path, f"{world.dir}/src")


def wanted_bytes(world):
    return sum(os.path.getsize(path) for path, _ in finished_files_of(world))


class Trial:
    """A folder for one client, gone afterwards unless something did not hold."""

    def __init__(self, world, number):
        # Names are bound to keys for good: every trial has its own.
        self.data, self.into = f"{world.dir}/client{number}", f"{world.dir}/into{number}"
        os.makedirs(self.into)

    def forget(self):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.into, ignore_errors=True)


def kill_while_downloading(world, trial, chance, what="signal=KILL"):
    calls = chance.choice(CALLS)
    name = os.path.basename(trial.data)
    key = None
    if chance.random() < 0.7:
        # Not the first start: there is an identity to lose.
        world.console(trial.data, name, "whoami")
        key = key_of(trial.data)
    for _ in range(chance.choice([1, 1, 2])):
        when = chance.choice([1, 2, 3, chance.randint(1, 12), chance.randint(1, 60)])
        every = "+" if what != "signal=KILL" and chance.random() < 0.5 else ""
        # A download waits for ever for room on a full disk.
        world.console(trial.data, name, world.download(trial.into), inject(calls, what, f"{when}{every}"), seconds_max=5)
        check_finished(world, trial.into)
    check_comes_back(world, trial.data, trial.into, key)


def kill_while_sharing(world, trial, chance, what="signal=KILL"):
    """What was shared when the program died is shared, or is not, after the next start: never something else."""
    name = os.path.basename(trial.data)
    world.console(trial.data, name, "whoami")
    key = key_of(trial.data)
    when = chance.choice([1, 2, 3, chance.randint(1, 12), chance.randint(1, 40)])
    world.console(trial.data, name, f'register "{world.dir}/src/folder"', inject(chance.choice(CALLS), what, when))
    status, said = world.console(trial.data, name, "shares")
    if status != 0:
        raise Broken(f"the next start failed: {said.strip()}")
    for line in said.splitlines():
        if line.strip() and "folder" not in line:
            raise Broken(f"shared, though nobody asked for it: {line}")
    if key_of(trial.data) != key:
        raise Broken("the identity is another one")


def kill_tracker(world, trial, chance, what="signal=KILL"):
    """A name that was given stays with its key."""
    name = os.path.basename(trial.data)
    folder = f"{name}-tracker"
    calls = chance.choice(CALLS)
    when = chance.choice([1, 2, 3, chance.randint(1, 12), chance.randint(1, 30)])
    tracker, address = world.start_tracker(folder, inject(calls, what, when))
    given = []
    if address:
        for n in range(4):
            status, said = world.console(f"{trial.data}-{n}", f"{name}-{n}", "whoami", address=address)
            if status != 0:
                break
            given.append(n)
    world.stop(tracker)
    tracker, address = world.start_tracker(folder)
    if not address:
        raise Broken("the tracker does not start any more")
    for n in given:
        status, said = world.console(f"{trial.data}-other", f"{name}-{n}", "whoami", address=address)
        if status == 0:
            raise Broken(f"the name of {name}-{n} was given to another key")
        status, said = world.console(f"{trial.data}-{n}", f"{name}-{n}", "whoami", address=address)
        if status != 0:
            raise Broken(f"{name}-{n} is not let in any more: {said.strip()}")
    world.stop(tracker)
    for leftover in [folder, f"{name}-other", *(f"{name}-{n}" for n in range(4))]:
        shutil.rmtree(f"{world.dir}/{leftover}", ignore_errors=True)


KILLS = [kill_while_downloading, kill_while_downloading, kill_while_downloading, kill_while_sharing, kill_tracker]
FAULTS = ["error=ENOSPC", "error=EIO"]


# ---------------------------------------------------------------- power loss

class Disk:
    """What was written and what was synced, from a recording of system calls."""

    LINE = re.compile(r"^(\d+) +(.*)$")
    UNFINISHED = " <unfinished ...>"

    def __init__(self, roots):
        self.roots = roots
        self.ops = []  # ("data", path, kind, offset, bytes) | ("sync", path) | ("name", kind, path, other)

    def record(self, log):
        pending = {}
        with open(log, encoding="ascii", errors="replace") as lines:
            for line in lines:
                matched = self.LINE.match(line.rstrip("\n"))
                if not matched:
                    continue
                thread, text = matched.groups()
                if text.endswith(self.UNFINISHED):
                    pending[thread] = text[: -len(self.UNFINISHED)]
                    continue
                if text.startswith("<... "):
                    text = pending.pop(thread, "") + text[text.index("resumed>") + len("resumed>"):]
                self.call(text)

    def inside(self, path):
        return any(path == root or path.startswith(root + "/") for root in self.roots)

    def call(self, text):
        name, _, rest = text.partition("(")
        if ") = " not in rest.replace(")  ", ") ") and not re.search(r"\)\s+= ", rest):
            return
        arguments, result = re.match(r"(.*)\)\s+= (.*)$", rest, re.S).groups()
        if result.startswith("-1"):
            return
        path = re.match(r"(?:AT_FDCWD|\d+)<([^>]*)>", arguments)
        path = path.group(1) if path else ""
        strings = [unhex(found) for found in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)]
        numbers = re.findall(r", (\d+)(?=[,)]|$)", arguments)
        if name in ("pwrite64", "write", "ftruncate", "fallocate", "fsync", "fdatasync") and not self.inside(path):
            return
        if name == "pwrite64":
            self.ops.append(("data", path, "write", int(numbers[-1]), strings[0][: int(result)]))
        elif name == "write":
            self.ops.append(("data", path, "append", 0, strings[0][: int(result)]))
        elif name == "ftruncate":
            self.ops.append(("data", path, "size", int(numbers[-1]), b""))
        elif name in ("fsync", "fdatasync"):
            self.ops.append(("sync", path))
        elif name == "syncfs":
            self.ops.append(("sync", EVERYTHING))
        elif name == "openat" and "O_CREAT" in arguments:
            made = re.match(r"\d+<([^>]*)>", result)
            if made and self.inside(made.group(1)):
                self.ops.append(("name", "create", made.group(1), None))
        elif name in ("mkdirat", "mkdir"):
            made = os.path.normpath(os.path.join(path, strings[0].decode()))
            if self.inside(made):
                self.ops.append(("name", "mkdir", made, None))
        elif name in ("renameat2", "renameat", "rename", "linkat", "link"):
            folders = re.findall(r"(?:AT_FDCWD|\d+)<([^>]*)>", arguments) or [os.getcwd()] * 2
            old, new = (os.path.normpath(os.path.join(folders[n], strings[n].decode())) for n in (0, 1))
            if self.inside(old):
                self.ops.append(("name", "link" if "link" in name else "rename", old, new))
        elif name in ("unlinkat", "unlink"):
            gone = os.path.normpath(os.path.join(path, strings[0].decode()))
            if self.inside(gone):
                self.ops.append(("name", "unlink", gone, None))

    def after_power_loss(self, chance, before):
        """What may be there when the power goes at some moment: a table of paths to bytes, and the folders."""
        ops = self.ops[: chance.randint(1, len(self.ops))]
        # Names first, in the order in which they were made: all that a sync of their folder made last, and then some.
        names = [n for n, op in enumerate(ops) if op[0] == "name"]
        synced = [n for n, op in enumerate(ops) if op[0] == "sync"]
        sure = 0
        for n, at in enumerate(names):
            folder = os.path.dirname(ops[at][3] or ops[at][2])
            if any(s > at and ops[s][1] in (folder, EVERYTHING) for s in synced):
                sure = n + 1
        there = set(names[: chance.randint(sure, len(names))])
        # A file is followed by its number through its names: data belongs to the file, not to a name.
        numbers, contents, folders = {}, {}, set(self.roots)
        for path, data in before.items():
            numbers[path] = len(contents)
            contents[len(contents)] = bytearray(data)
        now, on_disk = dict(numbers), dict(numbers)
        waiting = {}
        for n, op in enumerate(ops):
            if op[0] == "data":
                number = now.get(op[1])
                if number is not None:
                    waiting.setdefault(number, []).append(op)
            elif op[0] == "sync":
                numbers_synced = list(waiting) if op[1] == EVERYTHING else [now.get(op[1])]
                for number in numbers_synced:
                    for data in waiting.pop(number, []):
                        write(contents[number], data)
            else:
                self.name(op, now, contents, set())
                if n in there:
                    self.name(op, on_disk, contents, folders, now)
        for number, unsynced in waiting.items():
            style = chance.choice(["none", "some", "all", "torn"])
            for data in unsynced:
                if style == "all" or (style != "none" and chance.random() < 0.5):
                    write(contents[number], data, chance if style == "torn" else None)
        return {path: bytes(contents[number]) for path, number in on_disk.items() if number in contents}, folders

    @staticmethod
    def name(op, table, contents, folders, now=None):
        _, kind, path, other = op
        if kind == "create" and path not in table:
            if now is not None and path in now:
                table[path] = now[path]
            elif now is None:
                table[path] = len(contents)
                contents[len(contents)] = bytearray()
        elif kind == "mkdir":
            folders.add(path)
        elif kind in ("rename", "link") and path in table:
            table[other] = table[path] if kind == "link" else table.pop(path)
        elif kind == "unlink":
            table.pop(path, None)


def write(content, op, chance=None):
    _, _, kind, offset, data = op
    if kind == "size":
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if chance:
        # Torn at a sector.
        data = data[: chance.randint(0, len(data) // 512) * 512]
    if kind == "append":
        offset = len(content)
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset: offset + len(data)] = data


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def record_download(world):
    """One download under strace; its disk, and the files that were there before."""
    trial = Trial(world, "recorded")
    world.console(trial.data, "recorded", "whoami")
    before = {}
    for folder, _, names in os.walk(trial.data):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    before[path] = file.read()
    log = f"{world.dir}/strace.log"
    calls = "write,pwrite64,ftruncate,fallocate,fsync,fdatasync,syncfs,openat,mkdirat,mkdir,renameat2,renameat,rename,linkat,link,unlinkat,unlink"
    prefix = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(8 << 20), "-e", "signal=none", "-o", log, "-e", f"trace={calls}"]
    status, said = world.console(trial.data, "recorded", world.download(trial.into), prefix)
    if status != 0:
        raise Broken(f"the recorded download failed: {said}")
    disk = Disk([trial.data, trial.into])
    # Paths, too, are in hexadecimal digits.
    plain = f"{log}.plain"
    with open(log, encoding="ascii", errors="replace") as lines, open(plain, "w") as out:
        for line in lines:
            out.write(re.sub(r"<((?:\\x[0-9a-f]{2})+)>", lambda m: "<" + unhex(m.group(1)).decode(errors="replace") + ">", line))
    disk.record(plain)
    key = key_of(trial.data)
    return trial, disk, before, key


def power_losses(world, count, seed, report):
    if not count:
        return
    trial, disk, before, key = record_download(world)
    # The final state must be reproduced by the model itself, or it shows nothing.
    syncs = sum(op[0] == "sync" for op in disk.ops)
    report.note(f"recorded {len(disk.ops)} operations, {syncs} of them syncs")
    for n in range(count):
        chance = random.Random(f"power {seed} {n}")
        files, folders = disk.after_power_loss(chance, before)
        trial.forget()
        for folder in sorted(folders):
            os.makedirs(folder, exist_ok=True)
        for path, content in files.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(content)
            os.chmod(path, 0o600)
        held = report.trial(f"power {seed} {n}", lambda: check_comes_back(world, trial.data, trial.into, key))
        if not held:
            keep(world, n, folders, files)
    trial.forget()


def keep(world, number, folders, files):
    """Lays a state that did not hold aside, as it was before the next start."""
    for folder in sorted(folders):
        os.makedirs(f"{world.dir}/broken{number}/{os.path.relpath(folder, world.dir)}", exist_ok=True)
    for path, content in files.items():
        with open(f"{world.dir}/broken{number}/{os.path.relpath(path, world.dir)}", "wb") as out:
            out.write(content)


# ---------------------------------------------------------------- running

class Report:
    def __init__(self):
        self.part, self.done, self.broken, self.since = "", 0, [], time.monotonic()

    def begin(self, part):
        self.part, self.done, self.since = part, 0, time.monotonic()

    def note(self, text):
        print(f"  {text}", flush=True)

    def trial(self, name, run):
        self.done += 1
        try:
            run()
            return True
        except Broken as why:
            self.broken.append(f"{name}: {why}")
            print(f"  BROKEN {name}: {why}", flush=True)
            return False

    def end(self):
        seconds = time.monotonic() - self.since
        bad = sum(line.startswith(self.part) for line in self.broken)
        print(f"{self.part}: {self.done} trials, {bad} broken, {seconds:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/debug")
    parser.add_argument("--dir", default=f"/dev/shm/potok-crash-{os.getpid()}")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--power", type=int, default=60)
    parser.add_argument("--seed", default=time.strftime("%F"))
    options = parser.parse_args()
    if not shutil.which("strace"):
        raise SystemExit("strace is not installed: apt-get install strace")
    world, report = None, Report()
    try:
        world = World(options)
        number = 0
        for part, count in (("kill", options.kills), ("fault", options.faults)):
            report.begin(part)
            for n in range(count):
                chance = random.Random(f"{part} {options.seed} {n}")
                number += 1
                trial = Trial(world, number)
                how = chance.choice(KILLS) if part == "kill" else kill_while_downloading
                what = "signal=KILL" if part == "kill" else chance.choice(FAULTS)
                if report.trial(f"{part} {options.seed} {n} ({how.__name__})", lambda: how(world, trial, chance, what)):
                    trial.forget()
            report.end()
        report.begin("power")
        power_losses(world, options.power, options.seed, report)
        report.end()
    finally:
        if world:
            world.stop_all()
    if report.broken:
        raise SystemExit(f"{len(report.broken)} did not hold; what was left lies in {options.dir}")
    shutil.rmtree(options.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
