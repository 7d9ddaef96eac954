"""Potok itself, by its console."""
import subprocess
import threading
import time

from harness import RECEIVER, SENDER, drain
from peers.measure import Side
from peers.programs import Program, program


@program
class Potok(Program):
    """The receiving program is up, as Syncthing and qBittorrent are."""
    name, loads = "Potok", ("file", "small")
    encrypted, verified = "TLS 1.3, both sides", "BLAKE3, each block"
    tracker = f"{SENDER}:7300"
    rounds = 0

    def version(self):
        return self.bench.version()

    def start(self, payload):
        self.hub = Side(self.sender.environment, f"{self.state}/tracker.log")
        self.start_tracker()
        self.share_seconds = self.share(payload)

    def start_tracker(self):
        argv = [f"{self.bench.bin}/potok-tracker", "--listen", self.tracker, "--data-dir", f"{self.state}/tracker"]
        tracker = self.hub.start(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        tracker.stdout.readline()
        threading.Thread(target=drain, args=(tracker.stdout,), daemon=True).start()

    def console(self, side, name, listen, *more, **options):
        return side.start([f"{self.bench.bin}/potok", "console", "--data-dir", f"{self.state}/{name}", "--name", name,
                           "--tracker", self.tracker, "--listen", listen, *more], **options)

    def share(self, payload, name="alice", listen=f"{SENDER}:7301"):
        """Seconds from the command until it is announced, the program being up."""
        console = self.console(self.sender, name, listen, "--keep-sharing", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
        said(console, "list-users", f"{name}\t")
        since = time.monotonic()
        said(console, f'register "{payload.path}"\nlist-users', f"{name}\t")
        seconds = time.monotonic() - since
        threading.Thread(target=drain, args=(console.stdout,), daemon=True).start()
        return seconds

    def prepare(self, payload):
        super().prepare(payload)
        self.receiver.stop()
        self.newcomer()
        self.process = self.console(self.receiver, self.name_of_receiver, f"{RECEIVER}:7302", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        said(self.process, "list-users", "alice\t")
        # As with the others that are up: they have heard of each other.
        time.sleep(1)

    def newcomer(self):
        """Somebody else each time, who has downloaded nothing yet: a name belongs to the key that had it first."""
        self.rounds += 1
        self.name_of_receiver = f"bob{self.rounds}"

    def download(self, payload):
        what = f"{payload.leaf}/" if payload.files else payload.leaf
        return f'download alice "{what}" "{self.target}"'

    def begin(self, payload):
        self.process.stdin.write(f"{self.download(payload)} --wait\nlist-users\n".encode())
        self.process.stdin.flush()

    def wait(self, payload):
        said(self.process, "", "alice\t")

    def stop(self):
        super().stop()
        self.hub.stop()


@program
class PotokCommand(Potok):
    """The program is started for it and ends with it, as curl and aria2 do."""
    name, loads = "Potok, one command", ("file", "small", "resume")

    def prepare(self, payload):
        Program.prepare(self, payload)
        self.newcomer()

    def begin(self, payload):
        self.process = self.console(self.receiver, self.name_of_receiver, f"{RECEIVER}:7302", "-c", self.download(payload))

    def wait(self, payload):
        Program.wait(self, payload)


def said(console, commands, record):
    """Says something and waits for a line that begins so."""
    if commands:
        console.stdin.write(f"{commands}\n".encode())
        console.stdin.flush()
    while not (line := console.stdout.readline()).startswith(record.encode()):
        if not line:
            raise RuntimeError("a console ended early")
