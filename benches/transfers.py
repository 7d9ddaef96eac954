"""What moving files costs, beside other programs: S1 to S7."""
import base64
import shutil
import subprocess
import threading
import time

from harness import SENDER, Lines, Skip, drain, median, wait_until
from peers import others, potok  # noqa: F401 (they add themselves to PROGRAMS)
from peers.measure import Payload, Sampler, wire_bytes
from peers.programs import PROGRAMS, Sendfile

# Bytes a second of the slow one of four sources.
SLOW = 5_000_000


def once(subject, payload):
    """One timed transfer."""
    subject.prepare(payload)
    sides = (subject.sender, subject.receiver)
    for side in sides:
        side.forget_peak()
    sent, received, wire = subject.sender.cpu(), subject.receiver.cpu(), wire_bytes()
    since = time.monotonic()
    with Sampler(sides):
        subject.begin(payload)
        subject.wait(payload)
        seconds = time.monotonic() - since
    gigabytes = payload.bytes / 1e9
    figures = {"seconds": seconds, "sending_cpu_s_per_gb": (subject.sender.cpu() - sent) / gigabytes,
               "receiving_cpu_s_per_gb": (subject.receiver.cpu() - received) / gigabytes,
               "wire": (wire_bytes() - wire) / payload.bytes}
    figures["sending_mib"], figures["receiving_mib"] = (side.peak_kib / 1024 for side in sides)
    if not payload.same(subject.got(payload)):
        raise RuntimeError("the copy differs")
    return figures


def middle(runs):
    """Medians; of memory the most."""
    join = {name: max if name.endswith("_mib") else median for name in runs[0]}
    return {name: join[name]([run[name] for run in runs]) for name in runs[0]}


def transfer(bench, name, load, payload):
    """Rounds of one program. Before each round of a large file sendfile moves the same: what fresh memory costs on a
    virtual machine changes within minutes, so only neighbours can be compared. `of_limit` is the median of their ratios.
    """
    cls = PROGRAMS[name]
    if cls.files_max and payload.files and payload.files > cls.files_max:
        payload = Payload(bench, files=cls.files_max, each=payload.each)
    payload.make()
    limit = Sendfile(bench) if load == "file" and cls is not Sendfile else None
    subject = cls(bench)
    runs = []
    try:
        subject.start(payload)
        for _ in range(bench.args.rounds):
            limit_seconds = once(limit, payload)["seconds"] if limit else None
            run = once(subject, payload)
            if limit:
                run["limit_megabytes_per_second"] = payload.bytes / limit_seconds / 1e6
                run["of_limit"] = limit_seconds / run["seconds"]
            runs.append(run)
        figures = middle(runs)
        figures["megabytes_per_second"] = payload.bytes / figures["seconds"] / 1e6
        if payload.files:
            figures["files_per_second"] = payload.files / figures["seconds"]
        if subject.share_seconds is not None:
            figures["share_seconds"] = subject.share_seconds
        bench.add(load, name, figures, subject.version(), bytes=payload.bytes, files=payload.files or 1,
                  rounds=bench.args.rounds, encrypted=cls.encrypted, verified=cls.verified)
    finally:
        subject.stop()
        if limit:
            limit.stop()
        shutil.rmtree(bench.path("target"), ignore_errors=True)
        shutil.rmtree(bench.path("state"), ignore_errors=True)


def file(bench, name):
    transfer(bench, name, "file", Payload(bench, size=bench.args.size))


def small(bench, name):
    transfer(bench, name, "small", Payload(bench, files=bench.args.files))


