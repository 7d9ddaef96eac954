"""How cost grows: with users, with files, with transfers at once. Each row is one point of a plot."""
import shutil
import subprocess
import time

from harness import RECEIVER, Lines, Processes, Skip, median, resident_bytes, start_tracker
from peers.measure import Payload, Sampler
from peers.potok import said
from peers.programs import PROGRAMS
from servers import ITEMS, PER_SOURCE, REGISTER, announcing, leave, needles, tell, trackbench

# Files that all users together announce while users grow: as many as one may.
FILES = 100_000
# Files of one user at most, with a margin.
FILES_A_USER = 90_000
HOW = {"per_source": PER_SOURCE, "login": [REGISTER]}


def fits(bench, point, most):
    if bench.args.quick and point > most:
        raise Skip(f"the quick form ends at {most:,}")


def users(bench, count):
    """A tracker with so many users, who announce a hundred thousand files together."""
    fits(bench, count, bench.args.users)
    items = min(ITEMS, FILES // count)
    with Processes() as processes:
        tracker, address = start_tracker(bench, processes)
        empty = resident_bytes(tracker.pid)
        result, stays = trackbench(bench, "load", address, **HOW, connections=count, commands=FILES // items, items=items,
                                   command=announcing("Potok", items), pid=tracker.pid, stay=True)
        time.sleep(1)
        resident = resident_bytes(tracker.pid)
        asker = Lines(address)
        asker.ask("register-user asker 4001")
        figures = {"register_seconds": result["sign_on_seconds"], "announced_per_second": result["items_per_second"],
                   "resident_mib": resident / 2**20, "added_mib": (resident - empty) / 2**20,
                   "list_users_ms": median([timed(asker, "list-users") for _ in range(5)]),
                   "search_ms": median([timed(asker, f'search "{word}" limit=100') for word in ("mai", "strou", "flac") * 5])}
        leave(stays)
    told, version = tell(bench, "Potok", count, 1, 20)
    figures |= {"notice_last_ms": told["last_ms"], "notice_telling_ms": told["telling_ms"], "notices_lost": told["lost"]}
    bench.add("growth-users", "Potok", figures, version, users=count)


def timed(asker, question):
    since = time.monotonic()
    asker.ask(question)
    return (time.monotonic() - since) * 1000


def files(bench, count):
    """A tracker with so many files, of as few users as may announce them."""
    fits(bench, count, bench.args.names)
    with Processes() as processes:
        tracker, address = start_tracker(bench, processes)
        loaded, stays = trackbench(bench, "load", address, **HOW, connections=count // FILES_A_USER + 1, commands=count // ITEMS,
                                   items=ITEMS, command=announcing("Potok", ITEMS), seconds=900, pid=tracker.pid, stay=True)
        time.sleep(2)
        added = resident_bytes(tracker.pid) - loaded["resident_before_kib"] * 1024

        def ask(command, commands, **more):
            return trackbench(bench, "load", address, **HOW, connections=1, first_user=100_000, commands=commands, command=command,
                              **more)

        searched = ask("search {needle} limit=100", 3600, needles=needles(bench, count))
        page = ask("list-files limit=10000", 20)
        whole = ask("list-files", 1)
        leave(stays)
        bench.add("growth-files", "Potok", {
            "announced_per_second": loaded["items_per_second"], "announce_p99_ms": loaded["milliseconds"]["p99"],
            "resident_mib": (added + loaded["resident_before_kib"] * 1024) / 2**20, "bytes_a_file": added / count,
            "search_p50_ms": searched["milliseconds"]["p50"], "search_p99_ms": searched["milliseconds"]["p99"],
            "page_ms": page["milliseconds"]["p50"], "list_seconds": whole["milliseconds"]["max"] / 1000,
            "resident_after_list_mib": resident_bytes(tracker.pid) / 2**20, "errors": loaded["errors"] + whole["errors"],
        }, bench.version("potok-tracker"), files=count)


def transfers(bench, count):
    """So many people fetch a file each from one, who serves four at a time by default."""
    total = min(bench.args.size, 2 << 30)
    payload = Payload(bench, files=count, each=total // count)
    payload.make()
    subject = PROGRAMS["Potok"](bench)
    consoles = []
    try:
        subject.start(payload)
        bench.fresh("target")
        for number, name in enumerate(payload.names()):
            console = subject.console(subject.receiver, f"bob{number}", f"{RECEIVER}:{7400 + number}", stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            said(console, "list-users", "alice\t")
            consoles.append((console, f'download alice "{payload.leaf}/{name}" "{subject.target}/{number}" --wait'))
        time.sleep(1)
        subject.sender.forget_peak()
        since = time.monotonic()
        with Sampler([subject.sender, subject.receiver]):
            for console, command in consoles:
                console.stdin.write(f"{command}\nlist-users\n".encode())
                console.stdin.flush()
            for console, _ in consoles:
                said(console, "", "alice\t")
            seconds = time.monotonic() - since
        bench.add("growth-transfers", "Potok", {
            "seconds": seconds, "megabytes_per_second": payload.bytes / seconds / 1e6,
            "sending_mib": subject.sender.peak_kib / 1024, "receiving_mib": subject.receiver.peak_kib / 1024 / count,
        }, subject.version(), transfers=count, bytes=payload.bytes)
    finally:
        subject.stop()
        for name in ("target", "state"):
            shutil.rmtree(bench.path(name), ignore_errors=True)


# Group: what measures it, the rows, whether it is part of the quick form.
GROUPS = {
    "growth-users": (users, [1, 10, 100, 1000, 10_000], True),
    "growth-files": (files, [1000, 10_000, 100_000, 1_000_000, 10_000_000], True),
    "growth-transfers": (transfers, [1, 4, 16, 64], True),
}
