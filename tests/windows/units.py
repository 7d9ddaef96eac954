#!/usr/bin/env python3
"""Tests of Rust, built for Windows, run by wine.

    cargo test --no-run --target x86_64-pc-windows-gnu --message-format json … >MESSAGES
    tests/windows/units.py --messages MESSAGES [--only PROGRAM] [--prefix FOLDER]

What cannot run there is in `tests/windows/left-out.tsv`, one by one, with the reason; every other test must pass, and what the
list names must be there. `.ci/windows` makes the programs and calls this.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from processes import ROOT

WINE = "/usr/lib/wine/wine64"
# A program of tests that takes longer hangs.
PROGRAM_SECONDS_MAX = 1500
LEFT_OUT = f"{ROOT}/tests/windows/left-out.tsv"


def programs(messages):
    """Name, path and folder of each program of tests that cargo has made."""
    with open(messages, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("executable") and message["profile"]["test"]:
                kind = message["target"]["kind"][0]
                package = os.path.dirname(message["manifest_path"])
                name = f"{os.path.basename(package)} {kind} {message['target']['name']}"
                yield name, message["executable"], package


def left_out():
    """The tests that are left out: those of a program, or all of it, by its name; with the reason."""
    out = {}
    with open(LEFT_OUT, encoding="utf-8") as rows:
        for row in (row.rstrip("\n") for row in rows if row.strip() and not row.startswith("#")):
            program, test, why = row.split("\t")
            if not why:
                raise SystemExit(f"windows: {test} is left out without a reason")
            out.setdefault(program, []).append(test)
    return out


def gone(executable, folder, without):
    """Those of the list that the program has not, or no more."""
    listed = subprocess.run([WINE, executable, "--list", "--format", "terse"], cwd=folder, capture_output=True, timeout=PROGRAM_SECONDS_MAX, check=True)
    there = {line.removesuffix(": test") for line in listed.stdout.decode().splitlines()}
    return [test for test in without if test not in there]


def run(executable, folder, without, log):
    """How it ended, `None` if it did not; what it says is in the log from the beginning on."""
    words = [WINE, executable, "--test-threads", "2"]
    if without:
        words += ["--exact", *(word for test in without for word in ("--skip", test))]
    with open(log, "wb") as out:
        try:
            return subprocess.run(words, cwd=folder, stdout=out, stderr=subprocess.STDOUT, timeout=PROGRAM_SECONDS_MAX, stdin=subprocess.DEVNULL).returncode
        except subprocess.TimeoutExpired:
            return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", required=True, help="what cargo said when it built them")
    parser.add_argument("--only", help="the name of one program of tests, or a part of it")
    parser.add_argument("--prefix", default=os.environ.get("WINEPREFIX"), help="wine's folder, made by `wineboot`")
    parser.add_argument("--log", default=f"{ROOT}/target/windows/units", help="a folder for what each of them says")
    options = parser.parse_args()
    # Why these, is in run.py.
    os.environ.update(WINEDEBUG="-all", WINEPREFIX=options.prefix, WINEDLLOVERRIDES="icacls.exe=n;windows.networking=")
    # Each input starts a runtime, which wine's server does slowly: these are the same inputs as everywhere, only fewer.
    os.environ.setdefault("POTOK_FUZZ_ROUNDS", "100")
    os.makedirs(options.log, exist_ok=True)
    without, wrong, passed = left_out(), [], 0
    made = list(programs(options.messages))
    chosen = [program for program in made if not options.only or options.only in program[0]]
    if not chosen:
        raise SystemExit("windows: no program of tests")
    if stale := set(without) - {name for name, _, _ in made}:
        raise SystemExit(f"windows: left out, and not there: {', '.join(sorted(stale))}")
    for name, executable, folder in chosen:
        if "*" in without.get(name, []):
            print(f"windows: {name}: left out", flush=True)
            continue
        if stale := gone(executable, folder, without.get(name, [])):
            raise SystemExit(f"windows: left out of {name}, and not there: {', '.join(stale)}")
        begun = time.monotonic()
        log = f"{options.log}/{name.replace(' ', '-')}.log"
        code = run(executable, folder, without.get(name, []), log)
        with open(log, encoding="utf-8", errors="replace") as lines:
            said = lines.read()
        result = re.search(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored", said, re.MULTILINE)
        failed = re.findall(r"^test (\S+)(?: - should panic)? \.\.\. FAILED", said, re.MULTILINE)
        passed += int(result[1]) if result else 0
        print(f"windows: {name}: {result[0] if result else f'ended with {code}'}; {time.monotonic() - begun:.0f} s", flush=True)
        if code != 0:
            wrong.append(name)
            print("\n".join(f"    {test}" for test in failed) or said[-2000:], flush=True)
    count = sum(len(tests) for tests in without.values())
    print(f"windows: {passed} tests passed, {count} left out ({os.path.relpath(LEFT_OUT, ROOT)})", flush=True)
    if wrong:
        raise SystemExit(f"windows: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
