"""An Internet of network namespaces: a switch, lines of some length and rate to it, and homes behind routers of many kinds.

public         no router: the computer is on the Internet
cone           a router that keeps the port of a connection and lets only answers in; everything else is dropped
reject         the same, and everything else is refused (RST)
open           the same, but the router itself has no filter: what was not asked for it answers itself
symmetric      a router that gives every connection another port
no-udp         a cone that lets no UDP through
cgn            a cone behind the provider's own router, a cone too
cgn-symmetric  a cone behind the provider's own router, which is symmetric
firewall       IPv6, and a router that lets only answers in
pcp            a cone with a real miniupnpd: PCP, NAT-PMP and UPnP
nat-pmp        the same, which knows no PCP
upnp           the same, which knows UPnP alone
pinhole        a firewall with a real miniupnpd, which lets connections to one port of a computer through (PCP)

Needs Linux, root, iproute2, nftables and miniupnpd.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from namespaces import Namespaces, ip
from processes import ROOT, Program

# No documentation addresses: what opens ports of routers does not take those for public ones. Nothing leaves the namespaces.
NETWORK, NETWORK6 = "11.22.33", "2001:db8:"
NEEDED = ("ip", "nft", "miniupnpd")
# Homes whose router opens ports for those who ask.
MAPPING = ("pcp", "nat-pmp", "upnp", "pinhole")
# Those of IPv6, whose computers have addresses of the Internet.
OF_IPV6 = ("firewall", "pinhole")
# miniupnpd 2.3.1 refuses to end a pinhole (it compares with words that it keeps no more), and takes a short time for it.
PINHOLE_SECONDS_MIN = 2
# What a line may hold back at once, and for how long: a router's buffer.
BURST, LATENCY = "256kb", "50ms"
# Has the kernel forget every connection that passes: IPCTNL_MSG_CT_DELETE of nfnetlink for none in particular.
FORGET_CONNECTIONS = '''
import socket, struct
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
netlink.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 1 | 4, 1, 0, 0, 0, 0))
answer = netlink.recv(4096)
error = struct.unpack_from("=i", answer, 16)[0]
assert error == 0, error
'''


class Internet(Namespaces):
    """The switch, and what is on it. `round_trip_ms`: between two homes; the tracker's computer is in the middle."""

    def __init__(self, round_trip_ms=0, megabits=None):
        super().__init__("homes")
        self.lines, self.line_of, self.mapper_of = 0, {}, {}
        self.delay_ms, self.megabits = round_trip_ms / 4, megabits
        self.folder = tempfile.mkdtemp(prefix="potok-homes-")

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in self.spaces:
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)

    def space(self, name):
        super().space(name)
        # New IPv6 addresses are used at once.
        for where in ("all", "default"):
            self.execute(name, "sysctl", "-qw", f"net.ipv6.conf.{where}.accept_dad=0")
        # What a computer here knows by name.
        os.makedirs(f"/etc/netns/{name}", exist_ok=True)
        with open(f"/etc/netns/{name}/hosts", "w") as hosts:
            hosts.write("127.0.0.1 localhost\n")

    def plug(self, name, device, number, families=(4,), is_home=True):
        """A line from a namespace to the switch, with public addresses."""
        self.lines += 1
        line = f"line{self.lines}"
        if self.delay_ms and is_home:
            delayed = [f"{ROOT}/tests/delayed_line.py", self.name, line, name, device, str(self.delay_ms)]
            self.keep(Program([sys.executable, *delayed])).hear("ready")
            ip("-n", self.name, "link", "set", line, "up")
            ip("-n", name, "link", "set", device, "up")
        else:
            self.cable(self.name, line, name, device)
        self.line_of[number] = line
        self.mend(number)
        if self.megabits and is_home:
            for where, end in ((self.name, line), (name, device)):
                subprocess.run(["tc", "-n", where, "qdisc", "replace", "dev", end, "root", "tbf", "rate", f"{self.megabits}mbit",
                                "burst", BURST, "latency", LATENCY], check=True)
        self.address(name, device, number, families)

    def address(self, name, device, number, families):
        if 4 in families:
            ip("-n", name, "address", "add", f"{NETWORK}.{number}/24", "dev", device)
        if 6 in families:
            ip("-n", name, "address", "add", f"{NETWORK6}:{number}/64", "dev", device)

    def cut(self, number):
        self.unplug(self.line_of[number])

    def mend(self, number):
        self.plug_in(self.line_of[number])

    def computer(self, name, number, families=(4, 6)):
        """A computer on the Internet, in the middle of it."""
        space = f"{self.name}-{name}"
        self.space(space)
        self.plug(space, "eth0", number, families, is_home=False)
        return space

    def home(self, kind, number, computers=1):
        """The namespaces of the computers in a home of this kind."""
        spaces = [f"{self.name}-c{number}-{n}" for n in range(computers)]
        for space in spaces:
            self.space(space)
        if kind == "public":
            self.plug(spaces[0], "eth0", number)
            return spaces
        router = f"{self.name}-r{number}"
        self.space(router)
        ip("-n", router, "link", "add", "lan", "type", "bridge")
        ip("-n", router, "link", "set", "lan", "up")
        for n, space in enumerate(spaces):
            self.cable(router, f"lan{n}", space, "eth0")
            ip("-n", router, "link", "set", f"lan{n}", "master", "lan")
        if kind in OF_IPV6:
            self.plug(router, "wan", number, (6,) if kind == "firewall" else (4, 6))
            self.gateway(spaces, router, f"{NETWORK6}{number}:", 64)
            self.filter(router, kind)
            self.tell(number)
            if kind in MAPPING:
                # What opens ports wants to be at home by IPv4, too.
                ip("-n", router, "address", "add", "192.168.1.1/24", "dev", "lan")
                self.open_ports(router, kind, number)
            return spaces
        self.gateway(spaces, router, "192.168.1.", 24)
        if kind in ("cgn", "cgn-symmetric"):
            provider = f"{self.name}-p{number}"
            self.space(provider)
            self.cable(provider, "lan", router, "wan")
            self.gateway([router], provider, "100.64.0.", 24, "wan")
            self.plug(provider, "wan", number)
            self.filter(provider, "symmetric" if kind == "cgn-symmetric" else "cone")
            self.filter(router, "cone")
        else:
            self.plug(router, "wan", number)
            self.filter(router, kind)
            if kind in MAPPING:
                self.open_ports(router, kind, number)
        return spaces

    def tell(self, number):
        """Everybody on the Internet knows where the IPv6 network of the home with this number is, and this home where others
        are."""
        homes = [int(name.rsplit("-r", 1)[1]) for name in self.spaces if "-r" in name]
        for name in self.spaces:
            is_router = name.startswith(f"{self.name}-r")
            if name.startswith(f"{self.name}-t") or is_router and not name.endswith(f"-r{number}"):
                ip("-n", name, "route", "replace", f"{NETWORK6}{number}::/64", "via", f"{NETWORK6}:{number}")
        for other in homes:
            if other != number:
                ip("-n", f"{self.name}-r{number}", "route", "replace", f"{NETWORK6}{other}::/64", "via", f"{NETWORK6}:{other}")

    def gateway(self, inner, outer, network, bits, device="eth0"):
        """Those inside have the addresses behind the gateway's, which is the first of the network."""
        colon = ":" if ":" in network else ""
        ip("-n", outer, "address", "add", f"{network}{colon}1/{bits}", "dev", "lan")
        for n, name in enumerate(inner, 2):
            ip("-n", name, "address", "add", f"{network}{colon}{n}/{bits}", "dev", device)
            ip("-n", name, "route", "add", "default", "via", f"{network}{colon}1")

    def filter(self, router, kind):
        """Lets only answers in. Who sends what was not asked for is dropped or refused, at the router itself too."""
        self.execute(router, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        ports = " random,fully-random" if kind == "symmetric" else ""
        nat = f'table ip nat {{\n chain out {{ type nat hook postrouting priority srcnat; oifname "wan" masquerade{ports}; }}\n}}\n'
        answers = 'ct state established,related accept; icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;'
        refusal = {"reject": "tcp dport 0-65535 reject with tcp reset; drop;", "open": "accept;"}.get(kind, "drop;")
        udp = "meta l4proto udp drop;" if kind == "no-udp" else ""
        # What an earlier chain accepts a later one may still drop: a pinhole is in the one that drops.
        mapped = "" if kind not in MAPPING else "accept;" if kind == "pinhole" else "ct status dnat accept;"
        rules = f"""{"" if kind in OF_IPV6 else nat}table inet gate {{
            chain mine {{ type filter hook input priority filter; iifname != "wan" accept; {answers} {refusal} }}
            chain through {{ type filter hook forward priority filter; {udp} iifname != "wan" accept; {answers} {mapped} drop; }}
        }}"""
        self.execute(router, "nft", "-f", "-", input=rules, text=True)

    def open_ports(self, router, kind, number):
        """Runs what opens ports on request. A router without PCP is made of one with it, whose requests get lost."""
        pcp = "udp dport 5351 @th,64,8 2 drop;" if kind == "nat-pmp" else ""
        others = 'iifname "wan" ct state != { established, related } drop;' if kind == "pinhole" else ""
        rules = f"""table inet filter {{
            chain requests {{ type filter hook input priority -10; {pcp} }}
            chain forward {{ type filter hook forward priority -10; jump miniupnpd; {others} }}
            chain miniupnpd {{ }}
            chain prerouting {{ type nat hook prerouting priority -100; jump prerouting_miniupnpd; }}
            chain prerouting_miniupnpd {{ }}
            chain postrouting {{ type nat hook postrouting priority 100; jump postrouting_miniupnpd; }}
            chain postrouting_miniupnpd {{ }}
        }}"""
        self.execute(router, "nft", "-f", "-", input=rules, text=True)
        # Not where what a namespace has of /etc is.
        dir = f"{self.folder}/{router}"
        os.makedirs(dir, exist_ok=True)
        with open(f"{dir}/miniupnpd.conf", "w") as conf:
            conf.write(f"ext_ifname=wan\nlistening_ip=lan\nhttp_port=0\nenable_upnp=yes\nsecure_mode=yes\n"
                       f"enable_natpmp={'no' if kind == 'upnp' else 'yes'}\n"
                       f"min_lifetime={PINHOLE_SECONDS_MIN if kind == 'pinhole' else 30}\nmax_lifetime=86400\n"
                       f"uuid=00000000-0000-0000-0000-0000000000{number:02}\nlease_file={dir}/leases\n"
                       "allow 1024-65535 192.168.1.0/24 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n")
        self.mapper_of[number] = self.run(router, ["miniupnpd", "-d", "-f", f"{dir}/miniupnpd.conf", "-P", f"{dir}/miniupnpd.pid"])

    def restart(self, kind, number):
        """The router of the home with this number is switched off and on: it has forgotten which connections there are, and
        whom it has let in. Until `mend` its line is dead."""
        router = f"{self.name}-r{number}"
        self.cut(number)
        if kind in MAPPING:
            self.stop(self.mapper_of.pop(number))
            shutil.rmtree(f"{self.folder}/{router}")
        self.execute(router, "nft", "flush", "ruleset")
        self.execute(router, sys.executable, "-c", FORGET_CONNECTIONS)
        self.filter(router, kind)
        if kind in MAPPING:
            self.open_ports(router, kind, number)

    def move(self, number, before, after):
        """The provider gives the home with this number another address."""
        router = f"{self.name}-r{number}"
        # The other one first: with the first address of a network all others of it go.
        ip("-n", router, "address", "delete", f"{NETWORK}.{before}/24", "dev", "wan")
        ip("-n", router, "address", "add", f"{NETWORK}.{after}/24", "dev", "wan")

    def open_now(self, number):
        """The ports that the router of the home with this number has opened."""
        rules = []
        for chain, verdict in (("prerouting_miniupnpd", "dnat"), ("miniupnpd", "2001")):
            listing = self.execute(f"{self.name}-r{number}", "nft", "list", "chain", "inet", "filter", chain,
                                   capture_output=True, text=True).stdout
            rules += [line.strip() for line in listing.splitlines() if verdict in line]
        return rules
