#!/usr/bin/env python3
"""Potok's figures beside the limits of the same machine, in one run, as ratios.

    cargo build --release --workspace && benches/figures.py             # all of it, as Markdown
    benches/figures.py --only file,small --size 1G --runs 3

Needs Python 3.9, Linux, and room for twice --size in --dir (a tmpfs: the disk is not what is measured). Absolute
figures drift by tens of per cent from run to run; only the ratios count. `b3sum` is used if it is installed.
"""
import argparse
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MB = 1e6


def parse_size(text):
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1].upper())
    return int(text[:-1]) * unit if unit else int(text)


class Bench:
    def __init__(self, args):
        self.args = args
        self.dir = args.dir
        self.bin = args.bin
        self.rows = []

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def fresh(self, name):
        path = self.path(name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def row(self, what, figure, beside, ratio):
        self.rows.append((what, figure, beside, ratio))
        print(f"| {what} | {figure} | {beside} | {ratio} |", flush=True)


def median(values):
    return statistics.median(values)


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float("nan")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Processes:
    """Everything a measurement starts, and nothing else, is stopped at its end."""

    def __init__(self):
        self.started = []

    def __enter__(self):
        return self

    def start(self, argv, **options):
        process = subprocess.Popen(argv, **options)
        self.started.append(process)
        return process

    def __exit__(self, *_):
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start_tracker(bench, processes):
    tracker = processes.start(
        [f"{bench.bin}/potok-tracker", "--listen", "127.0.0.1:0", "--data-dir", bench.fresh("tracker")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    address = tracker.stdout.readline().decode().split()[-1]
    return tracker, address


def start_sharer(bench, processes, address, what):
    """A console that shares `what`; returns it and the seconds from the command to its last record."""
    console = processes.start(
        [f"{bench.bin}/potok", "console", "--data-dir", bench.fresh("alice"), "--name", "alice", "--tracker", address,
         "--listen", "127.0.0.1:0", "--keep-sharing"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    console.stdin.write(b"list-users\n")
    console.stdin.flush()
    read_until(console, b"alice\t")
    since = time.monotonic()
    console.stdin.write(f'register "{what}"\nlist-users\n'.encode())
    console.stdin.flush()
    read_until(console, b"alice\t")
    seconds = time.monotonic() - since
    threading.Thread(target=lambda: [None for _ in console.stdout], daemon=True).start()
    return console, seconds


def read_until(process, start):
    while line := process.stdout.readline():
        if line.startswith(start):
            return
    raise SystemExit("a console ended early")


def download(bench, processes, address, what, into):
    """Seconds from the command to its end, and the peak memory of the receiver in MiB."""
    argv = [f"{bench.bin}/potok", "console", "--data-dir", bench.path("bob"), "--name", "bob", "--tracker", address,
            "--listen", "127.0.0.1:0", "-c", f'download alice "{what}" "{into}"']
    since = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the download failed: {process.returncode}")
    return time.monotonic() - since, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def sendfile_copy(source, target):
    """The floor under every copy over TCP: sendfile out, recv and write in, in two processes."""
    server = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        connection, _ = server.accept()
        with open(source, "rb") as file:
            size, offset = os.fstat(file.fileno()).st_size, 0
            while offset < size:
                offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)
        connection.close()
        os._exit(0)
    since = time.monotonic()
    with socket.create_connection(server.getsockname()) as connection, open(target, "wb", buffering=0) as out:
        buffer = memoryview(bytearray(1 << 20))
        while count := connection.recv_into(buffer):
            out.write(buffer[:count])
    seconds = time.monotonic() - since
    server.close()
    os.waitpid(child, 0)
    return seconds


def make_file(path, size):
    if os.path.exists(path) and os.path.getsize(path) == size:
        return
    piece = os.urandom(1 << 20)
    with open(path, "wb") as out:
        for number in range(0, size, len(piece)):
            # Every piece differs, so that nothing is found twice.
            out.write((number.to_bytes(8, "little") + piece[8:])[:size - number])


def measure_file(bench):
    size = bench.args.size
    source = bench.path("source.bin")
    make_file(source, size)
    plain, ours, memory, cpu = [], [], [], []
    with Processes() as processes:
        _, address = start_tracker(bench, processes)
        sharer, share_seconds = start_sharer(bench, processes, address, source)
        bench.fresh("bob")
        for _ in range(bench.args.runs):
            target = bench.fresh("plain")
            plain.append(sendfile_copy(source, f"{target}/copy.bin"))
            shutil.rmtree(target)
            target = bench.fresh("target")
            seconds, peak, used = download(bench, processes, address, "source.bin", target)
            ours.append(seconds)
            memory.append(peak)
            cpu.append(used / (size / 1e9))
            if subprocess.run(["cmp", source, f"{target}/source.bin"]).returncode != 0:
                raise SystemExit("the copy differs")
            shutil.rmtree(target)
        sender_peak = peak_mib(sharer.pid)
    rate, limit = size / median(ours) / MB, size / median(plain) / MB
    bench.row(f"one file of {size >> 20} MiB, encrypted and verified, into a fresh file", f"{rate:.0f} MB/s",
              f"sendfile over TCP into a file: {limit:.0f} MB/s", f"{median(ours) and median(plain) / median(ours):.2f}")
    bench.row("memory for it, sending / receiving", f"{sender_peak:.0f} / {max(memory):.0f} MiB", "goal: 30 MiB", "")
    bench.row("processor time of the receiver", f"{median(cpu):.2f} s/GB", "goal: 1.1", "")
    if shutil.which("b3sum"):
        since = time.monotonic()
        subprocess.run(["b3sum", source], stdout=subprocess.DEVNULL, check=True)
        reference = time.monotonic() - since
        bench.row("time to share it (hash and announce)", f"{share_seconds:.2f} s", f"b3sum: {reference:.2f} s",
                  f"{reference / share_seconds:.2f}")
    else:
        bench.row("time to share it (hash and announce)", f"{share_seconds:.2f} s", "b3sum is not installed", "")
    os.remove(source)


def measure_small(bench):
    count, size = bench.args.files, 4096
    folder = bench.fresh("small")
    for number in range(count):
        with open(f"{folder}/{number:06}.bin", "wb") as out:
            out.write(number.to_bytes(8, "little") + os.urandom(size - 8))
    ours, copied = [], []
    with Processes() as processes:
        _, address = start_tracker(bench, processes)
        _, share_seconds = start_sharer(bench, processes, address, folder)
        bench.fresh("bob")
        for _ in range(bench.args.runs):
            target = bench.fresh("copied")
            since = time.monotonic()
            subprocess.run(["cp", "-r", folder, target], check=True)
            copied.append(time.monotonic() - since)
            shutil.rmtree(target)
            target = bench.fresh("target")
            seconds, _, _ = download(bench, processes, address, "small/", target)
            ours.append(seconds)
            if subprocess.run(["diff", "-rq", folder, f"{target}/small"]).returncode != 0:
                raise SystemExit("the copies differ")
            shutil.rmtree(target)
    bench.row(f"{count} files of 4 KiB as a folder", f"{count / median(ours):.0f} files/s",
              f"cp -r: {count / median(copied):.0f} files/s", f"{median(copied) / median(ours):.2f}")
    bench.row("time to share them", f"{share_seconds:.2f} s", "", "")
    shutil.rmtree(folder)


class Lines:
    """A plain session with a tracker."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def say(self, text):
        self.socket.sendall(text.encode())

    def answer(self):
        while (line := self.file.readline()).startswith(b"*"):
            pass
        if not line.startswith(b"OK "):
            raise SystemExit(f"the tracker said: {line!r}")
        return [self.file.readline() for _ in range(int(line.split()[1]))]


def measure_tracker(bench):
    total, a_line = bench.args.announced, 100
    config = bench.path("tracker.toml")
    with Processes() as processes:
        shown = subprocess.run([f"{bench.bin}/potok-tracker", "--print-config"], capture_output=True, text=True, check=True)
        with open(config, "w") as out:
            for line in shown.stdout.splitlines():
                name = line.lstrip("# ").split("=")[0].strip()
                raised = {"shares_per_user": total, "path_bytes_per_user": total * 200}.get(name)
                out.write(f"{name} = {raised}\n" if raised else line + "\n")
        tracker = processes.start(
            [f"{bench.bin}/potok-tracker", "--listen", "127.0.0.1:0", "--data-dir", bench.fresh("tracker"), "--config", config],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        address = tracker.stdout.readline().decode().split()[-1]
        announcer, asker = Lines(address), Lines(address)
        announcer.say("register-user bench 4001\n")
        announcer.answer()
        asker.say("register-user asker 4002\n")
        asker.answer()
        before = resident_bytes(tracker.pid)
        lines = []
        for start in range(0, total, a_line):
            items = ", ".join(
                f'"music/artist {n % 977:03}/album {n % 89:02}/{n:07} - a song name.flac" size={n} hash={n:064x}'
                for n in range(start, start + a_line))
            lines.append(f"register-files bench {items}\n".encode())
        waits, done = [], threading.Event()

        def ask():
            while not done.is_set():
                since = time.monotonic()
                asker.say("list-users\n")
                asker.answer()
                waits.append(time.monotonic() - since)
                time.sleep(0.001)

        asking = threading.Thread(target=ask)
        asking.start()
        since = time.monotonic()
        sender = threading.Thread(target=lambda: [announcer.socket.sendall(line) for line in lines])
        sender.start()
        for _ in lines:
            announcer.answer()
        seconds = time.monotonic() - since
        done.set()
        asking.join()
        sender.join()
        each = (resident_bytes(tracker.pid) - before) / total
        waits.sort()
        searches = []
        for needle in ["song", "977", "artist 12", "0123456", "al"] * 40:
            since = time.monotonic()
            asker.say(f'search "{needle}" limit=100\n')
            asker.answer()
            searches.append(time.monotonic() - since)
        searches.sort()
    bench.row(f"announce {total} files, {a_line} a line, one session", f"{total / seconds / 1000:.0f} k files/s, {seconds:.1f} s",
              "goal: 10 s", "")
    bench.row("memory of each, searchable", f"{each:.0f} bytes", "goal: 250", "")
    bench.row("list-users meanwhile, p50 / p99 / worst",
              f"{waits[len(waits) // 2] * 1e3:.1f} / {waits[len(waits) * 99 // 100] * 1e3:.1f} / {waits[-1] * 1e3:.1f} ms",
              "goal: 10 ms", "")
    bench.row("search, first 100, p50 / p99",
              f"{searches[len(searches) // 2] * 1e3:.2f} / {searches[len(searches) * 99 // 100] * 1e3:.2f} ms", "", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "target/release"), help="folder of the built programs")
    parser.add_argument("--dir", default="/dev/shm/potok-figures", help="work folder; it is emptied")
    parser.add_argument("--size", type=parse_size, default=parse_size("4G"))
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--announced", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="file,small,tracker")
    args = parser.parse_args()
    os.makedirs(args.dir, exist_ok=True)
    bench = Bench(args)
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {platform.system()} {platform.release()}, "
          f"median of {args.runs}\n")
    print("| what | Potok | beside it | ratio |\n|---|---|---|---|", flush=True)
    try:
        for name in args.only.split(","):
            {"file": measure_file, "small": measure_small, "tracker": measure_tracker}[name](bench)
    finally:
        shutil.rmtree(args.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
