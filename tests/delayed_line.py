#!/usr/bin/env python3
"""A line of some length between two network namespaces: what goes in at one end comes out at the other some milliseconds later.

    tests/delayed_line.py NAMESPACE DEVICE NAMESPACE DEVICE MILLISECONDS

Each end is a tap device, made here; packets wait in this program, in their order. It says `ready` and runs until it is ended.
Kernels can do this themselves (netem), where they were built with it.
"""
import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
# Checksums and segments are left to whoever is behind: a gigabit a second is a few thousand packets then.
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN = 1, 2, 4, 8
PACKET_BYTES_MAX = 1 << 17
# Packets that wait at one end; a line that holds more than this loses some, as any does.
PACKETS_MAX = 100_000


def end(namespace, device):
    """The descriptor of a new tap device in a namespace."""
    with open(f"/run/netns/{namespace}") as there:
        if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH14x", device.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
    return tap


def carry(ends, seconds):
    others, waiting = {ends[0]: ends[1], ends[1]: ends[0]}, collections.deque()
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, out, packet = waiting.popleft()
            try:
                os.write(out, packet)
            except OSError:
                pass  # The other end is down, or full: the packet is lost.
        until = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for tap in select.select(ends, [], [], until)[0]:
            try:
                packet = os.read(tap, PACKET_BYTES_MAX)
            except OSError:
                continue
            if len(waiting) < PACKETS_MAX:
                waiting.append((time.monotonic() + seconds, others[tap], packet))


def main():
    one, device, other, other_device, milliseconds = sys.argv[1:]
    ends = (end(one, device), end(other, other_device))
    print("ready", flush=True)
    carry(ends, float(milliseconds) / 1000)


if __name__ == "__main__":
    main()
