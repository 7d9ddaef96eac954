#!/usr/bin/env python3
"""What the window costs: frames, start, memory and rest, with a million files known.

    cargo build --release --package potok --package potok-tracker --example window_demo && benches/window.py
    benches/window.py --only memory --announced 100000

Needs Python 3.9, Linux and Xvfb. The window is drawn by the processor here (no GPU): the time of the renderer is
reported beside the app's own.
"""
import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

from figures import ROOT, Bench, Lines, Processes, median, resident_bytes

TICKS = os.sysconf("SC_CLK_TCK")
# People who announce, each as many files as a tracker allows by default.
SHARES_PER_USER = 100_000


def start_display(processes):
    """An X server of its own, on the first free number."""
    read, write = os.pipe()
    processes.start(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                    pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        os.environ["DISPLAY"] = f":{number.readline().strip()}"


def start_crowded_tracker(bench, processes):
    """A tracker with all the announced files, and the sessions that announced them."""
    tracker = processes.start(
        [f"{bench.bin}/potok-tracker", "--listen", "127.0.0.1:0", "--data-dir", bench.fresh("tracker")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    address = tracker.stdout.readline().decode().split()[-1]
    sessions, a_line = [], 100
    for first in range(0, bench.args.announced, SHARES_PER_USER):
        session = Lines(address)
        session.say(f"register-user person{len(sessions)} {4001 + len(sessions)}\n")
        session.answer()
        for start in range(first, min(first + SHARES_PER_USER, bench.args.announced), a_line):
            items = ", ".join(
                f'"music/artist {n % 977:03}/album {n % 89:02}/{n:07} - a song name.flac" size={n * 7919 % 50_000_000} '
                f'hash={n:064x}' for n in range(start, start + a_line))
            session.say(f"register-files person{len(sessions)} {items}\n")
            session.answer()
        sessions.append(session)
    return address, sessions


class Window:
    """The built program with its window open."""

    def __init__(self, bench, processes, address=""):
        data = bench.fresh("window")
        with open(f"{data}/config.toml", "w") as out:
            out.write(f'name = "viewer{time.monotonic_ns()}"\nlanguage = "en"\nlisten = "127.0.0.1:0"\ntracker = "{address}"\n')
        # No bus: nothing but the program itself is measured.
        environment = {**os.environ, "POTOK_LOG": "potok::frame=trace", "NO_COLOR": "1",
                       "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "XDG_RUNTIME_DIR": data}
        since = time.monotonic()
        self.process = processes.start([f"{bench.bin}/potok", "--data-dir", data], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # The second frame begins when the first one is on the screen.
        self.frame(), self.frame()
        self.first_frame_seconds = time.monotonic() - since
        self.first_frame_ticks = self.ticks()
        os.set_blocking(self.process.stderr.fileno(), False)

    def frame(self):
        while line := self.process.stderr.readline():
            if b"ui_micros" in line:
                return
            print(line.decode(), end="", file=sys.stderr)
        raise SystemExit("the window did not open")

    def frames(self):
        """The app's own milliseconds of each frame since the last question."""
        text = self.process.stderr.read() or b""
        frames, logic = [], 0
        for part, micros in re.findall(rb"(logic|ui)_micros=(\d+)", text):
            if part == b"logic":
                logic += int(micros)
            else:
                frames.append((logic + int(micros)) / 1000)
                logic = 0
        return frames

    def ticks(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def settle(self):
        """Waits until it has used no processor time for two seconds; all frames until then."""
        frames, before, since = [], -1, time.monotonic()
        while time.monotonic() - since < 120:
            time.sleep(2)
            frames += self.frames()
            now = self.ticks()
            if now == before:
                return frames
            before = now
        raise SystemExit("the window does not come to rest")

    def memory(self):
        """Resident MiB: all, of the heap and the like, of files; and the most there ever was."""
        fields = {}
        for path in (f"/proc/{self.process.pid}/smaps_rollup", f"/proc/{self.process.pid}/status"):
            with open(path) as lines:
                for line in lines:
                    name, _, value = line.partition(":")
                    if value.endswith("kB\n"):
                        fields[name] = int(value.split()[0]) / 1024
        return fields["Rss"], fields["Anonymous"], fields["Rss"] - fields["Anonymous"], fields["VmHWM"]

    def close(self):
        self.process.terminate()
        self.process.wait()


def measure_start(bench):
    times, used = [], []
    for _ in range(bench.args.runs):
        with Processes() as processes:
            window = Window(bench, processes)
            times.append(window.first_frame_seconds * 1000)
            used.append(window.first_frame_ticks * 1000 / TICKS)
    bench.row("start to first frame, empty data folder", f"{median(times):.0f} ms ({min(times):.0f}–{max(times):.0f})",
              f"goal: 300 ms; processor time: {median(used):.0f} ms", "")


def measure_frames(bench):
    for line in subprocess.run([f"{bench.bin}/examples/window_demo", "--figures", "--files", str(bench.args.announced)],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines():
        bench.row(*line.split("\t"))


def measure_memory(bench):
    with Processes() as processes:
        small = Window(bench, processes)
        small.settle()
        rss, anonymous, files, peak = small.memory()
        bench.row("memory with nothing known", f"{rss:.0f} MiB", f"{anonymous:.0f} its own, {files:.0f} of files", "")
        small.close()
        address, _sessions = start_crowded_tracker(bench, processes)
        since = time.monotonic()
        window = Window(bench, processes, address)
        frames = sorted(window.settle())
        seconds = time.monotonic() - since
        rss, anonymous, files, peak = window.memory()
        bench.row(f"memory with {bench.args.announced:,} files known", f"{rss:.0f} MiB",
                  f"goal: 150 MiB; {anonymous:.0f} its own, {files:.0f} of files; most while listing: {peak:.0f}", "")
        bench.row("start to first frame at that tracker", f"{window.first_frame_seconds * 1000:.0f} ms",
                  f"goal: 300 ms; processor time: {window.first_frame_ticks * 1000 // TICKS} ms", "")
        bench.row(f"frames while it was listing ({seconds:.0f} s to rest), own work p50 / p99 / max",
                  f"{statistics.median(frames):.2f} / {frames[len(frames) * 99 // 100]:.2f} / {frames[-1]:.2f} ms",
                  "goal: p99 4 ms", "")
        before = window.ticks()
        time.sleep(bench.args.rest)
        used = window.ticks() - before
        bench.row(f"processor time at rest, {bench.args.rest} s", f"{used * 1000 // TICKS} ms",
                  f"goal: 0; frames drawn: {len(window.frames())}", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "target/release"), help="where the built programs are")
    parser.add_argument("--dir", default="/dev/shm/potok-window", help="work folder; it is emptied")
    parser.add_argument("--announced", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rest", type=int, default=20)
    parser.add_argument("--only", default="start,frames,memory")
    args = parser.parse_args()
    os.makedirs(args.dir, exist_ok=True)
    bench = Bench(args)
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {platform.system()} {platform.release()}\n")
    print("| what | Potok | beside it | ratio |\n|---|---|---|---|", flush=True)
    try:
        with Processes() as processes:
            start_display(processes)
            for name in args.only.split(","):
                {"start": measure_start, "frames": measure_frames, "memory": measure_memory}[name](bench)
    finally:
        shutil.rmtree(args.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
