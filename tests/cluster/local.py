#!/usr/bin/env python3
"""Three servers of etcd and three trackers of one cluster on this computer, until they are interrupted.

    tests/cluster/local.py [--bin FOLDER] [--dir FOLDER]

What they write is in the folder, which stays if it was named: then the next start goes on with it.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

COUNT = 3
CLIENT_PORT, PEER_PORT, TRACKER_PORT, MESH_PORT = 23790, 23890, 7690, 7790


def started(command, log):
    with open(log, "ab") as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)


def url(port):
    return f"http://127.0.0.1:{port}"


def start_etcd(folder):
    members = ",".join(f"e{n}={url(PEER_PORT + n)}" for n in range(COUNT))
    for n in range(COUNT):
        client, peer = url(CLIENT_PORT + n), url(PEER_PORT + n)
        yield started(
            ["etcd", "--name", f"e{n}", "--data-dir", folder / f"e{n}", "--logger", "zap", "--log-level", "warn",
             "--listen-client-urls", client, "--advertise-client-urls", client,
             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", members,
             "--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h"],
            folder / f"e{n}.log")


def wait_for(what, is_there, processes):
    until = time.monotonic() + 60
    while not is_there():
        gone = [process.args[0] for process in processes if process.poll() is not None]
        if gone or time.monotonic() > until:
            raise SystemExit(f"{what} does not start{': it has ended' if gone else ''}; the logs say why")
        time.sleep(0.1)


def is_healthy(n):
    try:
        with urllib.request.urlopen(f"{url(CLIENT_PORT + n)}/health", timeout=1) as answer:
            return b'"true"' in answer.read()
    except OSError:
        return False


def start_tracker(program, folder, n):
    data = folder / f"t{n}"
    if not data.exists():
        data.mkdir(mode=0o700)
        servers = ", ".join(f'"{url(CLIENT_PORT + n)}"' for n in range(COUNT))
        (data / "config.toml").write_text(
            f'listen = "127.0.0.1:{TRACKER_PORT + n}"\nlocal_discovery = false\ncluster = [{servers}]\n'
            f'mesh = "127.0.0.1:{MESH_PORT + n}"\nadvertise = "127.0.0.1:{TRACKER_PORT + n}"\n')
        if n > 0:
            # All trackers of a cluster are one to those who join: they prove the same key.
            shutil.copy(folder / "t0" / "identity.key", data / "identity.key")
    return started([program, "--data-dir", data], folder / f"t{n}.log")


def listens(folder, n):
    return "potok://" in (folder / f"t{n}.log").read_text(errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=Path("target/release"), help="where potok-tracker is")
    parser.add_argument("--dir", type=Path, help="where everything is kept; else it is gone at the end")
    args = parser.parse_args()
    if not shutil.which("etcd"):
        raise SystemExit("etcd is not installed: apt-get install etcd-server")
    folder = (args.dir or Path(tempfile.mkdtemp(prefix="potok-cluster-"))).resolve()
    folder.mkdir(exist_ok=True)
    processes = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for n in range(COUNT):
            (folder / f"t{n}.log").unlink(missing_ok=True)
        processes += start_etcd(folder)
        wait_for("etcd", lambda: all(is_healthy(n) for n in range(COUNT)), processes)
        for n in range(COUNT):
            processes.append(start_tracker((args.bin / "potok-tracker").resolve(), folder, n))
            log = folder / f"t{n}.log"
            wait_for("a tracker", lambda log=log, n=n: log.exists() and listens(folder, n), processes)
            print(next(line for line in log.read_text().splitlines() if line.startswith("potok://")), flush=True)
        print(f"logs and data are in {folder}; Ctrl-C ends all", flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        raise SystemExit("one of them has ended; the logs say why")
    except KeyboardInterrupt:
        pass
    finally:
        for process in reversed(processes):
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        if not args.dir:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
