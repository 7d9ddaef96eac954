"""One side of a transfer as the kernel sees it: processor time, memory, bytes on the wire; and what is transferred."""
import os
import select
import signal
import subprocess
import threading
import time

from harness import SENDER, die_with_parent

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_EVERY_SECONDS = 1.0


def family(root):
    """A process and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """Of a live process and of the children that it has waited for."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS


def memory_kib(pid):
    """Resident now, and at most."""
    now = most = 0
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    now = int(line.split()[1])
                elif line.startswith("VmHWM:"):
                    most = int(line.split()[1])
    except OSError:
        pass
    return now, most


def wire_bytes():
    """Sent over this namespace's loopback device."""
    with open("/proc/net/dev") as devices:
        return next(int(line.split(":")[1].split()[8]) for line in devices if line.strip().startswith("lo:"))


class Side:
    """One end of a transfer: any number of processes, measured together."""

    def __init__(self, environment, log):
        self.environment, self.log = environment, log
        self.live = {}
        self.ended_cpu = 0.0
        self.peak_kib = 0
        self.known, self.known_roots, self.looked = [], set(), 0.0
        self.lock = threading.Lock()

    def start(self, argv, **options):
        if "stdout" not in options:
            options["stdout"], options["stderr"] = open(self.log, "ab"), subprocess.STDOUT
        options.setdefault("stdin", subprocess.DEVNULL)
        environment = {**self.environment, **options.pop("environment", {})}
        process = subprocess.Popen(argv, env=environment, start_new_session=True, preexec_fn=die_with_parent, **options)
        with self.lock:
            self.live[process.pid] = process
        return process

    def wait(self, process, seconds=900):
        """Waits for its end; what it used joins the total."""
        descriptor = os.pidfd_open(process.pid)
        try:
            if not select.select([descriptor], [], [], seconds)[0]:
                raise TimeoutError(f"{process.args[0]} still runs after {seconds} s")
        finally:
            os.close(descriptor)
        with self.lock:
            if process.pid in self.live:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.ended_cpu += usage.ru_utime + usage.ru_stime
                del self.live[process.pid]
        return process.returncode

    def ended(self, process):
        alive = process.pid in self.live
        return not alive or os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill(self, process, how=signal.SIGKILL):
        """A process of ours and, if killed, everything it started."""
        if process.pid not in self.live:
            return
        for pid in reversed(family(process.pid)) if how == signal.SIGKILL else [process.pid]:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass
        try:
            self.wait(process, 15)
        except TimeoutError:
            self.kill(process)

    def stop(self):
        for process in list(self.live.values()):
            self.kill(process, signal.SIGTERM)

    def cpu(self):
        with self.lock:
            return self.ended_cpu + sum(cpu_seconds(pid) for root in self.live for pid in family(root))

    def sample(self):
        with self.lock:
            # To look for children costs milliseconds, which the transfer would miss.
            if set(self.live) != self.known_roots or time.monotonic() - self.looked > LOOK_EVERY_SECONDS:
                self.known_roots, self.looked = set(self.live), time.monotonic()
                self.known = [pid for root in self.live for pid in family(root)]
            figures = [memory_kib(pid) for pid in self.known]
            # The most of several processes was not at the same moment: their sum now counts.
            most = figures[0][1] if len(figures) == 1 else sum(now for now, _ in figures)
            self.peak_kib = max(self.peak_kib, most)

    def forget_peak(self):
        self.peak_kib = 0
        for root in list(self.live):
            for pid in family(root):
                try:
                    with open(f"/proc/{pid}/clear_refs", "w") as file:
                        file.write("5")  # resets VmHWM
                except OSError:
                    pass


class Sampler:
    """Looks at the memory of both sides while a transfer runs."""

    def __init__(self, sides):
        self.sides, self.over = sides, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.over.wait(0.1):
            for side in self.sides:
                side.sample()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for side in self.sides:
            side.sample()


class Payload:
    """What is transferred: one file, or many small ones in a folder. Nothing in it can be compressed or is there twice."""

    def __init__(self, bench, size=None, files=None, each=4096):
        self.files, self.each = files, each
        self.bytes = size if files is None else files * each
        self.dir = bench.path("payload", f"many{files}x{each}" if files else f"one{size}")
        self.path = self.dir if files else f"{self.dir}/payload.bin"
        self.leaf = os.path.basename(self.path)

    def names(self):
        return [f"d{number // 100:03}/f{number:06}.bin" for number in range(self.files)]

    def make(self):
        if os.path.exists(f"{self.dir}.ok"):
            return
        os.makedirs(self.dir, exist_ok=True)
        stream = subprocess.Popen(["openssl", "enc", "-aes-128-ctr", "-pass", f"pass:{self.dir}", "-nosalt", "-pbkdf2",
                                   "-in", "/dev/zero"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for path in [f"{self.dir}/{name}" for name in self.names()] if self.files else [self.path]:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                left = self.each if self.files else self.bytes
                while left:
                    piece = stream.stdout.read(min(left, 1 << 22))
                    file.write(piece)
                    left -= len(piece)
        stream.kill()
        stream.wait()
        open(f"{self.dir}.ok", "w").close()

    def same(self, got):
        """Whether what arrived is what was sent; not timed."""
        if not self.files:
            return subprocess.call(["cmp", "-s", self.path, got]) == 0
        for name in self.names():
            with open(f"{self.dir}/{name}", "rb") as sent, open(f"{got}/{name}", "rb") as arrived:
                if sent.read() != arrived.read():
                    return False
        return True


def listening(port, ip=SENDER):
    """Whether somebody listens, without connecting: some serve one connection only."""
    address = f"{''.join(f'{int(part):02X}' for part in reversed(ip.split('.')))}:{port:04X}"
    with open("/proc/net/tcp") as table:
        return any(line.split()[1] == address and line.split()[3] == "0A" for line in table.readlines()[1:])
