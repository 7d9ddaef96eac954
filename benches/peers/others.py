"""Programs that share as Potok does, with more to set up: Syncthing, Direct Connect, BitTorrent."""
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import termios
import threading
import time
import urllib.parse
import urllib.request

from harness import RECEIVER, SENDER, wait_for_port, wait_until
from peers.measure import Side
from peers.programs import Program, program, said, write


def request(method, url, data=None, headers=None):
    if isinstance(data, (dict, list)):
        data, headers = json.dumps(data).encode(), {"Content-Type": "application/json", **(headers or {})}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}, method=method), timeout=900) as answer:
        return answer.read()


@program
class Syncthing(Program):
    name, needs, loads = "Syncthing", ("syncthing",), ("file", "small", "resume")
    encrypted, verified = "TLS 1.3", "SHA-256, each block"
    headers = {"X-API-Key": "benchbenchbench"}

    def version(self):
        return said(["syncthing", "--version"]).split()[1].lstrip("v")

    def rest(self, ip, method, path, data=None):
        answer = request(method, f"http://{ip}:7400/rest/{path}", data, self.headers)
        return json.loads(answer) if answer.strip() else None

    def status(self, ip):
        return self.rest(ip, "GET", "db/status?folder=bench")

    def home(self, ip):
        return f"{self.state}/{'sender' if ip == SENDER else 'receiver'}"

    def start(self, payload):
        self.payload, self.devices = payload, {}
        for ip in (SENDER, RECEIVER):
            said(["syncthing", "generate", "--no-default-folder", f"--home={self.home(ip)}"])
            self.devices[ip] = said(["syncthing", f"--home={self.home(ip)}", "--device-id"]).split()[-1]
        shutil.copytree(self.home(RECEIVER), f"{self.state}/receiver.new")
        os.makedirs(f"{payload.dir}/.stfolder", exist_ok=True)
        self.up(self.sender, SENDER, payload.dir, "sendonly", True)
        time.sleep(1)
        since = time.monotonic()
        self.rest(SENDER, "PATCH", "config/folders/bench", {"paused": False})
        wait_until(lambda: self.status(SENDER).get("localBytes", 0) >= payload.bytes
                   and self.status(SENDER)["state"] == "idle", 600, 0.05, "the scan")
        self.share_seconds = time.monotonic() - since

    def up(self, side, ip, path, kind, paused):
        other = RECEIVER if ip == SENDER else SENDER
        process = side.start(["syncthing", "serve", f"--home={self.home(ip)}", "--no-browser", "--no-upgrade", "--no-restart",
                              f"--gui-address=http://{ip}:7400", f"--gui-apikey={self.headers['X-API-Key']}"],
                             environment={"STNODEFAULTFOLDER": "1", "STNOUPGRADE": "1"})
        wait_until(lambda: self.answers(ip), 60, 0.05, "Syncthing")
        if not self.rest(ip, "GET", "config/folders"):
            self.rest(ip, "PATCH", "config/options", {
                "listenAddresses": [f"tcp://{ip}:7401"], "globalAnnounceEnabled": False, "localAnnounceEnabled": False,
                "relaysEnabled": False, "natEnabled": False, "urAccepted": -1, "crashReportingEnabled": False,
                "reconnectionIntervalS": 1, "startBrowser": False, "autoUpgradeIntervalH": 0})
            self.rest(ip, "POST", "config/devices", {"deviceID": self.devices[other], "name": "other",
                                                     "addresses": [f"tcp://{other}:7401"]})
            self.rest(ip, "POST", "config/folders", {
                "id": "bench", "path": path, "type": kind, "paused": paused, "fsWatcherEnabled": False, "rescanIntervalS": 0,
                "devices": [{"deviceID": self.devices[ip]}, {"deviceID": self.devices[other]}]})
        return process

    def answers(self, ip):
        try:
            return self.rest(ip, "GET", "system/ping")
        except OSError:
            return None

    def prepare(self, payload):
        self.receiver.stop()
        super().prepare(payload)
        shutil.rmtree(self.home(RECEIVER))
        shutil.copytree(f"{self.state}/receiver.new", self.home(RECEIVER))
        os.makedirs(f"{self.folder(payload)}/.stfolder")
        self.process = self.up(self.receiver, RECEIVER, self.folder(payload), "receiveonly", True)

        def connected(ip, other):
            return self.rest(ip, "GET", "system/connections")["connections"].get(self.devices[other], {}).get("connected")
        wait_until(lambda: connected(SENDER, RECEIVER) and connected(RECEIVER, SENDER), 120, 0.05, "a connection")
        time.sleep(2)

    def folder(self, payload):
        return f"{self.target}/{payload.leaf}"

    def got(self, payload):
        return self.folder(payload) if payload.files else f"{self.folder(payload)}/{payload.leaf}"

    def begin(self, payload):
        self.rest(RECEIVER, "PATCH", "config/folders/bench", {"paused": False})

    def wait(self, payload):
        def done():
            status = self.status(RECEIVER)
            return status.get("globalBytes", 0) >= payload.bytes and status["needBytes"] == 0 and status["state"] == "idle"
        wait_until(done, 900, 0.05, "the copy")

    def resume(self, payload):
        self.process = self.up(self.receiver, RECEIVER, self.folder(payload), "receiveonly", False)

    def stop(self):
        super().stop()
        if getattr(self, "payload", None):
            shutil.rmtree(f"{self.payload.dir}/.stfolder", ignore_errors=True)


