#!/usr/bin/env python3
"""Two computers in one room without the Internet, in network namespaces: who finds whom, and what strangers hear.

    tests/nearby.py [--bin target/debug]

alice hosts a network and shares; bob, whose computer is on the same switch, types no address: `nearby` lists the network, and
what it prints is what `--tracker` takes. What must hold: the file that bob downloads is the one that was shared, and nothing
that is heard in the room names alice, bob or their keys.

Needs Linux, root, iproute2 and Python 3.9.
"""
import argparse
import filecmp
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading

from networks import PORT, ROOT, Program, ip

FILE_BYTES = 1_500_000
MULTICAST, MDNS_PORT = "224.0.0.251", 5353


class Room:
    """A switch, and computers on it."""

    def __init__(self):
        self.name, self.spaces, self.programs = f"room-{os.getpid()}", [], []

    def __enter__(self):
        self.space(self.name)
        ip("-n", self.name, "link", "add", "name", "switch", "type", "bridge", "mcast_snooping", "0")
        ip("-n", self.name, "link", "set", "switch", "up")
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.stop()
        for name in reversed(self.spaces):
            ip("netns", "delete", name)

    def space(self, name):
        ip("netns", "add", name)
        self.spaces.append(name)
        ip("-n", name, "link", "set", "lo", "up")

    def computer(self, number):
        name = f"{self.name}-c{number}"
        self.space(name)
        line = f"line{number}"
        ip("-n", self.name, "link", "add", "name", line, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("-n", self.name, "link", "set", line, "master", "switch", "up")
        ip("-n", name, "address", "add", f"192.168.7.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        return name

    def potok(self, computer, bin, dir, name, *words):
        program = Program(["ip", "netns", "exec", computer, f"{bin}/potok", "console", "--data-dir", f"{dir}/{name}",
                           "--name", name, "--keep-sharing", *words])
        self.programs.append(program)
        return program


def listen(computer):
    """What a stranger in the room hears, from a process of its own in a namespace."""
    code = (f"import socket,struct,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
            f"s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(('',{MDNS_PORT}))\n"
            f"s.setsockopt(socket.IPPROTO_IP,socket.IP_ADD_MEMBERSHIP,socket.inet_aton('{MULTICAST}')+socket.inet_aton('192.168.7.9'))\n"
            "while True: sys.stdout.buffer.write(s.recv(9000)); sys.stdout.buffer.flush()")
    stranger = subprocess.Popen(["ip", "netns", "exec", computer, sys.executable, "-c", code], stdout=subprocess.PIPE)
    heard = bytearray()
    threading.Thread(target=lambda: [heard.extend(part) for part in iter(lambda: stranger.stdout.read1(9000), b"")], daemon=True).start()
    return stranger, heard


def show(options):
    with Room() as room:
        at_alice, at_bob, at_stranger = (room.computer(number) for number in (1, 2, 9))
        stranger, heard = listen(at_stranger)
        try:
            with open(f"{options.dir}/film.bin", "wb") as out:
                out.write(random.Random(7).randbytes(FILE_BYTES))
            alice = room.potok(at_alice, options.bin, options.dir, "alice-in-the-room", "--host-tracker", f"[::]:{PORT}")
            alice.ask(f'register "{options.dir}/film.bin"', "shared\tfilm.bin\t")
            key = alice.ask("whoami", "alice-in-the-room\t")[1].split("\t")[-1].strip()
            found = subprocess.run(["ip", "netns", "exec", at_bob, f"{options.bin}/potok", "console", "--data-dir",
                                    f"{options.dir}/bob-in-the-room", "--name", "bob-in-the-room", "-c", "nearby"],
                                   check=True, capture_output=True, text=True).stdout
            network = re.fullmatch(r"Potok\t(potok://192\.168\.7\.1:\d+/\?key=[0-9a-f]{64})\n", found)
            if not network:
                sys.exit(f"nearby: what is found: {found!r}")
            bob = room.potok(at_bob, options.bin, options.dir, "bob-in-the-room", "--tracker", network.group(1))
            bob.ask("whoami", "bob-in-the-room\t")
            since = bob.say(f'download alice-in-the-room film.bin "{options.dir}/copy.bin"')
            bob.hear("downloaded\t", since)
            if not filecmp.cmp(f"{options.dir}/film.bin", f"{options.dir}/copy.bin", shallow=False):
                sys.exit("nearby: not the file that was shared")
        finally:
            stranger.kill()
        if b"_potok" not in heard or b"_potok-peer" not in heard:
            sys.exit("nearby: the stranger heard nothing")
        for secret in (b"in-the-room", key.encode(), bytes.fromhex(key), socket.gethostname().encode()):
            if secret and secret in heard:
                sys.exit(f"nearby: a stranger heard {secret!r}")
        print(f"nearby: found, joined and downloaded without an address; a stranger heard {len(heard)} bytes and no name", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/debug")
    parser.add_argument("--dir", default=f"/dev/shm/potok-nearby-{os.getpid()}")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("tests/nearby.py must be run as root: it makes network namespaces")
    os.makedirs(options.dir)
    try:
        show(options)
    finally:
        shutil.rmtree(options.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
