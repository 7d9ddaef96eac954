#!/usr/bin/env python3
"""Two computers in one room without the Internet, in network namespaces: who finds whom, and what strangers hear.

    tests/nearby.py [--bin target/debug]

alice hosts a network and shares; bob, whose computer is on the same switch, types no address: `nearby` lists the network, and
what it prints is what `--tracker` takes. What must hold: the file that bob downloads is the one that was shared, and nothing
that is heard in the room names alice, bob or their keys.

Needs Linux, root, iproute2 and Python 3.9.
"""
import filecmp
import os
import random
import re
import socket
import subprocess
import sys
import threading

from namespaces import PORT, Namespaces, ip, need_programs
from processes import folder, options_of

FILE_BYTES = 1_500_000
MULTICAST, MDNS_PORT = "224.0.0.251", 5353


class Room(Namespaces):
    """A switch, and computers on it."""

    # It passes on what is said to all, as one that cannot tell groups apart.
    SWITCH = ("mcast_snooping", "0")

    def computer(self, number):
        name, line = f"{self.name}-c{number}", f"line{number}"
        self.space(name)
        self.cable(self.name, line, name, "eth0")
        self.plug_in(line)
        ip("-n", name, "address", "add", f"192.168.7.{number}/24", "dev", "eth0")
        return name


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
    with Room("room") as room:
        at_alice, at_bob, at_stranger = (room.computer(number) for number in (1, 2, 9))
        stranger, heard = listen(at_stranger)
        try:
            with open(f"{options.dir}/film.bin", "wb") as out:
                out.write(random.Random(7).randbytes(FILE_BYTES))
            alice = room.console(at_alice, options.bin, options.dir, "alice-in-the-room", "--host-tracker", f"[::]:{PORT}")
            alice.ask(f'register "{options.dir}/film.bin"', "shared\tfilm.bin\t")
            key = alice.ask("whoami", "alice-in-the-room\t")[1].split("\t")[-1].strip()
            found = room.execute(at_bob, f"{options.bin}/potok", "console", "--data-dir", f"{options.dir}/bob-in-the-room",
                                 "--name", "bob-in-the-room", "-c", "nearby", capture_output=True, text=True).stdout
            network = re.fullmatch(r"Potok\t(potok://192\.168\.7\.1:\d+/\?key=[0-9a-f]{64})\n", found)
            if not network:
                sys.exit(f"nearby: what is found: {found!r}")
            bob = room.console(at_bob, options.bin, options.dir, "bob-in-the-room", "--tracker", network.group(1))
            bob.ask("whoami", "bob-in-the-room\t")
            since = bob.say(f'download alice-in-the-room film.bin "{options.dir}/copy.bin"')
            bob.hear("downloaded\t", since)
            if not filecmp.cmp(f"{options.dir}/film.bin", f"{options.dir}/copy.bin", shallow=False):
                sys.exit("nearby: not the file that was shared")
        finally:
            stranger.kill()
        # A label begins with its length.
        for announced in (b"\x06_potok", b"\x0b_potok-peer"):
            if announced not in heard:
                sys.exit(f"nearby: the stranger did not hear {announced!r}: what it hears shows nothing")
        for secret in (b"in-the-room", key.encode(), bytes.fromhex(key), socket.gethostname().encode()):
            if secret and secret in heard:
                sys.exit(f"nearby: a stranger heard {secret!r}")
        print(f"nearby: found, joined and downloaded without an address; a stranger heard {len(heard)} bytes and no name", flush=True)


def main():
    options = options_of(__doc__, "nearby").parse_args()
    need_programs("ip")
    with folder(options.dir):
        show(options)


if __name__ == "__main__":
    main()
