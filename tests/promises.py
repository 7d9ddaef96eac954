#!/usr/bin/env python3
"""Runs the proofs of what Potok promises, and writes docs/promises.md with what they reached.

    tests/promises.py                  the long form: about two hours on two cores
    tests/promises.py --short          the same, smaller, in a quarter of an hour
    tests/promises.py --only P4,P5     some of them, or those whose description contains a text; the others stay as
                                       they were reached before
    tests/promises.py --set parts=5    another size; the document says so
    tests/promises.py --document       only writes the document anew

A promise that is not met is written down as not met: its proof has failed, or a figure is beyond its limit. Figures are
judged here and not in the tests, which run on machines that are busy with something else. What each proof reached in
the long form is kept in tests/promises.json, in the short form in target. Needs what `.ci/run` installs, and for the
networks to be root.
"""
import argparse
import fcntl
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A proof that takes longer than this hangs.
SECONDS_MAX = 3 * 3600

HOSTILE = "cargo test {profile} --workspace --test hostile --locked -- --nocapture "
SCRIPTS = "cargo test {profile} --workspace --test transcripts --locked"
# These build everything anew, or wait for minutes.
LONG_ONLY = "long:"
CRASH = "tests/crash/crash.py --bin {bin} --kills {kills} --faults {faults} --power {power} --seed {part}"

# name, what is promised, and the proofs: what each does, its command, and the limits of its figures. A command with
# {part} is run in so many parts.
PROMISES = [
    ("P1", "Nobody can pretend to be you.", [
        ("scripted attacks on names, keys and sessions, and races for a name with one winner each",
         HOSTILE + "impersonation race", {}),
        ("owners and closed networks: their commands from others, invites, keys, approval, and what strangers are told",
         SCRIPTS, {}),
        ("checks of identity and sharing taken out one by one: the tests notice each", LONG_ONLY + "tests/mutants.sh",
         {}),
    ]),
    ("P2", "Only what you share leaves your computer.", [
        ("canaries beside what is shared, swaps under it, unsharing at random moments", HOSTILE + "only_shared",
         {r"nothing later than ([\d.]+) ms after": 1000}),
    ]),
    ("P3", "A finished file is exactly the file that was shared.", [
        ("evil peers: wrong, cut short, endless, slow and huge answers, lies about size and hash", HOSTILE + "evil_peer",
         {}),
        ("weather: delay, stalls, cuts, half-open and corrupted connections", HOSTILE + "weather", {}),
    ]),
    ("P4", "Pull the plug whenever you like.", [
        ("SIGKILL at a write, sync or name; a full or failing disk; what a disk holds after a power loss", CRASH, {}),
    ]),
    ("P5", "A stranger's file name cannot hurt you.", [
        ("the vectors of names, hostile and honest, in the code that owns them",
         "cargo test {profile} --workspace --lib --locked -- vectors", {}),
        ("random changes of them and of every other input",
         "cargo test {profile} --workspace --test fuzz --locked -- --nocapture", {}),
    ]),
    ("P6", "No input makes it crash, hang or swell.", [
        ("evil clients against the tracker", HOSTILE + "evil_client", {}),
        ("evil trackers against the client", HOSTILE + "evil_tracker", {}),
        ("the fuzzer, every target", LONG_ONLY + "tests/fuzz/run.sh {fuzz_seconds}", {}),
    ]),
    ("P7", "The tracker stays usable under attack.", [
        ("tricklers, stuck handshakes, connects, and sessions that do not read, all at once", HOSTILE + "a_flood",
         {r"list-users p99 ([\d.]+) ms": 100, r"sign-on p99 ([\d.]+) ms": 1000, r"at most ([\d.]+) MiB": 400,
          r"normal after ([\d.]+) s": 5}),
        ("newcomers beside 8, 64 and 1,024 addresses of stuck handshakes", HOSTILE + "newcomers_sign_on",
         {r"at most ([\d.]+) ms": 1000}),
    ]),
    ("P8", "It comes back by itself.", [
        ("the tracker is killed under its clients, again and again", HOSTILE + "come_back",
         {r"all back within ([\d.]+) s": 30, r"busiest second ([\d.]+) times the mean": 2}),
        ("names are kept when it is killed", HOSTILE + "a_name_is_owned", {}),
        ("connections on which nothing passes any more, without a word",
         LONG_ONLY + HOSTILE + "half_open --ignored", {r"found within ([\d.]+) s": 80}),
        ("three computers with cut and slow lines between them (network namespaces)",
         "tests/networks.py --bin {bin}{networks}",
         {r"found after ([\d.]+) s": 80, r"([\d.]+) times the time that the line needs": 1.5}),
        ("three trackers on three servers of etcd: each cut off, killed and restarted, and all of etcd at once, under people who "
         "stay and claim names (network namespaces)", "tests/cluster/faults.py --bin {bin}",
         {r"back within ([\d.]+) s": 10}),
        ("two homes behind routers that open ports: lines cut, addresses changed, routers restarted, laptops asleep, at random "
         "(network namespaces)", "tests/homes_soak.py --bin {bin} --minutes {home_minutes}",
         {r"the last after ([\d.]+) s": 240}),
    ]),
    ("P9", "It cannot be aimed at others.", [
        ("addresses that a tracker or user gives, requests of a browser, answers to strangers",
         HOSTILE + "strangers_are_told_nothing", {}),
        ("dial-back: whom a tracker dials for a user (three at once for a household, then one a minute), and whom a client "
         "dials for a tracker (16 at once, then one a second)",
         HOSTILE + "a_tracker_outlives_every_evil_client cannot_aim", {}),
        ("meetings (punching): tickets stolen, guessed and shown again, floods of them (20 at once from one user, then one a "
         "second; 16 open for one user), a tracker that names places",
         HOSTILE + "encounters", {}),
        ("the relay: tunnels to elsewhere, stolen and replayed tickets, floods, one person with many keys",
         HOSTILE + "relay", {}),
        ("nearby: two computers in one room find each other; a stranger there hears no name and no key (network namespaces)",
         "tests/nearby.py --bin {bin}", {}),
        ("a router that means no good (PCP, NAT-PMP, UPnP): answers without end, deep and dripping documents, places elsewhere, "
         "wrong words of itself",
         "cargo test {profile} --workspace --lib --locked -- port_mapping", {}),
        ("a proxy: nothing goes past it, and who sits behind it is fetched from all the same (network namespaces)",
         "tests/proxied.py --bin {bin}", {}),
        ("addresses in a home (LAN): private ones only, told only to those in it; what is heard nearby is bounded",
         "cargo test {profile} --workspace --lib --locked -- lan_address reach::nearby && " + SCRIPTS, {}),
    ]),
    ("P10", "It leaks nothing and does not wear out.", [
        ("transfers, joins and leaves for a while: descriptors, tasks and memory",
         "tests/soak.py --bin {bin} --minutes {soak_minutes}", {}),
    ]),
]

