#!/usr/bin/python3
"""The window through the eyes of a screen reader: what it says on every page, and a whole download done by that alone.

    tests/screen_reader.py [--bin target/debug] [--tree]

A person shares a file in a console and hosts the network. The window is another's: it is found on the bus of assistive
programs (AT-SPI), and nothing but that is used: its names, roles and values are read, its actions are done, its fields are
filled in. No mouse, no key. What must hold:

pages     every page can be opened, and whatever can be acted on in it has a name and a role of its own.
download  the invite is written into its field, a file is found, fetched and seen as finished; it is the right one.

`--tree` prints every page as it is read. Needs Xvfb, openbox, a session bus and Debian's python3-pyatspi, which is why this
is run by the system's own Python.
"""
import argparse
import filecmp
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = ["Browse", "Transfers", "Shared", "People", "Network", "Console", "Settings"]
# What a person acts on; each must say what it is.
CONTROLS = {"push button", "toggle button", "check box", "radio button", "entry", "page tab", "combo box", "slider", "link",
            "menu item", "table row", "table cell", "column header", "spin button"}
# What takes longer than this hangs.
SECONDS_MAX = 60
LOOK_EVERY_SECONDS = 0.2


class Desktop:
    """An X server with a window manager, a session bus, and a reader switched on."""

    def __init__(self, dir):
        self.processes = []
        home = f"{dir}/home"
        os.makedirs(home, mode=0o700)
        os.environ.pop("WAYLAND_DISPLAY", None)
        os.environ.update({name: home for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")})
        os.environ.update(LANG="C.UTF-8", GSETTINGS_BACKEND="memory")
        os.environ["DISPLAY"] = ":" + self.first_line("Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
        self.start("openbox")
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = self.first_line("dbus-daemon", "--session", "--nofork", "--print-address=1")
        subprocess.run(["gdbus", "call", "--session", "--dest", "org.a11y.Bus", "--object-path", "/org/a11y/bus", "--method",
                        "org.freedesktop.DBus.Properties.Set", "org.a11y.Status", "ScreenReaderEnabled", "<true>"],
                       check=True, stdout=subprocess.DEVNULL)

    def start(self, *argv, **more):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, **more)
        self.processes.append(process)
        return process

    def first_line(self, *argv):
        return self.start(*argv, stdout=subprocess.PIPE).stdout.readline().strip()

    def end(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class Reader:
    """A window as it is told to assistive programs."""

    def __init__(self, name):
        import pyatspi
        self.pyatspi, self.name = pyatspi, name

    def nodes(self):
        """All that is in the window, each with what it says."""
        found = []

        def walk(node, depth):
            try:
                found.append((depth, node.getRoleName(), node.name or "", node))
                for number in range(node.childCount):
                    if child := node.getChildAtIndex(number):
                        walk(child, depth + 1)
            except Exception as gone:  # What is read may be drawn anew at this moment.
                if "org.freedesktop.DBus" not in str(gone) and "atspi_error" not in str(gone):
                    raise

        for program in self.pyatspi.Registry.getDesktop(0):
            if program is not None and program.name == self.name:
                walk(program, 0)
        return found

    def find(self, what, fits):
        end = time.monotonic() + SECONDS_MAX
        while True:
            for _, role, name, node in (nodes := self.nodes()):
                if fits(role, name):
                    return node
            if time.monotonic() > end:
                raise SystemExit(f"screen reader: in vain: {what}; it says:\n{told(nodes)}")
            time.sleep(LOOK_EVERY_SECONDS)

    def press(self, label, roles=CONTROLS):
        node = self.find(f"{label!r}, to be pressed", lambda role, name: name.strip() == label and role in roles)
        node.queryAction().doAction(0)

    def fill_in(self, label, text):
        node = self.find(f"the field {label!r}", lambda role, name: role == "entry" and name == label)
        node.queryEditableText().setTextContents(text)

    def wait_for(self, pattern):
        self.find(pattern, lambda _, name: re.search(pattern, name))


def told(nodes):
    return "\n".join(f"{'  ' * depth}{role} {name!r}" for depth, role, name, _ in nodes)


def look_at(reader, page, prints):
    reader.press(page, {"page tab"})
    time.sleep(1)
    nodes = reader.nodes()
    if prints:
        print(f"-- {page}\n{told(nodes)}")
    nameless = [role for _, role, name, _ in nodes if role in CONTROLS | {"frame", "label"} and not name.strip()]
    if nameless:
        raise SystemExit(f"screen reader: on {page} these have no name: {nameless}\n{told(nodes)}")
    # A character of the font of icons is a picture; read out it is nothing.
    drawn = [name for _, _, name, _ in nodes if any(unicodedata.category(letter) == "Co" for letter in name)]
    if drawn:
        raise SystemExit(f"screen reader: on {page} pictures are read out: {drawn}\n{told(nodes)}")
    controls = sum(role in CONTROLS for _, role, _, _ in nodes)
    print(f"screen reader: {page}: {len(nodes)} things, {controls} to act on, all named", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/debug")
    parser.add_argument("--tree", action="store_true", help="print every page as it is read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="potok-reader-", ignore_cleanup_errors=True) as dir:
        desktop = Desktop(dir)
        try:
            play(desktop, options, dir)
        finally:
            desktop.end()


def play(desktop, options, dir):
    film, copy = f"{dir}/Изглед от Витоша.bin", f"{dir}/downloads/Изглед от Витоша.bin"
    os.makedirs(f"{dir}/downloads")
    with open(film, "wb") as out:
        out.write(random.Random(1).randbytes(3_000_000))
    anna = subprocess.Popen([f"{options.bin}/potok", "console", "--data-dir", f"{dir}/anna", "--name", "anna", "--host-tracker",
                             "127.0.0.1:0", "--listen", "127.0.0.1:0", "--keep-sharing"], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    desktop.processes.append(anna)
    anna.stdin.write(f'register "{film}"\ninvite\n')
    anna.stdin.flush()
    while not (invite := anna.stdout.readline().strip()).startswith("potok://"):
        if not invite:
            raise SystemExit("screen reader: the console ended early")

    os.makedirs(f"{dir}/boris")
    with open(f"{dir}/boris/config.toml", "w") as config:
        config.write(f'name = "boris"\nlanguage = "en"\nlisten = "127.0.0.1:0"\ndownload_folder = "{dir}/downloads"\n')
    desktop.start(f"{options.bin}/potok", "--data-dir", f"{dir}/boris")
    reader = Reader("potok")
    reader.fill_in("Paste the invite or address", invite)
    reader.press("Join")
    reader.wait_for("^Connected|Connected$")
    reader.press("Browse", {"page tab"})
    reader.press("Изглед от Витоша.bin")
    reader.press("Download")
    end = time.monotonic() + SECONDS_MAX
    while not os.path.exists(copy):
        if time.monotonic() > end:
            raise SystemExit(f"screen reader: the file does not come; it says:\n{told(reader.nodes())}")
        time.sleep(LOOK_EVERY_SECONDS)
    if not filecmp.cmp(film, copy, shallow=False):
        raise SystemExit("screen reader: not the file that was shared")
    reader.press("Transfers", {"page tab"})
    reader.wait_for("Finished")
    print("screen reader: joined, found a file, fetched it and was told that it is here", flush=True)
    for page in PAGES:
        look_at(reader, page, options.tree)


if __name__ == "__main__":
    main()
