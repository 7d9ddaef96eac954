"""What the window costs: start, frames, memory and rest, with up to a million files known.

The window is drawn by the processor here (Xvfb, no GPU). Of a frame the program's own time counts, not the renderer's;
of memory everything, with the 55 MiB of the renderer's compiler.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

from harness import Lines, Processes, Skip, median, start_tracker

TICKS = os.sysconf("SC_CLK_TCK")
# People who announce, each as many files as a tracker allows by default.
SHARES_PER_USER = 100_000
REST_SECONDS = 10


def start_display(processes):
    """An X server of its own, on the first free number."""
    if not shutil.which("Xvfb"):
        raise Skip("Xvfb is not installed")
    read, write = os.pipe()
    processes.start(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                    pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        os.environ["DISPLAY"] = f":{number.readline().strip()}"


def start_crowded_tracker(bench, processes, announced):
    """A tracker with so many announced files, and the sessions that announced them."""
    tracker, address = start_tracker(bench, processes)
    sessions, a_line = [], 100
    for first in range(0, announced, SHARES_PER_USER):
        session = Lines(address)
        session.say(f"register-user person{len(sessions)} {4001 + len(sessions)}\n")
        session.answer()
        for start in range(first, min(first + SHARES_PER_USER, announced), a_line):
            items = ", ".join(
                f'"music/artist {n % 977:03}/album {n % 89:02}/{n:07} - a song name.flac" size={n * 7919 % 50_000_000} '
                f'hash={n:064x}' for n in range(start, start + a_line))
            session.say(f"register-files person{len(sessions)} {items}\n")
            session.answer()
        sessions.append(session)
    return tracker, address, sessions


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
            if b"_micros" not in line:
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


def start(bench):
    """Start to the first frame, with an empty data folder."""
    runs = []
    for _ in range(5):
        with Processes() as processes:
            start_display(processes)
            window = Window(bench, processes)
            runs.append((window.first_frame_seconds * 1000, window.first_frame_ticks * 1000 / TICKS))
    wall, used = zip(*runs)
    bench.add("window", "start", {"first_frame_ms": median(wall), "processor_ms": median(used)}, bench.version())


def frames(bench):
    """The own work of frames, in a window without a tracker that is given so many files at once."""
    demo = f"{bench.bin}/examples/window_demo"
    if not os.access(demo, os.X_OK):
        raise Skip("window_demo is not built: cargo build --profile dist --example window_demo")
    with Processes() as processes:
        start_display(processes)
        lines = subprocess.run([demo, "--figures", "--files", str(bench.args.names)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines()
    for line in lines:
        what, figure, _, *_ = line.split("\t")
        milliseconds = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", figure)[:3]]
        bench.add("window", f"frames {what}", dict(zip(("p50_ms", "p99_ms", "max_ms"), milliseconds)), bench.version(),
                  files=bench.args.names)


def rows(bench, count):
    """The built program at a tracker with so many files."""
    if bench.args.quick and count > bench.args.names:
        raise Skip(f"the quick form ends at {bench.args.names:,}")
    with Processes() as processes:
        start_display(processes)
        _tracker, address, _sessions = start_crowded_tracker(bench, processes, count)
        since = time.monotonic()
        window = Window(bench, processes, address)
        drawn = sorted(window.settle())
        # Two seconds of rest are how it is known to have come to rest.
        seconds = time.monotonic() - since - 2
        resident, own, of_files, most = window.memory()
        before = window.ticks()
        time.sleep(REST_SECONDS)
        used = window.ticks() - before
    bench.add("growth-window", "Potok", {
        "resident_mib": resident, "own_mib": own, "of_files_mib": of_files, "peak_mib": most,
        "first_frame_ms": window.first_frame_seconds * 1000, "rest_after_seconds": seconds,
        "frame_p50_ms": statistics.median(drawn), "frame_p99_ms": drawn[len(drawn) * 99 // 100], "frame_max_ms": drawn[-1],
        "processor_ms_at_rest": used * 1000 / TICKS,
    }, bench.version(), files=count)


# Group: what measures it, the rows, whether it is part of the quick form.
GROUPS = {
    "window": (lambda bench, row: {"start": start, "frames": frames}[row](bench), ["start", "frames"], True),
    "growth-window": (rows, [0, 1000, 10_000, 100_000, 1_000_000], True),
}
