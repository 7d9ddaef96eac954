#!/usr/bin/env python3
"""Runs the proofs of what Potok promises, and writes docs/promises.md with what they reached.

    tests/promises.py            the long form: about two hours on two cores
    tests/promises.py --short    what the gate runs, with the same table
    tests/promises.py --only P4,P5 --print

A promise that is not met is written down as not met. Needs what `.ci/run` installs, and strace.
"""
import argparse
import os
import platform
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A proof that takes longer than this hangs.
SECONDS_MAX = 3 * 3600

HOSTILE = "cargo test {profile} --package potok-tests --test hostile --locked -- --nocapture "
TRACKER = "cargo test {profile} --package potok-tracker --test hostile --locked -- --nocapture "
# These build everything anew.
LONG_ONLY = "long:"
CRASH = "tests/crash/crash.py --bin {bin} "

# name, what is promised, and the proofs: what each does, its command, and what of its output is a figure.
PROMISES = [
    ("P1", "Nobody can pretend to be you.", [
        ("scripted attacks on names, keys and sessions, and races for a name with one winner each",
         HOSTILE + "impersonation"),
        ("checks of identity and sharing taken out one by one: the tests notice each", LONG_ONLY + "tests/mutants.sh"),
    ]),
    ("P2", "Only what you share leaves your computer.", [
        ("canaries beside what is shared, swaps under it, unsharing in the middle", HOSTILE + "only_shared"),
    ]),
    ("P3", "A finished file is exactly the file that was shared.", [
        ("evil peers: wrong, cut short, endless, slow and huge answers, lies about size and hash", HOSTILE + "evil_peer"),
        ("weather: delay, stalls, cuts, half-open and corrupted connections", HOSTILE + "weather"),
    ]),
    ("P4", "Pull the plug whenever you like.", [
        ("SIGKILL at a write, sync or name; a full or failing disk; what a disk holds after a power loss",
         CRASH + "--kills {kills} --faults {faults} --power {power}"),
    ]),
    ("P5", "A stranger's file name cannot hurt you.", [
        ("the vectors of names, hostile and honest, in the code that owns them",
         "cargo test {profile} --package potok-core --locked -- vectors"),
        ("random changes of them and of every other input", "cargo test {profile} --package potok-tests --test fuzz --locked"),
    ]),
    ("P6", "No input makes it crash, hang or swell.", [
        ("evil clients against the tracker", HOSTILE + "evil_client"),
        ("evil trackers against the client", HOSTILE + "evil_tracker"),
        ("the fuzzer, every target", LONG_ONLY + "tests/fuzz/run.sh {fuzz_seconds}"),
    ]),
    ("P7", "The tracker stays usable under attack.", [
        ("tricklers, stuck handshakes, connects, and sessions that do not read, all at once", TRACKER + "a_flood"),
    ]),
    ("P8", "It comes back by itself.", [
        ("the tracker is killed under its clients, again and again", TRACKER + "come_back"),
        ("names are kept when it is killed", TRACKER + "a_name_is_owned"),
    ]),
    ("P9", "It cannot be aimed at others.", [
        ("addresses that a tracker or user gives, requests of a browser, answers to strangers",
         HOSTILE + "strangers_are_told_nothing"),
    ]),
    ("P10", "It leaks nothing and does not wear out.", [
        ("transfers, joins and leaves for a while: descriptors, tasks and memory", "tests/soak.py --bin {bin} --minutes {soak_minutes}"),
    ]),
]

LONG = {"profile": "--release", "bin": "target/release", "kills": 1000, "faults": 300, "power": 2000, "fuzz_seconds": 300,
        "soak_minutes": 10, "POTOK_HOSTILE": "10", "POTOK_FUZZ_ROUNDS": "200000"}
SHORT = {"profile": "", "bin": "target/debug", "kills": 20, "faults": 10, "power": 30,
         "soak_minutes": 1, "POTOK_HOSTILE": "1", "POTOK_FUZZ_ROUNDS": "3000"}

