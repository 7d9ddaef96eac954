"""A window in a large network, and many windows: what the tracker sends, how soon there are rows, what it costs.

Bytes are those of the window's own connection, with TLS, as the kernel counts them. The window is the built program; where
it is used by a script, it is the same window and the same engine in an example (`app/examples/window_script`).
"""
import json
import os
import re
import subprocess
import time

from harness import Lines, Processes, Skip, start_tracker
from servers import ITEMS, PER_SOURCE, REGISTER, announcing, needles, words
from window import TICKS, Window, start_crowded_tracker, start_display

# What a stranger does for a minute.
SCENE_FILES, SCENE_SECONDS = 300_000, 60
# Beside typing: files that come or go a second, and those whose they are.
CHANGES_A_SECOND, CHANGING_USERS = 100, 20
WINDOWS, CHANGES_FOR_WINDOWS, WINDOWS_SECONDS = 500, 20, 30
# Files of one user at most, with a margin.
FILES_A_USER = 90_000


def example(bench, name):
    path = f"{bench.bin}/examples/{name}"
    if not os.access(path, os.X_OK):
        raise Skip(f"{name} is not built: cargo build --profile dist --package potok --example {name}")
    return path


def received_bytes(pid, address):
    """What a process has received from the tracker, TLS included."""
    lines = subprocess.run(["ss", "-tinpOH", "state", "established", "dst", address], capture_output=True, text=True).stdout
    own = [line for line in lines.splitlines() if f"pid={pid}," in line]
    return sum(int(count) for line in own for count in re.findall(r"bytes_received:(\d+)", line))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def share_one_a_second(address):
    """A stranger shares a small file a second for a minute."""
    session = Lines(address)
    session.ask("register-user stranger 4999")
    since = time.monotonic()
    for number in range(SCENE_SECONDS):
        session.ask(f'register-files stranger "notes/{number:04} a small file.txt" size={number + 1} hash={number:064x}')
        time.sleep(max(0.0, since + number + 1 - time.monotonic()))


def scene(bench):
    """One window on Browse while somebody shares a file a second."""
    count = min(SCENE_FILES, bench.args.names)
    with Processes() as processes:
        start_display(processes)
        tracker, address, _sessions = start_crowded_tracker(bench, processes, count)
        window = Window(bench, processes, address)
        window.settle()
        pid = window.process.pid
        before, used, served = received_bytes(pid, address), processor_seconds(pid), processor_seconds(tracker.pid)
        share_one_a_second(address)
        # What is asked for again later belongs to it.
        time.sleep(5)
        figures = {"received_kb": (received_bytes(pid, address) - before) / 1000,
                   "processor_seconds": processor_seconds(pid) - used,
                   "tracker_processor_seconds": processor_seconds(tracker.pid) - served}
    bench.add("large-network", "a file a second", figures, bench.version(), names=count)


def start_named_tracker(bench, processes, count, **settings):
    """A tracker with so many files whose names are made of words; what keeps them announced."""
    tracker, address = start_tracker(bench, processes, **settings)
    argv = words(bench, "load", address, per_source=PER_SOURCE, login=[REGISTER], connections=max(10, count // FILES_A_USER + 1),
                 commands=count // ITEMS, items=ITEMS, command=announcing("Potok", ITEMS), seconds=600, stay=True)
    stays = processes.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    loaded = json.loads(stays.stdout.readline())
    if loaded["errors"]:
        raise RuntimeError(f"announcing failed: {loaded['first_error']}")
    return tracker, address


def start_changes(bench, processes, address, a_second):
    """Files come and go, so many a second, each of another user than the one before."""
    come_and_go = ["register-files u{c} {items:1}", "unregister-files u{c} {paths:1}"]
    argv = words(bench, "load", address, per_source=PER_SOURCE, login=[REGISTER], connections=CHANGING_USERS, first_user=200_000,
                 first=bench.args.names, rate=a_second, seconds=600, command=come_and_go)
    return processes.start(argv, stdout=subprocess.DEVNULL)


def script(bench, processes, address, *arguments):
    """The window with its engine, used by a script; each line that it prints is a figure."""
    environment = {**os.environ, "NO_COLOR": "1", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    argv = [example(bench, "window_script"), address, bench.fresh("window"), *arguments]
    return processes.start(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True)


def said(process):
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the window has ended")
    return json.loads(line)


def opening(bench):
    """Browse is opened in a large network: until there are rows, and all that is received until nothing more comes."""
    with Processes() as processes:
        start_display(processes)
        _, address = start_named_tracker(bench, processes, bench.args.names)
        rows, received = [], []
        for _ in range(5):
            window = script(bench, processes, address)
            rows.append(said(window)["rows_ms"])
            time.sleep(3)
            received.append(received_bytes(window.pid, address) / 1000)
            processes.stop(window)
    bench.add("large-network", "opening", {"received_kb": max(received), "rows_ms": max(rows)}, bench.version(),
              names=bench.args.names)


def typing(bench):
    """Words are typed while files come and go: from the last letter until the frame with the rows."""
    with Processes() as processes:
        start_display(processes)
        _, address = start_named_tracker(bench, processes, bench.args.names)
        start_changes(bench, processes, address, CHANGES_A_SECOND)
        window = script(bench, processes, address, needles(bench, bench.args.names))
        said(window)
        figures = said(window)
    bench.add("large-network", "typing", figures, bench.version(), names=bench.args.names)


def many(bench):
    """Many windows on Browse at one tracker while files come and go."""
    with Processes() as processes:
        tracker, address = start_named_tracker(bench, processes, bench.args.names, connections_per_address=2 * WINDOWS,
                                               handshakes_per_address=2 * WINDOWS)
        windows = processes.start([example(bench, "many_windows"), address, bench.fresh("windows"), str(WINDOWS)],
                                  stdout=subprocess.PIPE, text=True)
        online = said(windows)
        start_changes(bench, processes, address, CHANGES_FOR_WINDOWS)
        # Counts are asked for less often when changes go on: that is the state that lasts.
        time.sleep(30)
        served, received, since = processor_seconds(tracker.pid), received_bytes(windows.pid, address), time.monotonic()
        time.sleep(WINDOWS_SECONDS)
        seconds = time.monotonic() - since
        figures = {"windows": online["windows"], "tracker_processors": (processor_seconds(tracker.pid) - served) / seconds,
                   "kb_a_window_a_minute": (received_bytes(windows.pid, address) - received) / 1000 / online["windows"]
                   * 60 / seconds}
    bench.add("large-network", "500 windows", figures, bench.version("potok-tracker"), names=bench.args.names)


ROWS = {"a file a second": scene, "opening": opening, "typing": typing, "500 windows": many}

# Group: what measures it, the rows, whether it is part of the quick form.
GROUPS = {"large-network": (lambda bench, row: ROWS[row](bench), list(ROWS), True)}
