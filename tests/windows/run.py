#!/usr/bin/env python3
"""The programs for Windows, run by wine beside those for Linux: a tracker, two consoles, one of them ended in the middle.

    tests/windows/run.py --exe FOLDER [--bin target/debug] [--pictures FOLDER]

What must hold, each part printed as one line:

resources potok.exe has its version and its manifest, though it was made on another system.
exchange  a file and a folder go from a Windows console to another, from Windows to Linux and from Linux to Windows.
resume    a console that is killed in the middle of a file finishes it later, and fetches only what it had not.
names     what Windows cannot hold is refused with its reason, and comes under a changed name if that is asked for; so does what
          differs by case alone; a local name that Windows would read otherwise is refused.
watching  what comes into a shared folder, and below it, is shared within seconds, whatever was shared and stopped there before.
paths     a person sees paths as Explorer shows them, and can name by them what is shared.
second    a second program on the same data folder is told so.
private   keys, and folders that Potok makes, have an access list that leaves others out.
service   the tracker is installed as a service, people meet at it, and it is removed.
window    (with --pictures) the window starts, joins by a link, fetches a file, and shares what *Send to* hands it; what it
          looked like is kept.

`.ci/windows` makes the programs and calls this. Needs wine, and for the window Xvfb, xdotool and ImageMagick's `import`.
"""
import argparse
import contextlib
import filecmp
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from processes import ROOT, SECONDS_MAX, Program

WINE, WINE_SERVER = "/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64"
# So slow that it is killed in the middle.
BYTES_A_SECOND = 4 << 20
LARGE_BYTES = 24 << 20
# A block that was on its way is fetched again, and one whose bytes were not on the disk yet.
FETCHED_AGAIN_MAX = 8 << 20
# Less than the pause after which everything is compared with the disk where not all can be watched: that would prove nothing.
WATCHED_SECONDS_MAX = 20


def windows_path(path):
    """How wine calls a file of this system."""
    return "Z:" + path.replace("/", "\\")


def until(what, holds, seconds_max=SECONDS_MAX):
    end = time.monotonic() + seconds_max
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"windows: in vain: {what}")
        time.sleep(0.05)


class World:
    def __init__(self, options):
        self.options, self.dir, self.programs = options, options.dir, []
        # Its own icacls.exe does nothing; `.ci/windows` puts another one there. Its networks, asked whether they are metered, end
        # the program that asks: they are not there.
        os.environ.update(WINEDEBUG="-all", WINEPREFIX=options.prefix, WINEDLLOVERRIDES="icacls.exe=n;windows.networking=")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.process.kill()
            program.process.wait()

    def run(self, *argv):
        program = Program([*argv])
        self.programs.append(program)
        return program

    def exe(self, name, *words):
        return [WINE, f"{self.options.exe}/{name}.exe", *words]

    def start_tracker(self):
        tracker = self.run(*self.exe("potok-tracker", "--listen", "127.0.0.1:0", "--data-dir", windows_path(f"{self.dir}/tracker")))
        self.address = tracker.hear("listening on ")[1].split()[-1]
        self.invite = tracker.hear("potok://")[1]

    def console_argv(self, name, is_windows):
        data = f"{self.dir}/{name}"
        if not os.path.exists(data):
            os.makedirs(data)
            with open(f"{data}/config.toml", "w") as config:
                config.write(f"download_bytes_per_second = {BYTES_A_SECOND}\n")
        words = ["--name", name, "--tracker", self.invite, "--listen", "127.0.0.1:0", "--keep-sharing"]
        if is_windows:
            return self.exe("potok", "console", "--data-dir", windows_path(data), *words)
        return [f"{self.options.bin}/potok", "console", "--data-dir", data, *words]

    def console(self, name, is_windows):
        console = self.run(*self.console_argv(name, is_windows))
        console.ask("whoami", f"{name}\t")
        return console

    def file(self, name, size):
        path = f"{self.dir}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(random.Random(name).randbytes(size))
        return path


