#!/usr/bin/env python3
"""How much of a line a punched connection fills: two people behind cones, lines of some rate and length.

    tests/homes_rate.py [--bin target/debug] [--megabits 100,1000] [--results benches/results.jsonl]

First a plain TCP connection of nobody but this script sends from alice's home to the tracker's computer, over her line alone:
what a line carries. Then bob downloads from alice through both lines, some times; what counts is what comes between the first
tenth of a file and the last, so without the start and without what its end costs his disk. What must hold: the way is
`punched`, the file is the right one, and the rate, the median of the rounds, is at least 0.98 of what plain TCP had.

On a far and fast line no connection is faster than the system's buffers let it: a gigabit a second and 40 ms are 5 MB on
their way, and Linux lets a program have 4 MB of them unanswered unless it is told otherwise (`tcp_wmem`), of which
bookkeeping takes a part. `--buffers` says what all computers here are told. Needs what tests/homes.py needs.
"""
import os
import statistics
import sys
import time

from homes import Bench, Pair, Row
from namespaces import need_programs
from processes import SECONDS_MAX, folder, options_of
from routers import NEEDED, NETWORK, Internet

ROUND_TRIP_MS = 40
SHARE_MIN = 0.98
# So long a line is filled by each of the two.
SECONDS = 20
PORT = 7001
# The sink counts from so many seconds on, without the start.
WARM_SECONDS = 2
SINK = f"""
import socket, time
listening = socket.create_server(("", {PORT}))
print("ready", flush=True)
stream, _ = listening.accept()
buffer, began, counted, since = bytearray(1 << 20), time.monotonic(), 0, None
while bytes := stream.recv_into(buffer):
    now = time.monotonic()
    if since:
        counted += bytes
    elif now - began > {WARM_SECONDS}:
        since = now
print("rate", counted / (time.monotonic() - since), flush=True)
"""
SOURCE = f"""
import socket, time
stream, data, began = socket.create_connection(("{NETWORK}.1", {PORT})), bytes(1 << 20), time.monotonic()
while time.monotonic() - began < {SECONDS}:
    stream.sendall(data)
"""


def plain(internet, tracker, home):
    """Bytes a second of plain TCP over the line of a home."""
    sink = internet.run(tracker, [sys.executable, "-c", SINK])
    sink.hear("ready")
    internet.execute(home, sys.executable, "-c", SOURCE)
    _, line = sink.hear("rate ")
    internet.stop(sink)
    return float(line.split()[1])


def wait_for(path, bytes):
    """How many bytes of a file are on disk, once they are so many; and when."""
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        here = os.stat(path).st_blocks * 512 if os.path.exists(path) else 0
        if here >= bytes:
            return here, time.monotonic()
        time.sleep(0.01)
    sys.exit(f"homes rate: {bytes:,.0f} bytes are not there after {SECONDS_MAX} s")


def download(options, pair):
    """bob downloads a new file: bytes a second, and the way."""
    path, copy = pair.share(options.bytes), f"{options.dir}/copy.bin"
    bob = pair.bob_who_sees_alice()
    since = bob.say(f'download alice {os.path.basename(path)} "{copy}"')
    here, began = wait_for(f"{copy}.potok-part", options.bytes * 0.1)
    way = pair.way_of(os.path.basename(path))
    there, ended = wait_for(f"{copy}.potok-part", options.bytes * 0.9)
    pair.whole(bob, since, path, copy)
    return (there - here) / (ended - began), way


def show(options, megabits, bench=None):
    with Internet(ROUND_TRIP_MS, megabits) as internet:
        options.bytes = int(megabits * 1e6 / 8 * SECONDS)
        pair = Pair(internet, options, Row("cone", "cone", "punched", False), f"{options.dir}/{megabits:g}")
        for home in (pair.at_alice, pair.at_bob, f"{internet.name}-t"):
            for which in ("wmem", "rmem"):
                internet.execute(home, "sysctl", "-qw", f"net.ipv4.tcp_{which}=4096 131072 {options.buffers}")
        line = plain(internet, f"{internet.name}-t", pair.at_alice)
        rounds = [download(options, pair) for _ in range(options.rounds)]
        rate, ways = statistics.median(rate for rate, _ in rounds), {way for _, way in rounds}
        way = " ".join(sorted(ways))
        print(f"homes rate: {megabits:g} Mbit/s, {ROUND_TRIP_MS} ms, {way}: {rate / 1e6:.1f} MB/s, plain TCP over one line {line / 1e6:.1f} MB/s, "
              f"{rate / line:.3f}", flush=True)
        if bench:
            bench.add("reach-rate", f"{way} {megabits:g}", {"megabytes_per_second": rate / 1e6, "plain_megabytes_per_second": line / 1e6,
                      "of_plain": rate / line}, bench.version(), megabits=megabits, round_trip_ms=ROUND_TRIP_MS, buffers=options.buffers, rounds=options.rounds)
        if way != "punched" or rate < line * SHARE_MIN:
            return [f"{megabits:g} Mbit/s: {way}, {rate / line:.3f} of plain TCP, to reach {SHARE_MIN}"]
        return []


def main():
    parser = options_of(__doc__, "homes-rate")
    parser.add_argument("--megabits", default="100,1000", help="rates of the lines, with commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--buffers", type=int, default=16 << 20, help="bytes that the systems let a connection have, at most")
    parser.add_argument("--results", help="where rows for benches/report.py are added")
    options = parser.parse_args()
    need_programs(*NEEDED)
    options.run, options.long = time.strftime("%Y-%m-%dT%H:%M"), False
    broken = []
    with folder(options.dir):
        for megabits in map(float, options.megabits.split(",")):
            os.makedirs(f"{options.dir}/{megabits:g}")
            if options.results:
                Bench(options).measure(lambda bench, _: broken.extend(show(options, megabits, bench)), None)
            else:
                broken += show(options, megabits)
    if broken:
        sys.exit("homes rate: does not hold:\n" + "\n".join(broken))


if __name__ == "__main__":
    main()