LONG = {"profile": "--release", "bin": "target/release", "parts": 20, "kills": 50, "faults": 15, "power": 100,
        "fuzz_seconds": 300, "soak_minutes": 10, "home_minutes": 60, "networks": " --long", "POTOK_HOSTILE": "10",
        "POTOK_FUZZ_ROUNDS": "200000"}
SHORT = {"profile": "", "bin": "target/debug", "parts": 1, "kills": 20, "faults": 10, "power": 30, "soak_minutes": 1, "home_minutes": 1,
         "networks": "", "POTOK_HOSTILE": "1", "POTOK_FUZZ_ROUNDS": "3000"}

# What the document says around its table: what is not promised.
NOT_PROMISED = """## What is not promised

- That a friend is honest. Potok proves who sent a file and that it is the file they announced, not that it is harmless.
- Anonymity. Members of a network see each other's names, addresses and what they share; whoever watches the line sees
  who talks to whom and how much, not what. In a local network strangers see that a computer runs Potok, not whose
  it is. With `socks5` connections leave through the proxy alone, and the peer server takes none from another
  computer; an embedded tracker listens where it is told to.
- That a name can be had back. A lost identity key is a lost name, until the tracker's owner releases it.
- Secrecy towards the tracker's owner, who sees names, addresses and the list of shared files (never their content), and
  what the relay passes on only sealed.
- A fair owner. Owners decide who comes in, send people away and release names; whoever has an invite without a bound on its
  uses can pass it on. No owner can prove somebody else's key, or have a file that is not shared.
- That nobody has you dialled at all: a member can have another member's program dial them, and a tracker the computer that
  asks for it, within the limits of P9, where peers may be named and nowhere else.
- Reaching everybody without the tracker's owner: two computers of which one is behind a router that gives every connection
  another port (as some mobile networks have), and neither can be dialled, exchange files only through the tracker's relay,
  which its owner switches on, and as fast and as much as that allows.
- That a folder arrives as a mirror: an empty folder is not announced and so not made, links are not followed, and of what
  the owner's system says of a file only its time and, if wanted, whether it may be run are kept.
- Anything on a computer on which somebody else can already read Potok's folder.
"""