def same(one, other):
    if not filecmp.cmp(one, other, shallow=False):
        raise SystemExit(f"windows: {other} is not {one}")


def same_folder(one, other):
    for folder, _, names in os.walk(one):
        for name in names:
            path = os.path.join(folder, name)
            same(path, os.path.join(other, os.path.relpath(path, one)))


def finished(folder):
    """The files in it. Wine has no streams of a file: the mark of what came from elsewhere is a file beside it."""
    names = (name for _, _, names in os.walk(folder) for name in names)
    return [name for name in names if not name.endswith((".potok-part", ":Zone.Identifier"))]


def resources(world):
    with open(f"{world.options.exe}/potok.exe", "rb") as file:
        program = file.read()
    missing = [what for what in (b"longPathAware", "FileDescription".encode("utf-16-le")) if what not in program]
    if missing:
        raise SystemExit(f"windows: potok.exe is without {missing}")
    print("windows: resources: potok.exe has its version and its manifest", flush=True)


def exchange(world, alice, bob, carol):
    film, trip = world.file("alice-src/film.bin", 3_000_000), f"{world.dir}/alice-src/Trip"
    for n in range(20):
        world.file(f"alice-src/Trip/day {n % 3}/снимка {n}.jpg", 1000 * n)
    # As Explorer's "Copy as path" gives it.
    alice.ask(f'register "{windows_path(film)}"', "shared\tfilm.bin\t")
    alice.ask(f'register "{windows_path(trip)}"', "shared\tTrip/")
    bob.ask(f'download alice film.bin "{windows_path(f"{world.dir}/bob-film.bin")}"', "downloaded\t")
    same(film, f"{world.dir}/bob-film.bin")
    bob.ask(f'download alice Trip/ "{windows_path(f"{world.dir}/bob-trip")}"', "downloaded\t")
    until("the folder is here", lambda: len(finished(f"{world.dir}/bob-trip")) == 20)
    same_folder(trip, f"{world.dir}/bob-trip")
    carol.ask(f'download alice film.bin "{world.dir}/carol-film.bin"', "downloaded\t")
    same(film, f"{world.dir}/carol-film.bin")
    song = world.file("carol-src/песен.flac", 2_000_000)
    carol.ask(f'register "{song}"', "shared\tпесен.flac\t")
    bob.ask(f'download carol песен.flac "{windows_path(f"{world.dir}/bob-песен.flac")}"', "downloaded\t")
    same(song, f"{world.dir}/bob-песен.flac")
    print("windows: exchange: Windows to Windows, to Linux, and back", flush=True)


