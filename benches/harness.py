"""What every measurement needs: a network of its own, processes that are stopped, clean folders, rows in a file."""
import ctypes
import json
import os
import platform
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{ROOT}/tests")
from processes import stop  # noqa: E402 (found by the line above)

# Two addresses of the loopback device, one a side. BitTorrent clients refuse 127.0.0.x as a peer.
SENDER, RECEIVER = "10.99.0.1", "10.99.0.2"
INSIDE = "POTOK_BENCH_NETWORK"
PAGE = os.sysconf("SC_PAGE_SIZE")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
# A row is called disturbed when others used more of the processors.
OTHERS_MAX = 0.2


class Skip(Exception):
    """What a row needs is not there."""


def parse_size(text):
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1].upper())
    return int(text[:-1]) * unit if unit else int(text)


def median(values):
    return statistics.median(values)


def own_network(congestion):
    """Starts this program anew in a network namespace: nothing reaches outside, the byte counter is ours alone, and the
    congestion control is the first of `congestion` that may be chosen. On loopback, without loss, cubic and reno measure
    alike; a host's default of bbr paces even loopback and halves its rate."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        raise SystemExit("a network of its own needs root, unshare and ip")
    script = (f"ip link set lo up; ip addr add {SENDER}/32 dev lo; ip addr add {RECEIVER}/32 dev lo; "
              f"for name in {' '.join(congestion)}; do "
              "if sysctl -qw net.ipv4.tcp_congestion_control=$name 2>/dev/null; then break; fi; done; exec \"$@\"")
    os.execvpe("unshare", ["unshare", "--net", "--", "sh", "-ec", script, "sh", sys.executable, *sys.argv],
               {**os.environ, INSIDE: "1"})


def congestion_control():
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as file:
        return file.read().strip()


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE
    return {"processors": os.cpu_count(), "model": model, "memory_gib": round(memory / 2**30), "kernel": platform.release(),
            "congestion": congestion_control()}


def raise_descriptors():
    """As many descriptors as allowed: thousands of connections need them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def die_with_parent():
    """For a started process: it ends when this program does, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Bench:
    """One run: its settings, its folder, and the rows it adds to the results."""

    def __init__(self, args):
        self.args = args
        self.dir = args.dir
        self.bin = args.bin
        self.run = args.run
        self.machine = machine()
        self.rows = []
        raise_descriptors()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def fresh(self, name):
        path = self.path(name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def add(self, group, program, figures, version="", **settings):
        """A row: what was measured, of which program, with which settings."""
        row = {"run": self.run, "group": group, "program": program, "version": version, "settings": settings,
               "figures": rounded(figures), "machine": self.machine}
        self.rows.append(row)
        shown = "  ".join(f"{name} {value}" for name, value in row["figures"].items())
        print(f"{group:18} {program:24} {json.dumps(settings) if settings else ''} {shown}", flush=True)

    def measure(self, function, row):
        """Measures one row and keeps it, with how many processors others used meanwhile: it should be near 0."""
        self.rows = []
        since, busy, own = time.monotonic(), busy_seconds(), own_seconds()
        try:
            os.makedirs(self.dir, exist_ok=True)
            function(self, row)
        finally:
            seconds = time.monotonic() - since
            others = max(0.0, busy_seconds() - busy - (own_seconds() - own)) / seconds
            os.makedirs(os.path.dirname(os.path.abspath(self.args.results)), exist_ok=True)
            with open(self.args.results, "a") as out:
                for kept in self.rows:
                    line = {**kept, "seconds": round(seconds, 1), "others": round(others, 2)}
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
            print(f"{'':18} {seconds:.0f} s{f', and others used {others:.1f} processors' if others > OTHERS_MAX else ''}", flush=True)

    def version(self, program="potok"):
        """Of a built program, and the commit that is checked out where it was built."""
        said = subprocess.run([f"{self.bin}/{program}", "--version"], capture_output=True, text=True).stdout.split()[-1]
        commit = subprocess.run(["git", "-C", self.bin, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
        return f"{said} ({commit.strip()})" if commit else said


def busy_seconds():
    """Seconds that all processors have worked."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, *_ = (int(ticks) for ticks in stat.readline().split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """Of this program and of what it has started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def rounded(figures):
    """Four digits are more than a measurement has."""
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in figures.items()}


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


class Processes:
    """Everything a measurement starts, and nothing else, is stopped at its end."""

    def __init__(self):
        self.started = []

    def __enter__(self):
        return self

    def start(self, argv, **options):
        process = subprocess.Popen(argv, preexec_fn=die_with_parent, **options)
        self.started.append(process)
        return process

    def stop(self, process):
        stop(process)

    def __exit__(self, *_):
        for process in reversed(self.started):
            self.stop(process)


def start_tracker(bench, processes, address="127.0.0.1:0", **settings):
    """A tracker with a data folder of its own; `settings` are lines of its configuration."""
    folder = bench.fresh("tracker")
    # Whoever measures has many names and one address.
    # A program of before has not all of them.
    known = subprocess.run([f"{bench.bin}/potok-tracker", "--print-config"], capture_output=True, text=True, check=True).stdout
    for name, value in [("new_names_per_address", 1_000_000), ("shares_per_address", 100_000_000),
                        ("path_bytes_per_address", 10**10), ("path_bytes_in_all", 10**10),
                        ("keyless_shares_per_address", 100_000_000), ("keyless_path_bytes_per_address", 10**10),
                        ("keyless_shares_in_all", 100_000_000)]:
        if f"\n{name} = " in known:
            settings.setdefault(name, value)
    with open(f"{folder}/config.toml", "w") as out:
        out.writelines(f"{name} = {value}\n" for name, value in settings.items())
    tracker = processes.start([f"{bench.bin}/potok-tracker", "--listen", address, "--data-dir", folder],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    address = tracker.stdout.readline().decode().split()[-1]
    threading.Thread(target=drain, args=(tracker.stdout,), daemon=True).start()
    return tracker, address


def drain(stream):
    for _ in stream:
        pass


def wait_until(met, seconds=900, every=0.01, what="condition"):
    end = time.monotonic() + seconds
    while not (result := met()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)
    return result


def wait_for_port(ip, port, seconds=20):
    def is_open():
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((ip, port)) == 0
    wait_until(is_open, seconds, 0.02, f"{ip}:{port}")


class Lines:
    """A plain session with a tracker."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def say(self, text):
        self.socket.sendall(text.encode())

    def answer(self):
        while (line := self.file.readline()).startswith(b"*"):
            pass
        if not line.startswith(b"OK "):
            raise SystemExit(f"the tracker said: {line!r}")
        return [self.file.readline() for _ in range(int(line.split()[1]))]

    def ask(self, text):
        self.say(text + "\n")
        return self.answer()
