"""Three computers, each with a server of etcd and a tracker, one on which load is made, and one for a tracker that is alone:
namespaces on one switch.

Needs Linux, root, iproute2, nftables and etcd.
"""
import json
import os
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import namespaces

COUNT = 3
# The numbers of the other two.
LOAD, LONE = COUNT, COUNT + 1
CLIENTS, PEERS, TRACKER, MESH = 2379, 2380, 7686, 7688
# For those who come from one address in masses.
SETTINGS = """local_discovery = false
connections_per_address = 100000
handshakes_per_address = 100000
unregistered_sessions = 100000
new_names_per_address = 1000000
new_names_per_address_per_hour = 1000000
names_per_key = 1000000
shares_per_address = 20000000
path_bytes_per_address = 4294967296
path_bytes_in_all = 4294967296
"""


def address(n):
    return f"10.77.7.{n + 1}"


def wait_for(what, is_so, seconds=60):
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Machines(namespaces.Namespaces):
    """See the module. A machine is cut by what its packets are, or by its cable."""

    def __init__(self, bin, dir, old=None):
        super().__init__("potok-cluster")
        self.bin, self.old, self.dir, self.running = bin, old, dir, {}
        self.machines = [f"{self.name}-{n}" for n in range(COUNT)]
        self.load, self.lone = f"{self.name}-load", f"{self.name}-lone"
        self.computers = [*self.machines, self.load, self.lone]

    def __enter__(self):
        namespaces.need_programs("ip", "nft", "etcd", "etcdctl")
        super().__enter__()
        for n, space in enumerate(self.computers):
            self.space(space)
            self.cable(self.name, f"line{n}", space, "eth0")
            namespaces.ip("-n", space, "address", "add", f"{address(n)}/24", "dev", "eth0")
            self.plug_in(f"line{n}")
        return self

    def __exit__(self, *all):
        for process in self.running.values():
            process.kill()
            process.wait()
        super().__exit__(*all)

    def begin(self, key, space, argv, **more):
        log = open(f"{self.dir}/{'-'.join(map(str, key))}.log", "ab")
        self.running[key] = subprocess.Popen(["ip", "netns", "exec", space, *argv], stdin=subprocess.DEVNULL, stderr=log,
                                             stdout=log, **more)

    def start_etcd(self, n):
        own, members = f"http://{address(n)}", ",".join(f"e{m}=http://{address(m)}:{PEERS}" for m in range(COUNT))
        self.begin(("etcd", n), self.machines[n], [
            "etcd", "--name", f"e{n}", "--data-dir", f"{self.dir}/e{n}", "--logger", "zap", "--log-level", "warn",
            "--listen-client-urls", f"{own}:{CLIENTS}", "--advertise-client-urls", f"{own}:{CLIENTS}",
            "--listen-peer-urls", f"{own}:{PEERS}", "--initial-advertise-peer-urls", f"{own}:{PEERS}",
            "--initial-cluster", members])

    def start_tracker(self, n, bin=None):
        data = f"{self.dir}/t{n}"
        if not os.path.exists(data):
            os.mkdir(data, 0o700)
            # Its own server first: the others have theirs.
            servers = ", ".join(f'"http://{address((n + m) % COUNT)}:{CLIENTS}"' for m in range(COUNT))
            with open(f"{data}/config.toml", "w") as config:
                config.write(f'{SETTINGS}listen = "{address(n)}:{TRACKER}"\n')
                if n != LONE:
                    config.write(f'mesh = "{address(n)}:{MESH}"\nadvertise = "{address(n)}:{TRACKER}"\ncluster = [{servers}]\n')
            if n > 0:
                subprocess.run(["cp", "-p", f"{self.dir}/t0/identity.key", f"{data}/identity.key"], check=True)
        since = self.said(n).count("potok://")
        self.begin(("tracker", n), self.computers[n], [f"{bin or self.bin}/potok-tracker", "--data-dir", data])
        wait_for(f"tracker {n}", lambda: self.said(n).count("potok://") > since)

    def said(self, n):
        try:
            with open(f"{self.dir}/tracker-{n}.log", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def start(self):
        for n in range(COUNT):
            self.start_etcd(n)
        wait_for("etcd", lambda: self.leader() is not None)
        for n in range(COUNT):
            self.start_tracker(n)

    def key(self):
        return self.said(0).split("/?key=")[1][:64]

    def signal(self, what, n, number):
        process = self.running.pop((what, n))
        process.send_signal(number)
        process.wait(30)

    def etcdctl(self, *words, at=range(COUNT)):
        servers = ",".join(f"http://{address(n)}:{CLIENTS}" for n in at)
        argv = ["ip", "netns", "exec", self.load, "env", "ETCDCTL_API=3", "etcdctl", "--endpoints", servers, *words]
        return subprocess.run(argv, capture_output=True, text=True).stdout

    def leader(self):
        try:
            status = json.loads(self.etcdctl("endpoint", "status", "--write-out=json"))
        except json.JSONDecodeError:
            return None
        if len(status) < COUNT:
            return None
        for one in status:
            if one["Status"].get("leader") == one["Status"]["header"]["member_id"]:
                return int(one["Endpoint"].rsplit(".", 1)[1].split(":")[0]) - 1
        return None

    def rules(self, n, *rules):
        """What packets of a machine are thrown away from now on; nothing with no rules."""
        self.execute(self.machines[n], "nft", "flush", "ruleset")
        if rules:
            self.execute(self.machines[n], "nft", "add table inet cut; "
                         "add chain inet cut in { type filter hook input priority 0; }; "
                         "add chain inet cut out { type filter hook output priority 0; }; " + "; ".join(rules))

    def begin_load(self, *words, count=1, prefix="u", at=None, **more):
        at = ",".join(f"{address(n)}:{TRACKER}" for n in (range(COUNT) if at is None else at))
        options = [f"--{name.replace('_', '-')}={value}" for name, value in more.items()]
        argv = ["ip", "netns", "exec", self.load, f"{self.bin}/examples/cluster_load", *words, "--at", at, "--key", self.key(),
                "--count", str(count), "--prefix", prefix, *options]
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def so_far(load):
    load.stdin.write("\n")
    load.stdin.flush()
    return json.loads(load.stdout.readline())


def end(load):
    load.stdin.close()
    seen = json.loads(load.stdout.read().splitlines()[-1])
    load.wait()
    return seen