# What the document says around its table: what is not promised.
NOT_PROMISED = """## What is not promised

- That a friend is honest. Potok proves who sent a file and that it is the file they announced, not that it is harmless.
- Anonymity. Members of a network see each other's names, addresses and what they share; whoever watches the line sees
  who talks to whom and how much, not what.
- That a name can be had back. A lost identity key is a lost name, until the tracker's owner releases it.
- Secrecy towards the tracker's owner, who sees names, addresses and the list of shared files (never their content).
- Reaching everybody: two computers that both refuse connections from outside cannot exchange files.
- Anything on a computer on which somebody else can already read Potok's folder.
"""


def run(command, values):
    environment = {**os.environ, "POTOK_HOSTILE": values["POTOK_HOSTILE"], "POTOK_FUZZ_ROUNDS": values["POTOK_FUZZ_ROUNDS"]}
    since = time.monotonic()
    try:
        done = subprocess.run(command, shell=True, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=SECONDS_MAX)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, output = None, (late.stdout or b"").decode(errors="replace")
    return status, output, time.monotonic() - since


def figures_of(output):
    """What tests print of themselves begins with `figures: `; other programs print one line a part."""
    found = re.findall(r"^(?:test .* \.\.\. )?figures: (.+)$", output, re.M)
    found += re.findall(r"^((?:kill|fault|power|soak|mutants): .+)$", output, re.M)
    passed = sum(int(n) for n in re.findall(r"^test result: ok\. (\d+) passed", output, re.M))
    runs = sum(int(n) for n in re.findall(r"stat::number_of_executed_units: (\d+)", output))
    if not found and passed:
        found = [f"{passed} test{'s' if passed > 1 else ''} passed"]
    if runs:
        found.append(f"{runs:,} inputs")
    return "; ".join(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", help="promises, as P1,P4")
    parser.add_argument("--print", action="store_true", help="write no document")
    options = parser.parse_args()
    values = SHORT if options.short else LONG
    build = ["cargo", "build", "--workspace", "--locked", *(["--release"] if not options.short else [])]
    subprocess.run(build, cwd=ROOT, check=True)
    rows, all_met = [], True
    for name, promise, proofs in PROMISES:
        if options.only and name not in options.only.split(","):
            continue
        for what, command in proofs:
            if command.startswith(LONG_ONLY) and options.short:
                rows.append(f"| **{name}** {promise} | {what} | in the long form only | |")
                continue
            command = command.removeprefix(LONG_ONLY).format(**values).replace("  ", " ")
            status, output, seconds = run(command, values)
            # A filter that no test has would prove nothing.
            is_empty = "cargo test" in command and not re.search(r"^test result: ok\. [1-9]", output, re.M)
            met = status == 0 and not is_empty
            all_met &= met
            reached = figures_of(output) if met else "**not met**: " + (output.strip().splitlines() or ["no output"])[-1]
            rows.append(f"| **{name}** {promise} | {what} | {reached} | {seconds:.0f} s |")
            print(rows[-1], flush=True)
            if not met:
                print(output[-4000:], flush=True)
    if not options.print:
        with open("/proc/cpuinfo") as info:
            model = re.search(r"model name\s*: (.+)", info.read())
        machine = f"{os.cpu_count()} processors ({model.group(1) if model else platform.machine()}), {platform.system()} {platform.release()}"
        command = "tests/promises.py" + (" --short" if options.short else "")
        with open(f"{ROOT}/docs/promises.md", "w") as out:
            out.write(f"# What Potok promises, and the proof\n\nMade by `{command}` on {time.strftime('%Y-%m-%d')}, {machine}. The long form is\n"
                      "`tests/promises.py`, the short one (`--short`) is what the gate runs. A promise that a run did not meet is shown so.\n\n"
                      "| promise | how it was tried | what was reached | took |\n|---|---|---|---|\n"
                      + "\n".join(rows) + "\n\n" + NOT_PROMISED)
    sys.exit(0 if all_met else 1)


if __name__ == "__main__":
    main()
