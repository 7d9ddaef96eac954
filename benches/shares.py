"""Sharing, looking again and unsharing very many files, and the sign-ons of newcomers beside a crowd: parts alone, by the
example `share_figures` and by a kept test."""
import json
import os
import re
import subprocess

from harness import ROOT, Skip

# Row: how many files are shared. What is stopped one by one is in both.
FILES = {"100,000 files": 100_000, "1,000,000 files": 1_000_000}
# What the example calls it, and the names of its figures.
NAMES = {"shared, with hashing": "share", "looked at again": "look", "stopped one by one, in one request": "stop",
         "shared again, nothing is read": "share_again", "renamed": "rename", "stopped as a folder": "stop_folder"}
# What the kept test prints for each crowd.
CROWD = re.compile(r"beside (\d+) addresses with (\d+) stuck handshakes .*? in ([\d.]+) ms, at most ([\d.]+) ms; the tracker has "
                   r"(\d+) MiB")


def shares(bench, row):
    """So many small files in one folder, on the disk of the work folder."""
    if bench.args.quick and FILES[row] > 100_000:
        raise Skip("the quick form ends at 100,000")
    program = os.path.join(bench.args.bin, "examples/share_figures")
    if not os.path.exists(program):
        raise Skip("build it: cargo build --profile dist --workspace --example share_figures")
    folder = bench.path("shares")
    os.makedirs(folder, exist_ok=True)
    said = subprocess.run([program, str(FILES[row]), "--json"], env={**os.environ, "TMPDIR": folder}, check=True,
                          capture_output=True, text=True).stdout
    measured = json.loads(said.splitlines()[-1])
    figures = {f"{NAMES[what]}_seconds": seconds for what, (seconds, _) in measured.items() if what in NAMES}
    figures["waited_ms"] = max(waited for _, waited in measured.values())
    bench.add("shares", row, figures, bench.version("potok"), files=FILES[row])


def newcomers(bench, row):
    """Newcomers who sign on one after the other beside connections that stop in their handshakes."""
    test = ["cargo", "test", "--offline", "--workspace", "--test", "hostile", "stuck", "--", "--nocapture"]
    # The test is as it is; what it measures is the program that everything else here measures.
    tracker = os.path.abspath(os.path.join(bench.args.bin, "potok-tracker"))
    ran = subprocess.run(test, cwd=ROOT, env={**os.environ, "POTOK_TRACKER": tracker}, capture_output=True, text=True, check=False)
    found = CROWD.findall(ran.stdout + ran.stderr)
    if ran.returncode or not found:
        raise Skip(f"the test did not run: {ran.stderr[-400:]}")
    for addresses, each, middle, longest, mib in found:
        figures = {"p50_ms": float(middle), "max_ms": float(longest), "peak_mib": int(mib)}
        bench.add("newcomers", f"{int(addresses):,} addresses × {each}", figures, bench.version("potok-tracker"),
                  addresses=int(addresses), each=int(each))


# Group: what measures it, the rows, whether it is part of the quick form.
GROUPS = {"shares": (shares, list(FILES), True), "newcomers": (newcomers, ["beside stuck handshakes"], False)}