def run(command, values, prefix):
    environment = {**os.environ, "POTOK_HOSTILE": values["POTOK_HOSTILE"], "POTOK_FUZZ_ROUNDS": values["POTOK_FUZZ_ROUNDS"]}
    since = time.monotonic()
    try:
        done = subprocess.run([*shlex.split(prefix), "sh", "-c", command], cwd=ROOT, env=environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                              timeout=SECONDS_MAX)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, output = None, (late.stdout or b"").decode(errors="replace")
    return status, output, time.monotonic() - since


def figures_of(output):
    """What tests print of themselves begins with `figures: `; other programs print one line a part."""
    found = re.findall(r"^(?:test .* \.\.\. )?figures: (.+)$", output, re.M)
    found += re.findall(r"^((?:network|nearby|homes soak|proxied|soak|mutants): .+)$", output, re.M)
    crashes = {}
    for kind, *numbers in re.findall(r"^(kill|fault|power): (\d+) trials, (\d+) broken, (\d+) s$", output, re.M):
        crashes[kind] = [int(n) + sum for n, sum in zip(numbers, crashes.get(kind, [0, 0, 0]))]
    found += [f"{kind}: {trials:,} trials, {broken} broken, {seconds} s" for kind, (trials, broken, seconds) in crashes.items()]
    passed = sum(int(n) for n in re.findall(r"^test result: ok\. (\d+) passed", output, re.M))
    runs = sum(int(n) for n in re.findall(r"stat::number_of_executed_units: (\d+)", output))
    if not found and passed:
        found = [f"{passed} test{'s' if passed > 1 else ''} passed"]
    if runs:
        found.append(f"{runs:,} inputs")
    return "; ".join(found)


def beyond(figures, limits):
    """Which limits the figures do not keep; one without its figure is not kept."""
    for pattern, most in limits.items():
        values = [float(value) for value in re.findall(pattern, figures)]
        wanted = pattern.replace(r"([\d.]+)", f"{most}")
        if not values:
            yield f"no figure for '{wanted}'"
        elif max(values) > most:
            yield f"promised is '{wanted}', it was {max(values):g}"


def prove(command, limits, values, others, prefix):
    """Runs a proof, and says what it reached. `others` are the sizes that differ from those of the form."""
    outputs, statuses, seconds = [], [], 0.0
    parts = range(values["parts"]) if "{part}" in command else [0]
    for part in parts:
        status, output, took = run(command.format(**values, part=part), values, prefix)
        if status != 0:
            print(f"part {part} ended with {status}:\n{output[-4000:]}", flush=True)
        outputs.append(output)
        statuses.append(status)
        seconds += took
    output = "\n".join(outputs)
    figures = figures_of(output)
    # A filter that no test has would prove nothing.
    is_empty = "cargo test" in command and not re.search(r"^test result: ok\. [1-9]", output, re.M)
    if any(statuses) or None in statuses or is_empty:
        failed = next((output for output, status in zip(outputs, statuses) if status != 0), output)
        why = [(failed.strip().splitlines() or ["no output"])[-1]]
    else:
        why = list(beyond(figures, limits))
    used = [f"{name}={values[name]}" for name in others if f"{{{name}}}" in command or (name.isupper() and "cargo" in command)
            or (name == "parts" and "{part}" in command)]
    return {"figures": figures, "why_not": "; ".join(why), "seconds": round(seconds), "date": time.strftime("%Y-%m-%d"),
            "with": ", ".join(used), "debug": values["profile"] == ""}


