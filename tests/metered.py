#!/usr/bin/python3
"""Two consoles and a tracker on a computer whose NetworkManager says that the way to the Internet is metered, or is not.

    tests/metered.py [--bin target/debug]

NetworkManager is played by this script, on a bus of its own, in a network namespace where everybody has an address of the Internet
and one of a local network. What must hold:

metered   a download that is under way rests as soon as it is said, and `status` says why.
go on     `resume` lets it go on all the same, on the side of who fetches.
sending   whoever shares over such a line sends nothing, and the rest comes by itself when it is not metered any more.
nearby    people in the same local network fetch and send all the same.
setting   without `pause_while_metered = true` nothing rests.
none      without NetworkManager nothing is known, and nothing rests.

Needs Linux, iproute2, dbus-daemon and Debian's python3-gi, which is why this is run by the system's own Python. Nobody need be root.
"""
import filecmp
import os
import re
import subprocess
import sys
import threading
import time

from gi.repository import Gio, GLib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from processes import SECONDS_MAX, Program, folder, options_of, stop

NAME, PATH = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
INTERFACE = """<node><interface name="org.freedesktop.NetworkManager"><property name="Metered" type="u" access="read"/></interface></node>"""
# Addresses of this computer, as people of the Internet and of a local network reach it.
FAR, NEAR = "198.51.100.9", "10.77.0.1"
# NMMetered.
YES, NO, GUESS_YES = 1, 2, 3
FILE_BYTES = 40 << 20
# Says that this runs in a namespace of its own.
NAMESPACE = "POTOK_METERED_NAMESPACE"
# So slow that it is under way for long.
BYTES_A_SECOND = 4 << 20


class NetworkManager:
    """What of it is asked."""

    def __init__(self, address):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.bus, self.metered = Gio.DBusConnection.new_for_address_sync(address, flags, None, None), NO
        interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
        self.bus.register_object(PATH, interface, None, lambda *_: GLib.Variant("u", self.metered), None)
        Gio.bus_own_name_on_connection(self.bus, NAME, Gio.BusNameOwnerFlags.NONE, None, None)
        threading.Thread(target=GLib.MainLoop().run, daemon=True).start()

    def say(self, metered):
        self.metered = metered
        changed = GLib.Variant("(sa{sv}as)", (NAME, {"Metered": GLib.Variant("u", metered)}, []))
        self.bus.emit_signal(None, PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", changed)


def start_bus():
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True)
    return bus, bus.stdout.readline().strip()


def console(options, invite, name, has_bus, *settings):
    """A console that is told by NetworkManager, or has no bus of the system."""
    data = f"{options.dir}/{name}"
    os.makedirs(data, exist_ok=True)
    with open(f"{data}/config.toml", "w") as config:
        config.write("".join(f"{line}\n" for line in settings))
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = options.bus if has_bus else "unix:path=/nowhere"
    program = Program([f"{options.bin}/potok", "console", "--data-dir", data, "--name", name, "--tracker", invite,
                       "--listen", "0.0.0.0:0", "--keep-sharing"])
    program.whoami = f"{name}\t"
    program.ask("whoami", program.whoami)
    return program


def until_metered(program, metered):
    """Until `status` says so."""
    while program.ask("status", "metered\t")[1] != f"metered\t{metered}":
        time.sleep(0.05)


def until_file(path, like):
    until = time.monotonic() + SECONDS_MAX
    while not os.path.exists(path):
        if time.monotonic() > until:
            raise SystemExit(f"metered: {path} does not come")
        time.sleep(0.05)
    same(like, path)


def until_state(program, state):
    """Until its only transfer is in this state; its line."""
    while True:
        heard = program.say("transfers")
        # What is said before this answer is the list.
        program.ask("whoami", program.whoami)
        for line in (line for _, line in program.lines[heard:]):
            words = line.split("\t")
            if len(words) > 7 and words[7] == "large.bin" and words[2] == state:
                return words


