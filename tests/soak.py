#!/usr/bin/env python3
"""Uses a tracker and two clients for a while, and looks whether they wear out.

    tests/soak.py [--bin target/release] [--minutes 10]

One client shares and serves, one downloads, shares, stops sharing and searches; others come, take a file and go. At the
end the long-lived processes have as many descriptors and threads as after their first round, and their memory does not
grow. Needs Linux and Python 3.9.
"""
import argparse
import os
import random
import shutil
import subprocess
import time

from processes import stop

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Threads of a pool come and go, and the first rounds fill caches.
SPARE_THREADS = 8
SPARE_DESCRIPTORS = 4
GROWTH_MIB_AN_HOUR_MAX = 1.0
# Shorter runs cannot tell a slope from the noise of an allocator.
SLOPE_FROM_MINUTES = 30
GROWTH_MIB_MAX = 8.0


class Program:
    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, line, end="*end*"):
        """A command, and what it prints: `help quit` behind it says where that ends."""
        self.process.stdin.write(f"{line}\nwhoami\n".encode())
        self.process.stdin.flush()
        said = []
        while out := self.process.stdout.readline().decode():
            if out.startswith("name\t") or out.startswith(self.mark):
                return said
            said.append(out.rstrip("\n"))
        raise SystemExit(f"a program ended early, at: {line}")

    def state(self):
        proc = f"/proc/{self.process.pid}"
        with open(f"{proc}/status") as status:
            values = dict(line.split(":", 1) for line in status)
        return len(os.listdir(f"{proc}/fd")), int(values["Threads"]), int(values["RssAnon"].split()[0]) / 1024

    def stop(self):
        stop(self.process)


class Console(Program):
    def __init__(self, bin, data, name, address):
        self.mark = f"{name}\t"
        super().__init__([f"{bin}/potok", "console", "--data-dir", data, "--name", name, "--tracker", address,
                          "--listen", "127.0.0.1:0", "--keep-sharing"])


def slope_mib_an_hour(samples):
    """Least squares over (seconds, MiB)."""
    n = len(samples)
    mean_t, mean_m = sum(t for t, _ in samples) / n, sum(m for _, m in samples) / n
    above = sum((t - mean_t) * (m - mean_m) for t, m in samples)
    below = sum((t - mean_t) ** 2 for t, _ in samples)
    return above / below * 3600 if below else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/release")
    parser.add_argument("--dir", default=f"/dev/shm/potok-soak-{os.getpid()}")
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    shutil.rmtree(options.dir, ignore_errors=True)
    os.makedirs(f"{options.dir}/src")
    chance = random.Random(1)
    for n in range(50):
        with open(f"{options.dir}/src/{n:02}.bin", "wb") as out:
            out.write(chance.randbytes(chance.choice([100, 5_000, 300_000, 3_000_000])))
    shutil.copytree(f"{options.dir}/src", f"{options.dir}/own")
    tracker = Program([f"{options.bin}/potok-tracker", "--listen", "127.0.0.1:0", "--data-dir", f"{options.dir}/tracker"])
    address = tracker.process.stdout.readline().decode().split()[-1]
    alice = Console(options.bin, f"{options.dir}/alice", "alice", address)
    bob = Console(options.bin, f"{options.dir}/bob", "bob", address)
    lasting = {"tracker": tracker, "alice": alice, "bob": bob}
    broken, samples, rounds = [], {name: [] for name in lasting}, 0
    try:
        alice.ask(f'register "{options.dir}/src"')
        since = time.monotonic()
        first = None
        while time.monotonic() - since < options.minutes * 60:
            rounds += 1
            into = f"{options.dir}/into"
            os.makedirs(into)
            bob.ask(f'download alice "src/" "{into}"')
            if len(os.listdir(f"{into}/src")) != 50:
                raise SystemExit("a file is missing after a download")
            # The same files each time: what is known of ever new ones fills the database's cache, up to its bound.
            bob.ask(f'register "{options.dir}/own"')
            alice.ask("search bin")
            bob.ask('unregister "own"')
            # What is finished stays on his list, until he takes it off.
            for line in bob.ask("transfers"):
                bob.ask(f"forget {line.split()[0]}")
            if left := bob.ask("transfers"):
                raise SystemExit(f"what was finished stays: {left}")
            shutil.rmtree(into)
            guest = Console(options.bin, f"{options.dir}/guest", "guest", address)
            guest.ask("list-files alice")
            os.makedirs(into)
            guest.ask(f'download alice "src/07.bin" "{into}"')
            guest.process.kill() if rounds % 2 else guest.stop()
            guest.process.wait()
            shutil.rmtree(into)
            now = time.monotonic() - since
            for name, program in lasting.items():
                samples[name].append((now, program.state()[2]))
            if rounds == 3:
                first = {name: program.state() for name, program in lasting.items()}
        # What was open for the last guest is given up after half a minute of silence at most.
        time.sleep(5)
        for name, program in lasting.items():
            files, threads, mib = program.state()
            if first is None:
                raise SystemExit("too short: fewer than three rounds")
            files_then, threads_then, mib_then = first[name]
            tail = samples[name][len(samples[name]) // 2:]
            slope = slope_mib_an_hour(tail)
            if files > files_then + SPARE_DESCRIPTORS:
                broken.append(f"{name} has {files} descriptors, after the third round it had {files_then}")
            if threads > threads_then + SPARE_THREADS:
                broken.append(f"{name} has {threads} threads, after the third round it had {threads_then}")
            if mib > mib_then + GROWTH_MIB_MAX:
                broken.append(f"{name} has {mib:.1f} MiB, after the third round it had {mib_then:.1f}")
            if options.minutes >= SLOPE_FROM_MINUTES and slope > GROWTH_MIB_AN_HOUR_MAX:
                broken.append(f"{name} grows by {slope:.1f} MiB an hour")
            print(f"soak: {name}: {rounds} rounds, descriptors {files_then} -> {files}, threads {threads_then} -> {threads}, "
                  f"memory {mib_then:.1f} -> {mib:.1f} MiB", flush=True)
    finally:
        for program in reversed(lasting.values()):
            program.stop()
        shutil.rmtree(options.dir, ignore_errors=True)
    if broken:
        raise SystemExit("; ".join(broken))


if __name__ == "__main__":
    main()
