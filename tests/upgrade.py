#!/usr/bin/env python3
"""A transfer that goes on by a better way: it begins through the tracker's relay, then alice's computer lets others in.

    tests/upgrade.py [--bin target/debug] [--megabytes 1000]

bob is behind a router that gives every connection another port, alice's computer has no router and drops what it did not ask
for: neither can dial the other. While the relay carries the file her rule is taken away. What must hold: alice says `relayed`,
then `direct`; the file is the right one; and over his line comes no more than the file, with what its packets take besides.

Needs what tests/homes.py needs.
"""
import filecmp
import os
import random
import sys
import time

from homes import Pair, Row
from namespaces import need_programs
from processes import folder, options_of
from routers import NEEDED, Internet

# So many bytes come for each of the file at most: headers of TCP, IP and Ethernet, TLS, and what was under way at the change.
OVERHEAD_MAX = 1.02
IN_FLIGHT_BYTES = 32 << 20
RELAY_BYTES_PER_SECOND = 10_000_000
UPLOAD_BYTES_PER_SECOND = 100_000_000
SECONDS_MAX = 600
WALL = """table inet wall {
    chain in { type filter hook input priority filter; iif "lo" accept; ct state established,related accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; drop; }
}"""


def received(internet, home):
    """Bytes that came over the line of a computer."""
    counter = "/sys/class/net/eth0/statistics/rx_bytes"
    return int(internet.execute(home, "cat", counter, capture_output=True, text=True).stdout)


def show(options):
    with Internet(40) as internet:
        pair = Pair(internet, options, Row("public", "symmetric", "relayed", False), options.dir)
        internet.execute(pair.at_alice, "nft", "-f", "-", input=WALL, text=True)
        path, copy = f"{options.dir}/film.bin", f"{options.dir}/copy.bin"
        with open(path, "wb") as out:
            for piece in range(options.megabytes):
                out.write(random.Random(piece).randbytes(1_000_000))
        pair.alice.ask(f'register "{path}"', "shared\tfilm.bin\t", SECONDS_MAX)
        bob = pair.console("bob", pair.at_bob)
        while not any(line.startswith("alice\t") for _, line in bob.lines):
            bob.ask("list-users", "bob\t")
        before, began = received(internet, pair.at_bob), time.monotonic()
        since = bob.say(f'download alice film.bin "{copy}"')
        ways, longest, last, last_at = [], 0, before, began
        while not os.path.exists(copy):
            if time.monotonic() - began > SECONDS_MAX:
                sys.exit(f"upgrade: not there after {SECONDS_MAX} s; ways {ways}")
            now, bytes = time.monotonic(), received(internet, pair.at_bob)
            if bytes - last > 100_000:
                # How long it took to begin is no pause.
                longest = max(longest, now - last_at) if ways else 0
                last, last_at = bytes, now
            elif not ways:
                last_at = now
            way = pair.way_of("film.bin")
            if way and (not ways or ways[-1][0] != way):
                ways.append((way, round(now - began, 1)))
                if way == "relayed":
                    internet.execute(pair.at_alice, "nft", "delete", "table", "inet", "wall")
            time.sleep(0.05)
        bob.hear("downloaded\t", since, SECONDS_MAX)
        came, size = received(internet, pair.at_bob) - before, os.path.getsize(path)
        print(f"upgrade: {ways}, {size:,} bytes of file, {came:,} over bob's line ({came / size:.3f}), in {time.monotonic() - began:.0f} s, "
              f"nothing came for {longest:.2f} s at most")
        if not filecmp.cmp(path, copy, shallow=False):
            sys.exit("upgrade: not the file that was shared")
        if [way for way, _ in ways] != ["relayed", "direct"]:
            sys.exit(f"upgrade: {ways}, not first relayed and then direct")
        if came > size * OVERHEAD_MAX + IN_FLIGHT_BYTES:
            sys.exit("upgrade: something was sent twice")


def main():
    parser = options_of(__doc__, "upgrade")
    parser.add_argument("--megabytes", type=int, default=1000)
    options = parser.parse_args()
    options.bytes, options.relay_bytes_per_second = UPLOAD_BYTES_PER_SECOND * 2, RELAY_BYTES_PER_SECOND
    need_programs(*NEEDED)
    with folder(options.dir):
        show(options)


if __name__ == "__main__":
    main()
