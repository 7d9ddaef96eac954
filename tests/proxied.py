#!/usr/bin/env python3
"""People whose connections leave through a SOCKS5 proxy and no other way, in network namespaces: who fetches from whom.

    tests/proxied.py [--bin target/debug]

alice and carol each have one line, to the proxy, and no other way out; carol's is so long that the tracker, to which the proxy
has connected by then, hears nothing of her for more than half a second and greets her as a person at a terminal. bob is beside
the tracker, which carries what does not go otherwise. What must hold: bob fetches from alice, who dials him through the proxy (`reversed`); alice fetches from bob;
carol fetches from alice by the relay; and each file is the one that was shared.

Needs Linux, root, iproute2 and Python 3.9.
"""
import filecmp
import os
import random
import sys
import time

from namespaces import PORT, Namespaces, ip, need_programs
from processes import ROOT, SECONDS_MAX, Program, folder, options_of

FILE_BYTES = 3_000_000
PROXY_PORT = 1080
TRACKER = "192.168.7.1"
# One way, of her line.
CAROL_DELAY_MS = 400


class Office(Namespaces):
    """A switch with the tracker, the proxy and bob, and people behind the proxy."""

    def computer(self, number):
        name, line = f"{self.name}-c{number}", f"line{number}"
        self.space(name)
        self.cable(self.name, line, name, "eth0")
        self.plug_in(line)
        ip("-n", name, "address", "add", f"192.168.7.{number}/24", "dev", "eth0")
        return name

    def behind(self, proxy, number, delay_ms):
        """A computer whose only line leads to the proxy, which passes nothing on that is not asked of it."""
        name, line = f"{self.name}-b{number}", f"behind{number}"
        self.space(name)
        if delay_ms:
            argv = [sys.executable, f"{ROOT}/tests/delayed_line.py", proxy, line, name, "eth0", str(delay_ms)]
            self.keep(Program(argv)).hear("ready")
            ip("-n", proxy, "link", "set", line, "up")
            ip("-n", name, "link", "set", "eth0", "up")
        else:
            self.cable(proxy, line, name, "eth0")
        ip("-n", proxy, "address", "add", f"10.0.{number}.1/30", "dev", line)
        ip("-n", name, "address", "add", f"10.0.{number}.2/30", "dev", "eth0")
        return name


class Person:
    """Somebody with a console, and a file that is shared."""

    def __init__(self, office, space, options, name, proxy=None):
        self.name, self.dir, self.file = name, options.dir, f"{options.dir}/{name}.bin"
        os.makedirs(f"{options.dir}/{name}")
        with open(f"{options.dir}/{name}/config.toml", "w") as config:
            config.write(f"upload_bytes_per_second = {FILE_BYTES // 2}\n")
            config.write(f'socks5 = "{proxy}:{PROXY_PORT}"\n' if proxy else "")
        self.console = office.console(space, options.bin, options.dir, name, "--tracker", f"{TRACKER}:{PORT}")
        self.console.ask("whoami", f"{name}\t")
        with open(self.file, "wb") as out:
            out.write(random.Random(name).randbytes(FILE_BYTES))
        self.console.ask(f'register "{self.file}"', f"shared\t{name}.bin\t")

    def way_to(self, other):
        """By which way somebody takes something, as soon as they do."""
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until:
            heard = self.console.say("transfers\nwhoami")
            self.console.hear(f"{self.name}\t", heard)
            rows = [line.split("\t") for _, line in self.console.lines[heard:] if "\tupload\t" in line]
            way = next((row[8] for row in rows if row[3] == other.name and row[8] != "-"), None)
            if way:
                return way
            time.sleep(0.05)
        sys.exit(f"proxied: {other.name} takes nothing from {self.name}")

    def fetches_from(self, other, way):
        while not any(line.startswith(f"{other.name}\t") for _, line in self.console.lines):
            self.console.ask("list-users", f"{self.name}\t")
        copy = f"{self.dir}/{other.name}-by-{self.name}.bin"
        since = self.console.say(f'download {other.name} {other.name}.bin "{copy}"')
        found = other.way_to(self)
        _, line = self.console.hear("downloaded\t|error: ", since)
        if not line.startswith("downloaded\t") or not filecmp.cmp(other.file, copy, shallow=False):
            sys.exit(f"proxied: {self.name} did not get the file of {other.name}: {line}")
        if found != way:
            sys.exit(f"proxied: {self.name} reached {other.name} by {found}, not {way}")
        print(f"proxied: {self.name} fetched from {other.name}: {way}", flush=True)


def show(options):
    with Office("proxied") as office:
        at_tracker, at_proxy, at_bob = (office.computer(number) for number in (1, 2, 3))
        behind = [office.behind(at_proxy, number, delay_ms) for number, delay_ms in ((1, 0), (2, CAROL_DELAY_MS))]
        with open(f"{options.dir}/tracker.toml", "w") as config:
            config.write("relay = true\n")
        argv = [f"{options.bin}/potok-tracker", "--data-dir", f"{options.dir}/tracker", "--listen", f"[::]:{PORT}",
                "--config", f"{options.dir}/tracker.toml"]
        office.run(at_tracker, argv).hear("listening on ")
        proxy = office.run(at_proxy, [sys.executable, f"{ROOT}/tests/socks5.py", f"0.0.0.0:{PROXY_PORT}"])
        proxy.hear("ready")
        alice = Person(office, behind[0], options, "alice", "10.0.1.1")
        carol = Person(office, behind[1], options, "carol", "10.0.2.1")
        bob = Person(office, at_bob, options, "bob")
        bob.fetches_from(alice, "reversed")
        alice.fetches_from(bob, "nearby")
        carol.fetches_from(alice, "relayed")
        asked = {line for _, line in proxy.lines if line.startswith("asked ")}
        elsewhere = {line for line in asked if not line.startswith((f"asked {TRACKER}:{PORT}", "asked 192.168.7.3:"))}
        if not asked or elsewhere:
            sys.exit(f"proxied: the proxy was asked for {elsewhere or 'nothing'}")


def main():
    options = options_of(__doc__, "proxied").parse_args()
    need_programs("ip")
    with folder(options.dir):
        show(options)


if __name__ == "__main__":
    main()
