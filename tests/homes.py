#!/usr/bin/env python3
"""Homes behind routers, in network namespaces: by which way two people reach each other there.

    tests/homes.py [--bin target/debug] [ROW ...]

alice shares from one home, bob downloads in the other, the tracker is on the Internet between them: a switch in a namespace
of its own. The rows below name the two homes and the way that is expected. What must hold: the file is the right one, and
the transfer says this way.

public   no router: the computer is on the Internet
cone     a router that keeps the port of a connection and lets only answers in; everything else is dropped
reject   the same, and everything else is refused (RST)
cgn      a cone behind the provider's own router
firewall IPv6, and a router that lets only answers in
beside   behind the router of the other, which does not lead its own home back to its public address

Needs Linux, root, iproute2, nftables and Python 3.9. No time is judged here but that of a program that hangs.
"""
import argparse
import filecmp
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

from networks import PORT, ROOT, SECONDS_MAX, Program, ip

ROWS = [
    ("public", "cone", "direct"),
    ("cone", "public", "reversed"),
    ("cone", "cone", "punched"),
    ("reject", "reject", "punched"),
    ("cgn", "cone", "punched"),
    ("firewall", "firewall", "punched"),
    ("cone", "beside", "nearby"),
]
# Slow enough that the transfer can be looked at while it runs.
UPLOAD_BYTES_PER_SECOND = 500_000
FILE_BYTES = 1_500_000
FIRST_HOME, SECOND_HOME = 10, 20
TRACKER = "tracker.test"
TRACKER_ADDRESSES = ("198.51.100.1", "2001:db8::1")


