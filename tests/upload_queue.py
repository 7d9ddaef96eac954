#!/usr/bin/env python3
"""How long newcomers wait for a file while one address holds the queue of its owner with many keys, in network namespaces.

    tests/upload_queue.py [--bin target/dist] [--keys 60] [--newcomers 5]

alice sends 20 MB a second. So many people of one address take a long file of hers, all at once; then, one after the other,
newcomers take a short one, each from an address of their own. Without the crowd it takes them a twentieth of a second.

Needs Linux, root, iproute2 and Python 3.9.
"""
import filecmp
import os
import random
import statistics
import time

from namespaces import PORT, need_programs
from nearby import Room
from processes import folder, options_of

SENT_BYTES_A_SECOND = 20_000_000
LONG_BYTES, SHORT_BYTES = 100_000_000, 1_000_000
# Newcomers must be served long before the crowd is.
SECONDS_MAX = 30


def write(path, seed, size):
    with open(path, "wb") as out:
        out.write(random.Random(seed).randbytes(size))


def show(options):
    with Room("queue") as room:
        at_alice, at_crowd = room.computer(1), room.computer(2)
        write(f"{options.dir}/long.bin", 1, LONG_BYTES)
        write(f"{options.dir}/short.bin", 2, SHORT_BYTES)
        os.makedirs(f"{options.dir}/alice")
        with open(f"{options.dir}/alice/config.toml", "w") as config:
            config.write(f"upload_bytes_per_second = {SENT_BYTES_A_SECOND}\n")
        alice = room.console(at_alice, options.bin, options.dir, "alice", "--host-tracker", f"[::]:{PORT}")
        for name in ("long.bin", "short.bin"):
            alice.ask(f'register "{options.dir}/{name}"', f"shared\t{name}\t")
        tracker = alice.ask("invite", "potok://")[1]

        def joined(computer, name):
            console = room.console(computer, options.bin, options.dir, name, "--tracker", tracker)
            console.ask("whoami", f"{name}\t")
            return console

        crowd = [joined(at_crowd, f"crowd-{n}") for n in range(options.keys)]
        for n, one in enumerate(crowd):
            one.say(f'download alice long.bin "{options.dir}/crowd-{n}/long.bin"')
        # All of them have asked.
        time.sleep(3)
        waits = []
        for n in range(options.newcomers):
            newcomer = joined(room.computer(10 + n), f"newcomer-{n}")
            copy = f"{options.dir}/newcomer-{n}/short.bin"
            since = time.monotonic()
            heard = newcomer.say(f'download alice short.bin "{copy}"')
            when, _ = newcomer.hear("downloaded\t", heard, SECONDS_MAX)
            waits.append(when - since)
            if not filecmp.cmp(f"{options.dir}/short.bin", copy, shallow=False):
                raise SystemExit("queue: not the file that was shared")
        served = sum(any(line.startswith("downloaded\t") for _, line in one.lines) for one in crowd)
        print(f"queue: {options.newcomers} newcomers beside {options.keys} keys of one address had their file after "
              f"{statistics.median(waits):.2f} s at the median, {max(waits):.2f} s at most; {served} of the crowd had theirs", flush=True)


def main():
    parser = options_of(__doc__, "queue")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--newcomers", type=int, default=5)
    options = parser.parse_args()
    need_programs("ip")
    with folder(options.dir):
        show(options)


if __name__ == "__main__":
    main()