class Terminal:
    """A full-screen program: keys in, what it prints kept."""

    def __init__(self, side, argv):
        self.keyboard, screen = pty.openpty()
        termios.tcsetwinsize(screen, (50, 160))
        self.text = b""
        self.process = side.start(argv, stdin=screen, stdout=screen, stderr=screen)
        os.close(screen)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while piece := os.read(self.keyboard, 65536):
                self.text = (self.text + piece)[-200_000:]
        except OSError:
            pass

    def keys(self, keys, pause=0.15):
        os.write(self.keyboard, keys.encode())
        time.sleep(pause)

    def say(self, line):
        self.keys(f"{line}\r")


@program
class Ncdc(Program):
    """Direct Connect, the closest kin: a hub and two clients."""
    name, needs, loads = "ncdc, uhub", ("ncdc", "uhub", "bzcat"), ("file", "small")
    encrypted, verified = "TLS, any key", "Tiger tree"
    # About two files a second.
    files_max = 30

    def version(self):
        return f"{said(['ncdc', '-v']).split()[1]}, {re.search(r'[0-9][0-9.]*', said(['uhub', '-V'])).group()}"

    def start(self, payload):
        self.hub = Side(self.sender.environment, f"{self.state}/hub.log")
        users, plugins = write(f"{self.state}/users", ""), write(f"{self.state}/plugins", "")
        self.hub.start(["uhub", "-c", write(f"{self.state}/uhub.conf", f"server_port=7500\nserver_bind_addr={SENDER}\n"
                                            f"max_users=10\nshow_banner=0\nfile_acl={users}\nfile_plugins={plugins}\n")])
        wait_for_port(SENDER, 7500)
        alice = self.client(self.sender, SENDER, 7501, "alice")
        since = time.monotonic()
        alice.say(f"/share data {payload.dir}")
        wait_until(lambda: self.hashed() >= (payload.files or 1), 600, 0.05, "hashing")
        self.share_seconds = time.monotonic() - since
        # The list of files is published once a minute; this does it now.
        alice.say("/refresh")
        listed = f"{self.state}/alice/files.xml.bz2"
        wait_until(lambda: subprocess.run(["bzcat", listed], capture_output=True).stdout.count(b"TTH=") >= (payload.files or 1),
                   120, 0.2, "the list of files")
        alice.say(f"/open hub adc://{SENDER}:7500")
        self.bob = self.client(self.receiver, RECEIVER, 7502, "bob")
        self.bob.say(f"/open hub adc://{SENDER}:7500")
        time.sleep(1)
        self.bob.keys("\x1b2", 0.5)  # Alt+2: the hub
        wait_until(lambda: b"2 users" in self.bob.text, 20, 0.1, "two users")
        self.bob.say("/browse alice")
        wait_until(lambda: os.listdir(f"{self.state}/bob/fl"), 60, 0.1, "the list of files")
        time.sleep(1)
        self.bob.keys("\x1b3", 0.5)  # Alt+3: the list of files
        self.process = self.bob.process

    def client(self, side, ip, port, nick):
        folder = f"{self.state}/{nick}"
        os.makedirs(folder)
        terminal = Terminal(side, ["ncdc", "-c", folder])
        wait_until(lambda: os.path.exists(f"{folder}/db.sqlite3"), 20)
        time.sleep(1)
        for name, value in (("nick", nick), ("active_ip", ip), ("active_port", port), ("local_address", ip), ("active", "true"),
                            ("tls_policy", "prefer"), ("autorefresh", "0"), ("slots", "10"), ("minislots", "10"),
                            ("download_slots", "10"), ("reconnect_timeout", "1")):
            terminal.say(f"/set {name} {value}")
        return terminal

    def hashed(self):
        try:
            database = sqlite3.connect(f"file:{self.state}/alice/db.sqlite3?mode=ro", uri=True, timeout=0.05)
            count = database.execute("select count(*) from hashfiles").fetchone()[0]
            database.close()
            return count
        except sqlite3.Error:
            return 0

    @property
    def landed(self):
        return f"{self.state}/bob/dl"

    def prepare(self, payload):
        self.bench.fresh("state/bob/dl")

    def begin(self, payload):
        self.bob.keys("d", 0)

    def wait(self, payload):
        if payload.files:
            wait_until(lambda: sum(len(files) for _, _, files in os.walk(self.landed)) >= payload.files, 900, 0.05, "all files")
        else:
            path = self.got(payload)
            wait_until(lambda: os.path.exists(path) and os.path.getsize(path) == payload.bytes, 900, 0.01, "the file")

    def got(self, payload):
        return f"{self.landed}/data" if payload.files else f"{self.landed}/data/{payload.leaf}"

    def stop(self):
        super().stop()
        if getattr(self, "hub", None):
            self.hub.stop()