def same(one, other):
    if not filecmp.cmp(one, other, shallow=False):
        raise SystemExit(f"metered: {other} is not {one}")


def main():
    options = options_of(__doc__, "metered").parse_args()
    if NAMESPACE not in os.environ:
        os.environ[NAMESPACE] = "own"
        os.execvp("unshare", ["unshare", "--map-root-user", "--net", sys.executable, *sys.argv])
    for words in (["link", "set", "lo", "up"], ["address", "add", f"{FAR}/32", "dev", "lo"], ["address", "add", f"{NEAR}/24", "dev", "lo"]):
        subprocess.run(["ip", *words], check=True)
    with folder(options.dir):
        bus, options.bus = start_bus()
        programs = []
        try:
            run(options, NetworkManager(options.bus), programs)
        finally:
            for program in reversed(programs):
                program.stop()
            stop(bus)


def run(options, manager, programs):
    tracker = Program([f"{options.bin}/potok-tracker", "--listen", "0.0.0.0:0", "--data-dir", f"{options.dir}/tracker"])
    programs.append(tracker)
    port = tracker.hear("listening on ")[1].rsplit(":", 1)[1]
    invite = tracker.hear("potok://")[1]

    def start(name, has_bus, *settings, at=FAR):
        # Where one joins is where others see one; and who is far hears nothing of the local network, where all are too.
        if at == FAR:
            settings += ("local_discovery = false", "tell_local_addresses = false")
        programs.append(console(options, re.sub("//[^/]*/", f"//{at}:{port}/", invite), name, has_bus, *settings))
        return programs[-1]

    large = f"{options.dir}/large.bin"
    with open(large, "wb") as out:
        out.write(os.urandom(FILE_BYTES))
    slow, rests = f"download_bytes_per_second = {BYTES_A_SECOND}", "pause_while_metered = true"
    anna = start("anna", False)
    anna.ask(f"register {large}", "shared\tlarge.bin\t")
    until_metered(anna, "unknown")
    print("metered: none: without NetworkManager nothing is known", flush=True)

    boris = start("boris", True, slow, rests)
    until_metered(boris, "no")
    heard = boris.say(f"download anna large.bin {options.dir}/boris.bin")
    until_state(anna, "running")
    manager.say(YES)
    boris.hear("warning: .*metered", heard)
    # A console attends to its download alone; one that is started again has it in its queue.
    boris.stop()
    boris = start("boris", True, rests)
    until_metered(boris, "yes")
    number = until_state(boris, "metered")[0]
    print("metered: metered: what was under way rests", flush=True)
    boris.say(f"resume {number}")
    until_file(f"{options.dir}/boris.bin", large)
    boris.stop()
    print("metered: go on: by the word of a person", flush=True)

    anna.stop()
    manager.say(NO)
    anna, carol = start("anna", True, rests), start("carol", False, slow)
    heard = carol.say(f"download anna large.bin {options.dir}/carol.bin")
    until_state(anna, "running")
    manager.say(GUESS_YES)
    carol.hear("warning: .*does not send", heard)
    until_state(anna, "metered")
    manager.say(NO)
    carol.hear("downloaded\t", heard)
    same(large, f"{options.dir}/carol.bin")
    print("metered: sending: nothing meanwhile, the rest by itself", flush=True)

    for person in (anna, carol):
        person.stop()
    manager.say(YES)
    anna, boris = start("anna", True, rests, at=NEAR), start("boris", True, rests, at=NEAR)
    for person in (anna, boris):
        until_metered(person, "yes")
    boris.ask(f"download anna large.bin {options.dir}/nearby.bin", "downloaded\t")
    same(large, f"{options.dir}/nearby.bin")
    boris.stop()
    print("metered: nearby: who is in the same local network", flush=True)

    anna.stop()
    anna, carol = start("anna", True), start("carol", False)
    until_metered(anna, "yes")
    carol.ask(f"download anna large.bin {options.dir}/again.bin", "downloaded\t")
    print("metered: setting: who wants nothing to rest", flush=True)


if __name__ == "__main__":
    main()