def resume(world, bob, carol):
    large = world.file("carol-src/large.bin", LARGE_BYTES)
    carol.ask(f'register "{large}"', "shared\tlarge.bin\t")
    target = f"{world.dir}/bob-large.bin"
    before = settled(carol)
    bob.say(f'download carol large.bin "{windows_path(target)}"')
    until("a third is here", lambda: served(carol) - before > LARGE_BYTES // 3)
    bob.process.kill()
    bob.process.wait()
    if os.path.exists(target):
        raise SystemExit("windows: it was killed in the middle, and the file is there")
    first = served(carol) - before
    bob = world.console("bob", True)
    until("the rest is here", lambda: os.path.exists(target))
    same(large, target)
    moved = served(carol) - before
    print(f"windows: resume: {first >> 20} MiB before it was killed, {(moved - first) >> 20} MiB after, of {LARGE_BYTES >> 20}", flush=True)
    if moved > LARGE_BYTES + FETCHED_AGAIN_MAX:
        raise SystemExit("windows: more was fetched again than was on its way")
    return bob


def served(program):
    """Bytes that a Linux program has read, to serve them."""
    with open(f"/proc/{program.process.pid}/io") as io:
        return int(io.readline().split()[1])


def settled(program):
    """The same when it reads hardly any more: a file that is seconds old is read a second time, to be sure of it."""
    read, now = 0, served(program)
    while now - read > 1 << 20:
        time.sleep(4)
        read, now = now, served(program)
    return now


def names_of_vectors():
    """Paths that can be shared, and that no file of Windows can have."""
    read = lambda text: re.sub(r"\\u\{(\w+)\}", lambda code: chr(int(code[1], 16)), text).replace("\\\\", "\\")
    with open(f"{ROOT}/tests/vectors/names-hostile.tsv", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return [read(name) for shared, name, _, refused in rows if shared == "ok" and "windows" in refused.split()]


def names(world, bob, carol):
    wanted = names_of_vectors()
    for number, name in enumerate(wanted):
        world.file(f"carol-src/Odd/{number}/{name}", 100)
    world.file("carol-src/Odd/plain.txt", 100)
    shared = len(carol.lines)
    carol.ask(f'register "{world.dir}/carol-src/Odd"', "shared\tOdd/")
    carol.ask("whoami", "carol\t")
    shared = [line.split("\t")[1] for _, line in carol.lines[shared:] if line.startswith("shared\t")]
    into = f"{world.dir}/bob-odd"
    heard = bob.say(f'download carol Odd/ "{windows_path(into)}"')
    bob.hear("downloaded\t.*plain.txt", heard)
    refused = lambda: [line for _, line in bob.lines[heard:] if line.startswith("error: unsafe-name: ")]
    until("what Windows cannot hold is refused", refused)
    refused = refused()
    heard = bob.say(f'download carol Odd/ "{windows_path(into)}" --rename-unsafe')
    until("all are here", lambda: len(finished(into)) == len(shared))
    same(f"{world.dir}/carol-src/Odd/plain.txt", f"{into}/plain.txt")
    told = lambda: {line.split("\t")[1] for _, line in bob.lines[heard:] if line.startswith("renamed\t")}
    until("all changed names are told", lambda: len(told()) == len(shared) - 1)
    differ_by_case(world, bob, carol)
    for typed in ("CON", "nul.txt", "tail.", "COM¹", "a:b", "what?"):
        bob.ask(f'download carol Odd/plain.txt "{windows_path(world.dir)}\\{typed}"', "error: unsafe-name: ")
    print(f"windows: names: {len(shared) - 1} of {len(wanted)} that Windows cannot hold are shared by Linux: {len(refused)} errors, then all under changed names", flush=True)


def differ_by_case(world, bob, carol):
    for name in ("Makefile", "makefile"):
        world.file(f"carol-src/Case/{name}", 100)
    carol.ask(f'register "{world.dir}/carol-src/Case"', "shared\tCase/")
    into = f"{world.dir}/bob-case"
    bob.ask(f'download carol Case/ "{windows_path(into)}" --rename-unsafe', "renamed\t")
    until("both are here", lambda: len(finished(into)) == 2)
    copies = sorted(open(f"{into}/{name}", "rb").read() for name in finished(into))
    if copies != sorted(open(f"{world.dir}/carol-src/Case/{name}", "rb").read() for name in ("Makefile", "makefile")):
        raise SystemExit("windows: one of two that differ by case was written over the other")


def watching(world, alice, bob):
    """A file is shared by itself, then the folder above it, which Windows watches with all in it; then one of them is stopped, and
    the other is watched on."""
    def comes(local):
        world.file(f"alice-src/Watched/{local}", 1000)
        until(f"{local} is shared", lambda: f"Watched/{local}" in alices_files(bob), WATCHED_SECONDS_MAX)

    single, whole = world.file("alice-src/Watched/below/single.txt", 1000), f"{world.dir}/alice-src/Watched"
    alice.ask(f'register "{windows_path(single)}"', "shared\tsingle.txt\t")
    alice.ask(f'register "{windows_path(whole)}"', "shared\tWatched/")
    comes("first.txt")
    comes("below/second.txt")
    alice.ask("unregister single.txt", "unshared\tsingle.txt")
    comes("below/third.txt")
    alice.ask(f'register "{windows_path(single)}"', "shared\tsingle.txt\t")
    alice.ask("unregister Watched/", "unshared\tWatched/")
    # The folder of the one file is watched by itself again, seconds later.
    os.remove(single)
    until("a file that is gone is not shared", lambda: "single.txt" not in alices_files(bob), WATCHED_SECONDS_MAX)
    print("windows: watching: what comes and goes is heard of", flush=True)


def alices_files(bob):
    """The paths of what alice shares, as bob hears of it."""
    heard = bob.say("list-files alice")
    bob.ask("whoami", "bob\t")
    return [line.rsplit("\t", 1)[-1] for _, line in bob.lines[heard:]]


def paths(world, alice, bob):
    song = world.file("alice-src/a song.flac", 1000)
    alice.ask(f'register "{windows_path(song)}"', "shared\ta song.flac\t")
    # A drive that is away cannot be asked what lies on it.
    os.remove(song)
    alice.ask(f'unregister "{windows_path(song)}"', "unshared\ta song.flac")
    literal = [line for console in (alice, bob) for _, line in console.lines if "\\\\?\\Z:" in line]
    if literal:
        raise SystemExit(f"windows: as no person writes it: {literal[0]}")
    print("windows: paths: as Explorer shows them", flush=True)


def service(world):
    data = f"{world.dir}/service"
    os.makedirs(data)
    with open(f"{data}/config.toml", "w") as config:
        config.write('listen = "127.0.0.1:0"\n')

    def run(*words):
        ran = subprocess.run(world.exe("potok-tracker", *words), capture_output=True, text=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL)
        if ran.returncode != 0:
            raise SystemExit(f"windows: {words}: {ran.returncode} {ran.stderr}")
        return ran.stdout

    def invites():
        logs = (open(f"{data}/{name}", encoding="utf-8").read() for name in os.listdir(data) if name.endswith(".log"))
        return [invite for log in logs for invite in re.findall(r"potok://\S+", log)]

    if "runs, now and from every start" not in (told := run("service", "install", "--data-dir", windows_path(data))):
        raise SystemExit(f"windows: the service: {told}")
    until("the service tells its invite", invites)
    frida = world.run(*world.exe("potok", "console", "--data-dir", windows_path(f"{world.dir}/frida"), "--name", "frida",
                                 "--tracker", invites()[0], "--listen", "127.0.0.1:0", "--keep-sharing"))
    frida.ask("whoami", "frida\t")
    # It is asked while it runs, over a named pipe.
    run("export", "--data-dir", windows_path(data), windows_path(f"{data}/backup.toml"))
    if "frida" not in (backup := open(f"{data}/backup.toml", encoding="utf-8").read()):
        raise SystemExit(f"windows: the running service exports: {backup}")
    if "users" not in (told := run("status", "--data-dir", windows_path(data))):
        raise SystemExit(f"windows: the status of the running service: {told}")
    run("service", "uninstall")
    frida.hear("warning: the tracker .* cannot be reached")
    frida.process.kill()
    print("windows: service: installed, met at, asked, removed", flush=True)


def private(world):
    """Wine keeps of an access list what a mode can say: those who are not named in it are the others."""
    is_open = lambda path: os.stat(f"{world.dir}/{path}").st_mode & 0o007 != 0
    for path in ("alice/identity.key", "bob/identity.key", "tracker", "tracker/identity.key"):
        if is_open(path):
            raise SystemExit(f"windows: others may read {path}")
    if not is_open("alice/potok.redb"):
        raise SystemExit("windows: what has no list of its own is closed to others too: this shows nothing")
    print("windows: private: keys and new folders are closed to others", flush=True)


def second(world):
    again = subprocess.run(world.console_argv("bob", True), capture_output=True, text=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL)
    if not again.stderr.startswith("error: in-use: ") or again.returncode != 1:
        raise SystemExit(f"windows: a second start: {again.returncode} {again.stderr}")
    print("windows: second: a data folder in use is told", flush=True)


class Screen:
    """An X server in memory. The server of wine shows windows where it was started, so this comes first."""

    def __enter__(self):
        self.server = subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        os.environ["DISPLAY"] = f":{self.server.stdout.readline().strip()}"
        subprocess.run([WINE_SERVER, "--kill"], check=False)
        return self

    def __exit__(self, *_):
        subprocess.run([WINE_SERVER, "--kill"], check=False)
        self.server.terminate()
        self.server.wait()

    def do(self, *words):
        subprocess.run(["xdotool", *words], check=True)

    def picture(self, path):
        """A picture of everything once it stands still."""
        before = None
        while (now := subprocess.run(["import", "-window", "root", "rgb:-"], check=True, capture_output=True).stdout) != before:
            before = now
            time.sleep(1)
        subprocess.run(["import", "-window", "root", path], check=True)


def window(world, alice, screen, pictures):
    """By mouse and keyboard: programs under wine have no other door, so this knows where things are."""
    film = f"{world.dir}/alice-src/film.bin"
    data, copy = f"{world.dir}/dora", f"{world.dir}/dora-film.bin"
    os.makedirs(data)
    with open(f"{data}/config.toml", "w") as config:
        config.write('name = "dora"\nlanguage = "en"\ntheme = "light"\nlisten = "127.0.0.1:0"\n')
    program = world.run(*world.exe("potok", "--data-dir", windows_path(data), world.invite))
    until("the window is there", lambda: subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "^Potok$"], capture_output=True).stdout)
    screen.picture(f"{pictures}/windows-link.png")
    screen.do("mousemove", "767", "506", "click", "1")
    screen.picture(f"{pictures}/windows-joined.png")
    screen.do("mousemove", "80", "292", "click", "1")
    screen.picture(f"{pictures}/windows-console.png")
    screen.do("mousemove", "600", "678", "click", "1")
    screen.do("type", "--delay", "30", f'download alice film.bin "{windows_path(copy)}"')
    screen.do("key", "Return")
    until("the window has fetched it", lambda: os.path.exists(copy))
    same(film, copy)
    screen.do("mousemove", "84", "144", "click", "1")
    screen.picture(f"{pictures}/windows-transfer.png")
    sent = world.file("dora-src/изпратено.txt", 1000)
    # As the entry of *Send to* starts it.
    handed = subprocess.run(world.exe("potok", "--data-dir", windows_path(data), "--share", windows_path(sent)), capture_output=True,
                            text=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL)
    if handed.returncode != 0:
        raise SystemExit(f"windows: Send to: {handed.returncode} {handed.stderr}")
    screen.picture(f"{pictures}/windows-send-to.png")
    screen.do("key", "Return")

    def is_shared():
        heard = alice.say("list-files dora")
        alice.ask("whoami", "alice\t")
        return any("изпратено.txt" in line for _, line in alice.lines[heard:])

    until("what was sent to the window is shared", is_shared)
    screen.picture(f"{pictures}/windows-shared.png")
    program.process.kill()
    print("windows: window: joined by a link, fetched a file, shared what was sent to it; see the pictures", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exe", required=True, help="the folder with potok.exe and potok-tracker.exe")
    parser.add_argument("--bin", default=f"{ROOT}/target/debug", help="the folder with the programs for this system")
    parser.add_argument("--prefix", default=os.environ.get("WINEPREFIX"), help="wine's folder, made by `wineboot`")
    parser.add_argument("--pictures", help="also tries the window, and keeps here what it looked like")
    options = parser.parse_args()
    options.exe = os.path.abspath(options.exe)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    screen = Screen() if options.pictures else contextlib.nullcontext()
    with tempfile.TemporaryDirectory(prefix="potok-windows-") as options.dir, World(options) as world, screen:
        resources(world)
        world.start_tracker()
        alice, bob, carol = (world.console(name, is_windows) for name, is_windows in (("alice", True), ("bob", True), ("carol", False)))
        exchange(world, alice, bob, carol)
        bob = resume(world, bob, carol)
        names(world, bob, carol)
        watching(world, alice, bob)
        paths(world, alice, bob)
        second(world)
        private(world)
        service(world)
        if options.pictures:
            window(world, alice, screen, options.pictures)


if __name__ == "__main__":
    main()