class Torrent(Program):
    loads = ("file", "small")
    verified = "SHA-1, each piece"

    def make_torrent(self, payload):
        self.torrent = f"{self.state}/payload.torrent"
        subprocess.run(["mktorrent", "-t", "2", "-l", "20" if payload.files else "22", "-a", f"http://{SENDER}:9/announce",
                        "-o", self.torrent, payload.path], check=True, capture_output=True)


@program
class QBittorrent(Torrent):
    """Over TCP and in plain text, its fastest: by default it tries uTP first, at a thirtieth of the speed."""
    name, needs = "qBittorrent", ("qbittorrent-nox", "mktorrent")
    complete = ("stalledUP", "uploading", "forcedUP")

    def version(self):
        return said(["qbittorrent-nox", "--version"]).split()[-1].lstrip("v")

    def client(self, side, ip, port, folder):
        profile = f"{self.state}/{port}"
        write(f"{profile}/qBittorrent/config/qBittorrent.conf", f"""[LegalNotice]
Accepted=true
[BitTorrent]
Session\\DefaultSavePath={folder}
Session\\Port={port}
Session\\Interface=
Session\\InterfaceAddress={ip}
Session\\RefreshInterval=100
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\QueueingSystemEnabled=false
Session\\Encryption=2
Session\\BTProtocol=TCP
Session\\MultiConnectionsPerIp=true
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\\Address={ip}
WebUI\\Port=7310
WebUI\\AuthSubnetWhitelistEnabled=true
WebUI\\AuthSubnetWhitelist=10.99.0.0/24
WebUI\\LocalHostAuth=false
WebUI\\HostHeaderValidation=false
WebUI\\CSRFProtection=false
""")
        process = side.start(["qbittorrent-nox", f"--profile={profile}"])
        wait_for_port(ip, 7310)
        return process

    def ask(self, ip, path, **fields):
        data = urllib.parse.urlencode(fields).encode() if fields else None
        return request("POST" if fields else "GET", f"http://{ip}:7310/api/v2/{path}", data)

    def add(self, ip, **fields):
        """Adds the torrent, which the interface takes as an uploaded file only."""
        mark, body = "bench0bound", b""
        for name, value in fields.items():
            body += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        with open(self.torrent, "rb") as torrent:
            body += (f'--{mark}\r\nContent-Disposition: form-data; name="torrents"; filename="payload.torrent"\r\n'
                     f'Content-Type: application/x-bittorrent\r\n\r\n').encode() + torrent.read()
        body += f"\r\n--{mark}--\r\n".encode()
        request("POST", f"http://{ip}:7310/api/v2/torrents/add", body,
                {"Content-Type": f"multipart/form-data; boundary={mark}"})

    def torrent_of(self, ip):
        torrents = json.loads(self.ask(ip, "torrents/info"))
        return torrents[0] if torrents else {"state": "none"}

    def start(self, payload):
        folder = os.path.dirname(payload.path)
        self.client(self.sender, SENDER, 7311, folder)
        since = time.monotonic()
        self.make_torrent(payload)
        self.add(SENDER, savepath=folder, skip_checking="true")
        wait_until(lambda: self.torrent_of(SENDER)["state"] in self.complete, 300, 0.02, "seeding")
        self.share_seconds = time.monotonic() - since
        self.process = self.client(self.receiver, RECEIVER, 7321, self.target)

    def prepare(self, payload):
        super().prepare(payload)
        self.ask(RECEIVER, "torrents/delete", hashes="all", deleteFiles="true")
        time.sleep(2)
        self.bench.fresh("target")

    def begin(self, payload):
        self.add(RECEIVER, savepath=self.target)
        found = wait_until(lambda: self.torrent_of(RECEIVER).get("hash"), 30, 0.01, "the torrent")
        self.ask(RECEIVER, "torrents/addPeers", hashes=found, peers=f"{SENDER}:7311")

    def wait(self, payload):
        wait_until(lambda: self.torrent_of(RECEIVER)["state"] in self.complete, 900, 0.03, "the copy")


@program
class Rqbit(Torrent):
    name, needs = "rqbit", ("rqbit", "mktorrent")

    def version(self):
        return said(["rqbit", "--version"]).split()[-1]

    def client(self, ip, port):
        return ["rqbit", "-v", "warn", "--disable-dht", "--disable-lsd", "--disable-upnp-port-forward", "--listen-ip", ip,
                "--listen-port", str(port)]

    def start(self, payload):
        since = time.monotonic()
        self.make_torrent(payload)
        # A seeder is somebody who downloads what is there already.
        self.sender.start([*self.client(SENDER, 7351), "--http-api-listen-addr", f"{SENDER}:7350", "download", "--overwrite",
                           "-o", os.path.dirname(payload.path), self.torrent])

        def ready():
            try:
                return json.loads(request("GET", f"http://{SENDER}:7350/torrents/0/stats/v1"))["finished"]
            except OSError:
                return False
        wait_until(ready, 300, 0.05, "seeding")
        self.share_seconds = time.monotonic() - since

    def begin(self, payload):
        self.process = self.receiver.start([*self.client(RECEIVER, 7352), "download", "--overwrite", "--disable-http-api", "-e",
                                            "-o", self.target, "--initial-peers", f"{SENDER}:7351", self.torrent])