def resume(bench, name):
    """The receiver is killed when half of the bytes are on the wire, and started again with the same command. What was
    moved again is what was on the wire beyond a transfer that nobody interrupts: headers are some 12 MiB of 4 GiB.
    """
    payload = Payload(bench, size=bench.args.size)
    payload.make()
    subject = PROGRAMS[name](bench)
    runs = []
    try:
        subject.start(payload)
        whole = once(subject, payload)["wire"] * payload.bytes
        for _ in range(bench.args.rounds):
            subject.prepare(payload)
            before = wire_bytes()
            subject.begin(payload)
            wait_until(lambda: wire_bytes() - before >= payload.bytes // 2 or subject.receiver.ended(subject.process),
                       600, 0.001, "half of it")
            subject.receiver.kill(subject.process)
            # What was under way arrives nowhere.
            time.sleep(0.5)
            cut = wire_bytes()
            had = (cut - before) / payload.bytes
            since = time.monotonic()
            subject.resume(payload)
            # More than a handshake and the hashes of its blocks.
            wait_until(lambda: wire_bytes() - cut > payload.bytes // 1000 + 300_000, 600, 0.001, "a first byte")
            first = time.monotonic() - since
            subject.wait(payload)
            seconds = time.monotonic() - since
            again = (wire_bytes() - before) - whole
            if not payload.same(subject.got(payload)):
                raise RuntimeError("the copy differs")
            runs.append({"cut_at": had, "again_mib": again / 2**20, "first_byte_seconds": first, "seconds": seconds})
        bench.add("resume", name, middle(runs), subject.version(), bytes=payload.bytes, rounds=bench.args.rounds)
    finally:
        subject.stop()
        shutil.rmtree(bench.path("target"), ignore_errors=True)
        shutil.rmtree(bench.path("state"), ignore_errors=True)


BAD = "two good, one slow, one liar"


def sources(bench, kind):
    """Potok from several sources. Of the bad ones one gives 5 MB/s and one has a wrong bit in every block; before each
    round with them the good ones alone send the same, as only neighbours can be compared. `of_good` is the median of
    their ratios.
    """
    payload = Payload(bench, size=bench.args.size)
    payload.make()
    runs = []
    subject = PROGRAMS["Potok"](bench)
    try:
        subject.start(payload)
        for number in range(1, 4 if kind == "four good" else 2):
            subject.share(payload, f"alice{number}", f"10.99.0.1:{7310 + number}")
        for number in range(bench.args.rounds):
            if kind != BAD:
                runs.append(once(subject, payload))
                continue
            good_seconds = once(subject, payload)["seconds"]
            bad = bad_sources(bench, subject, payload, number)
            run = once(subject, payload)
            run["good_megabytes_per_second"] = payload.bytes / good_seconds / 1e6
            run["of_good"] = good_seconds / run["seconds"]
            runs.append(run)
            for source in bad:
                subject.hub.kill(source)
        figures = middle(runs)
        figures["megabytes_per_second"] = payload.bytes / figures["seconds"] / 1e6
        bench.add("sources", kind, figures, subject.version(), bytes=payload.bytes, rounds=bench.args.rounds)
    finally:
        subject.stop()
        shutil.rmtree(bench.path("target"), ignore_errors=True)
        shutil.rmtree(bench.path("state"), ignore_errors=True)


def bad_sources(bench, subject, payload, number):
    """One that is slow and one that lies, under names that nobody has met before."""
    started = []
    for name, port, how in (("slow", 7321, ["--bytes-per-second", str(SLOW)]), ("liar", 7322, ["--lie"])):
        source = subject.hub.start([bench.args.trackbench, "source", subject.tracker, "--name", f"{name}{number}", "--listen",
                                    f"{SENDER}:{port}", "--file", payload.path, *how], stdout=subprocess.PIPE)
        if not source.stdout.readline():
            raise RuntimeError(f"the {name} source ended")
        started.append(source)
    return started


def share(bench, name):
    """How long until a file can be had: reading, hashing, announcing. And b3sum, which only reads and hashes."""
    payload = Payload(bench, size=bench.args.size)
    payload.make()
    seconds, version = [], ""
    for _ in range(bench.args.rounds):
        if name == "b3sum":
            if not shutil.which("b3sum"):
                raise Skip("b3sum is not installed")
            version = subprocess.run(["b3sum", "--version"], capture_output=True, text=True).stdout.split()[1]
            since = time.monotonic()
            subprocess.run(["b3sum", payload.path], stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.monotonic() - since)
        else:
            subject = PROGRAMS[name](bench)
            version = subject.version()
            try:
                subject.start(payload)
                seconds.append(subject.share_seconds)
            finally:
                subject.stop()
    bench.add("share", name, {"seconds": median(seconds), "gigabytes_per_second": payload.bytes / median(seconds) / 1e9},
              version, bytes=payload.bytes, rounds=bench.args.rounds)


def restart(bench, name):
    """A folder of so many files is shared; the program ends and starts again; nothing has changed."""
    payload = Payload(bench, files=bench.args.unchanged, each=256)
    payload.make()
    subject = PROGRAMS[name](bench)
    try:
        subject.start(payload)
        asker = Lines(subject.tracker)
        asker.ask("register-user asker 4001")
        runs = []
        for _ in range(bench.args.rounds):
            subject.sender.stop()
            since = time.monotonic()
            console = subject.console(subject.sender, "alice", f"{SENDER}:7301", "--keep-sharing", stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            threading.Thread(target=drain, args=(console.stdout,), daemon=True).start()
            wait_until(lambda: everything_is_announced(asker, payload), 120, 0.005, "all files")
            runs.append(time.monotonic() - since)
        bench.add("restart", name, {"seconds": median(runs), "first_share_seconds": subject.share_seconds,
                                    "files_per_second": payload.files / median(runs)},
                  subject.version(), files=payload.files, rounds=bench.args.rounds)
    finally:
        subject.stop()
        shutil.rmtree(bench.path("state"), ignore_errors=True)


def everything_is_announced(asker, payload):
    """Whether the last file by path is, and then whether all are."""
    before = f"{payload.leaf}/{payload.names()[-2]}"
    cursor = base64.urlsafe_b64encode(f"{before}\0alice".encode()).decode().rstrip("=")
    return asker.ask(f"list-files after={cursor} limit=1") and len(asker.ask("list-files")) == payload.files
