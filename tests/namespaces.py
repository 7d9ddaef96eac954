"""Network namespaces: computers of their own within this one, a switch that they may be plugged into, and what runs on them.

Needs Linux, root and iproute2.
"""
import os
import shutil
import subprocess
import sys

from processes import Program

# Where programs listen that nobody else is beside.
PORT = 7000


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def need_programs(*names):
    """Those of this system that make namespaces and what is in them."""
    if os.geteuid() != 0:
        sys.exit("this must be run as root: it makes network namespaces")
    for name in names:
        if not shutil.which(name):
            sys.exit(f"'{name}' is not installed: apt-get install iproute2 nftables miniupnpd-nftables")


class Namespaces:
    """A switch in a namespace of its own, and others beside it. Nothing of it stays."""

    # What the switch is besides.
    SWITCH = ()

    def __init__(self, name):
        self.name, self.spaces, self.programs = f"{name}-{os.getpid()}", [], []

    def __enter__(self):
        self.space(self.name)
        ip("-n", self.name, "link", "add", "name", "switch", "type", "bridge", *self.SWITCH)
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

    def cable(self, one, device, other, other_device):
        ip("-n", one, "link", "add", device, "type", "veth", "peer", "name", other_device, "netns", other)
        ip("-n", one, "link", "set", device, "up")
        ip("-n", other, "link", "set", other_device, "up")

    def plug_in(self, line):
        """Into the switch: one end of a cable that is in its namespace."""
        ip("-n", self.name, "link", "set", line, "master", "switch")

    def unplug(self, line):
        """Nothing passes any more, and neither side is told."""
        ip("-n", self.name, "link", "set", line, "nomaster")

    def execute(self, name, *words, **more):
        """A program that ends by itself, and how it did."""
        return subprocess.run(["ip", "netns", "exec", name, *words], check=True, **more)

    def run(self, name, argv):
        return self.keep(Program(["ip", "netns", "exec", name, *argv]))

    def keep(self, program):
        self.programs.append(program)
        return program

    def stop(self, program):
        self.programs.remove(program)
        program.stop()

    def console(self, space, bin, dir, name, *words):
        """Somebody's console, with a folder of its own."""
        return self.run(space, [f"{bin}/potok", "console", "--data-dir", f"{dir}/{name}", "--name", name, "--keep-sharing", *words])