class Internet:
    """The switch, the tracker, and two homes at a time."""

    def __init__(self):
        self.name, self.lines, self.spaces, self.programs = f"homes-{os.getpid()}", 0, [], []

    def __enter__(self):
        self.space(self.name)
        ip("-n", self.name, "link", "add", "switch", "type", "bridge")
        ip("-n", self.name, "link", "set", "switch", "up")
        return self

    def __exit__(self, *_):
        self.clear(0)

    def clear(self, spaces):
        """Takes down what was made after so many namespaces, and every program."""
        for program in reversed(self.programs):
            program.stop()
        for name in reversed(self.spaces[spaces:]):
            ip("netns", "delete", name)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)
        del self.spaces[spaces:], self.programs[:]

    def space(self, name):
        ip("netns", "add", name)
        self.spaces.append(name)
        # New IPv6 addresses are used at once.
        for where in ("all", "default"):
            self.execute(name, "sysctl", "-qw", f"net.ipv6.conf.{where}.accept_dad=0")
        ip("-n", name, "link", "set", "lo", "up")
        # What a computer here knows by name.
        os.makedirs(f"/etc/netns/{name}", exist_ok=True)
        with open(f"/etc/netns/{name}/hosts", "w") as hosts:
            hosts.write("127.0.0.1 localhost\n")

    def execute(self, name, *words, **more):
        subprocess.run(["ip", "netns", "exec", name, *words], check=True, **more)

    def cable(self, one, device, other, other_device):
        ip("-n", one, "link", "add", device, "type", "veth", "peer", "name", other_device, "netns", other)
        ip("-n", one, "link", "set", device, "up")
        ip("-n", other, "link", "set", other_device, "up")

    def plug(self, name, device, number, families=(4,)):
        """A line from a namespace to the switch, with public addresses."""
        # Lines of a home that is being taken down may still be there.
        self.lines += 1
        line = f"line{self.lines}"
        self.cable(self.name, line, name, device)
        ip("-n", self.name, "link", "set", line, "master", "switch")
        if 4 in families:
            ip("-n", name, "address", "add", f"198.51.100.{number}/24", "dev", device)
        if 6 in families:
            ip("-n", name, "address", "add", f"2001:db8::{number}/64", "dev", device)

    def home(self, kind, number):
        """The namespace of the computer in a home of this kind."""
        computer = f"{self.name}-c{number}"
        self.space(computer)
        if kind == "public":
            self.plug(computer, "eth0", number)
            return computer
        if kind == "beside":
            self.beside(computer, f"{self.name}-r{FIRST_HOME}")
            return computer
        router = f"{self.name}-r{number}"
        self.space(router)
        self.cable(router, "lan", computer, "eth0")
        if kind == "firewall":
            self.plug(router, "wan", number, (6,))
            self.gateway(computer, router, f"2001:db8:{number}::2", f"2001:db8:{number}::1", 64)
            self.filter(router, "drop", masquerades=False)
            return computer
        self.gateway(computer, router, "192.168.1.2", "192.168.1.1", 24)
        if kind == "cgn":
            provider = f"{self.name}-p{number}"
            self.space(provider)
            self.cable(provider, "lan", router, "wan")
            self.gateway(router, provider, "100.64.0.2", "100.64.0.1", 24, "wan")
            self.plug(provider, "wan", number)
            self.filter(provider, "drop")
        else:
            self.plug(router, "wan", number)
        self.filter(router, "reject with tcp reset" if kind == "reject" else "drop")
        return computer

    def beside(self, computer, router):
        """One more computer in the home of a router."""
        ip("-n", router, "link", "add", "home", "type", "bridge")
        self.cable(router, "lan2", computer, "eth0")
        for device in ("lan", "lan2"):
            ip("-n", router, "link", "set", device, "master", "home")
        ip("-n", router, "address", "delete", "192.168.1.1/24", "dev", "lan")
        ip("-n", router, "address", "add", "192.168.1.1/24", "dev", "home")
        ip("-n", router, "link", "set", "home", "up")
        ip("-n", computer, "address", "add", "192.168.1.3/24", "dev", "eth0")
        ip("-n", computer, "route", "add", "default", "via", "192.168.1.1")

    def tell(self, number):
        """The Internet knows where the network of the home with this number is."""
        for name in self.spaces:
            if name.startswith((f"{self.name}-t", f"{self.name}-r")) and not name.endswith(f"-r{number}"):
                ip("-n", name, "route", "add", f"2001:db8:{number}::/64", "via", f"2001:db8::{number}")

    def gateway(self, inner, outer, address, gateway, bits, device="eth0"):
        ip("-n", outer, "address", "add", f"{gateway}/{bits}", "dev", "lan")
        ip("-n", inner, "address", "add", f"{address}/{bits}", "dev", device)
        ip("-n", inner, "route", "add", "default", "via", gateway)

    def filter(self, router, refusal, masquerades=True):
        """Lets only answers in. Who sends what was not asked for is dropped or refused, at the router itself too."""
        self.execute(router, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        nat = 'table ip nat {\n chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }\n}\n'
        answers = 'ct state established,related accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;'
        rules = f"""{nat if masquerades else ""}table inet gate {{
            chain mine {{ type filter hook input priority filter; iifname != "wan" accept; {answers} tcp dport 0-65535 {refusal}; drop; }}
            chain through {{ type filter hook forward priority filter; iifname != "wan" accept; {answers} drop; }}
        }}"""
        self.execute(router, "nft", "-f", "-", input=rules, text=True)

    def run(self, name, argv):
        program = Program(["ip", "netns", "exec", name, *argv])
        self.programs.append(program)
        return program


def console(internet, options, name, home, dir):
    with open(f"/etc/netns/{home}/hosts", "a") as hosts:
        hosts.write("".join(f"{address} {TRACKER}\n" for address in TRACKER_ADDRESSES))
    os.makedirs(f"{dir}/{name}")
    with open(f"{dir}/{name}/config.toml", "w") as config:
        config.write(f"upload_bytes_per_second = {UPLOAD_BYTES_PER_SECOND}\n")
    program = internet.run(home, [f"{options.bin}/potok", "console", "--data-dir", f"{dir}/{name}", "--name", name,
                                  "--tracker", f"{TRACKER}:{PORT}", "--keep-sharing"])
    program.ask("whoami", f"{name}\t")
    return program


def play(internet, options, number, row):
    """One row; the way that was taken."""
    at_alice, at_bob, expected = row
    dir = f"{options.dir}/{number}"
    os.makedirs(dir)
    before = len(internet.spaces)
    tracker = f"{internet.name}-t"
    internet.space(tracker)
    internet.plug(tracker, "eth0", 1, (4, 6))
    internet.run(tracker, [f"{options.bin}/potok-tracker", "--data-dir", f"{dir}/tracker", "--listen", f"[::]:{PORT}"]).hear("listening on ")
    homes = [internet.home(kind, home) for kind, home in ((at_alice, FIRST_HOME), (at_bob, SECOND_HOME))]
    for kind, home in ((at_alice, FIRST_HOME), (at_bob, SECOND_HOME)):
        if kind == "firewall":
            internet.tell(home)
    alice, bob = (console(internet, options, name, home, dir) for name, home in zip(("alice", "bob"), homes))
    with open(f"{dir}/film.bin", "wb") as out:
        out.write(random.Random(number).randbytes(FILE_BYTES))
    alice.ask(f'register "{dir}/film.bin"', "shared\tfilm.bin\t")
    began = time.monotonic()
    since = bob.say(f'download alice film.bin "{dir}/copy.bin"')
    taken, first = None, None
    while time.monotonic() - began < SECONDS_MAX and not os.path.exists(f"{dir}/copy.bin"):
        heard = len(alice.lines)
        alice.say("transfers\nwhoami")
        alice.hear("alice\t", heard)
        rows = [line for _, line in alice.lines[heard:] if re.match("\\d+\tupload\t", line)]
        if rows:
            taken, first = taken or rows[0].split("\t")[-1], first or time.monotonic() - began
        time.sleep(0.1)
    bob.hear("downloaded\t", since)
    if not filecmp.cmp(f"{dir}/film.bin", f"{dir}/copy.bin", shallow=False):
        raise SystemExit(f"homes: {at_alice} and {at_bob}: not the file that was shared")
    if taken != expected:
        raise SystemExit(f"homes: {at_alice} and {at_bob}: {taken}, not {expected}")
    print(f"homes: from {at_alice} to {at_bob}: {taken}, under way after {first:.1f} s", flush=True)
    internet.clear(before)


def show(options):
    for program in ("ip", "nft"):
        if not shutil.which(program):
            sys.exit(f"'{program}' is not installed: apt-get install iproute2 nftables")
    with Internet() as internet:
        for number, row in enumerate(ROWS):
            if not options.rows or str(number) in options.rows:
                play(internet, options, number, row)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/debug")
    parser.add_argument("--dir", default=f"/dev/shm/potok-homes-{os.getpid()}")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="numbers of rows, from 0; none: all")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("tests/homes.py must be run as root: it makes network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    try:
        show(options)
    finally:
        shutil.rmtree(options.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