def row(name, promise, what, reached):
    if reached is None:
        return f"| **{name}** {promise} | {what} | **not run yet** in this form | |"
    said = "; ".join(filter(None, [f"**not met**: {reached['why_not']}" if reached["why_not"] else "", reached["figures"]]))
    size = f" (with {reached['with']})" if reached["with"] else ""
    return f"| **{name}** {promise} | {what} | {said}{size} | {reached['seconds']} s, {reached['date']} |".replace("\n", " ")


def machine():
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.+)", info.read())
    return (f"{os.cpu_count()} processors ({model.group(1) if model else platform.machine()}), {platform.system()} "
            f"{platform.release().partition('-')[0]}")


def document(all_reached, form):
    command = "tests/promises.py" + (" --short" if form == "short" else "")
    debug = any(reached["debug"] for reached in all_reached.values())
    builds = "programs built for debugging, which are several times slower" if debug else "programs built for release"
    rows = [row(name, promise, what, all_reached.get(what)) for name, promise, proofs in PROMISES for what, _, _ in proofs]
    return (f"# What Potok promises, and the proof\n\nMade by `{command}`: {builds}, {machine()}.\n"
            "The long form is `tests/promises.py`; `--short` runs a smaller one of each. A promise that a run did not meet "
            "is\nshown so, with why. Sizes that are not those of the form stand behind the figures.\n\n"
            "| promise | how it was tried | what was reached | took |\n|---|---|---|---|\n"
            + "\n".join(rows) + "\n\n" + NOT_PROMISED)


def load(kept):
    """What was reached before, by the description of its proof."""
    if not os.path.exists(kept):
        return {}
    with open(kept) as text:
        return json.load(text)


def keep(kept, what, reached):
    """Adds what was reached to what others, that may run at the same time, have kept."""
    with open(f"{ROOT}/target/promises.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        all_reached = {**load(kept), what: reached}
        with open(f"{kept}.new", "w") as out:
            json.dump(all_reached, out, indent=1, sort_keys=True)
            out.write("\n")
        os.replace(f"{kept}.new", kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--debug", action="store_true", help="the long form with programs built for debugging")
    parser.add_argument("--bin", help="where the programs are that the scripts use, instead of what is built here")
    parser.add_argument("--only", help="promises, or texts of descriptions, as P1,mutants")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another size, as fuzz_seconds=30")
    parser.add_argument("--prefix", default="", help="what each command is run by")
    parser.add_argument("--document", action="store_true", help="write the document of what was reached before")
    parser.add_argument("--print", action="store_true", help="write no document")
    options = parser.parse_args()
    values, form = (SHORT, "short") if options.short else (LONG, "long")
    debug = options.short or options.debug
    if debug:
        values = {**values, "profile": "", "bin": "target/debug"}
    others = []
    for name, _, value in (word.partition("=") for word in options.set):
        if name not in values:
            raise SystemExit(f"--set knows {', '.join(values)}")
        others.append(name)
        values = {**values, name: type(values[name])(value)}
    if options.bin:
        values = {**values, "bin": options.bin}
    kept = f"{ROOT}/target/promises.json" if options.short else f"{ROOT}/tests/promises.json"
    os.makedirs(f"{ROOT}/target", exist_ok=True)
    if not options.document and not options.bin:
        build = ["cargo", "build", "--workspace", "--locked", *([] if debug else ["--release"])]
        subprocess.run(build, cwd=ROOT, check=True)
    for name, promise, proofs in PROMISES:
        for what, command, limits in proofs:
            wanted = not options.only or any(word == name or word in what for word in options.only.split(","))
            if wanted and not options.document and not (command.startswith(LONG_ONLY) and options.short):
                command = command.removeprefix(LONG_ONLY).replace("  ", " ")
                reached = prove(command, limits, values, others, options.prefix)
                keep(kept, what, reached)
                print(row(name, promise, what, reached), flush=True)
    all_reached = load(kept)
    if not options.print:
        with open(f"{ROOT}/docs/promises.md", "w") as out:
            out.write(document(all_reached, form))
    sys.exit(1 if any(reached["why_not"] for reached in all_reached.values()) else 0)


if __name__ == "__main__":
    main()
