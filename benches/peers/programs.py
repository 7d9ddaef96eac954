"""What every program is asked, and the ones that are asked simply: the limits of the machine, web servers, iroh.

    start     bring the sending side up; `share_seconds` is what it took from the command until the payload could be had
    prepare   empty the destination (not timed)
    begin     the user's command "get it"
    wait      until the payload is complete, as the program understands it
    got       where it is now
    resume    start again after the receiver was killed
"""
import os
import re
import shutil
import subprocess
import time

from harness import RECEIVER, SENDER, Skip, wait_for_port, wait_until
from peers.measure import Side, listening

PROGRAMS = {}


def program(cls):
    PROGRAMS[cls.name] = cls
    return cls


class Program:
    name = ""
    encrypted, verified = "no", "no"
    # What it is measured with: a large file, many small ones, a kill in the middle.
    loads = ("file",)
    needs = ()
    # More small files than this take it minutes.
    files_max = None

    def __init__(self, bench):
        self.bench = bench
        for name in self.needs:
            if not shutil.which(name):
                raise Skip(f"{name} is not installed")
        self.state = bench.fresh("state")
        self.target = bench.path("target")
        environment = {"PATH": os.environ["PATH"], "HOME": self.state, "LANG": "C.UTF-8", "TERM": "xterm", "TMPDIR": self.state}
        self.sender = Side(environment, f"{self.state}/sender.log")
        self.receiver = Side(environment, f"{self.state}/receiver.log")
        self.share_seconds = None
        self.process = None

    def version(self):
        return ""

    def start(self, payload):
        pass

    def prepare(self, payload):
        self.bench.fresh("target")

    def begin(self, payload):
        raise NotImplementedError

    def wait(self, payload):
        status = self.receiver.wait(self.process)
        if status != 0:
            raise RuntimeError(f"the receiver ended with {status}, see {self.state}")

    def got(self, payload):
        return f"{self.target}/{payload.leaf}"

    def resume(self, payload):
        self.begin(payload)

    def stop(self):
        self.receiver.stop()
        self.sender.stop()


def said(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


@program
class Copy(Program):
    """The limit of the file system alone."""
    name, loads = "limit: cp", ("file", "small")

    def version(self):
        return said(["cp", "--version"]).split()[3]

    def begin(self, payload):
        self.process = self.receiver.start(["cp", "-r", payload.path, self.got(payload)])


@program
class Sendfile(Program):
    """The least that a copy over TCP costs: sendfile out, recv and write in, in two processes."""
    name = "limit: sendfile over TCP"
    port = 7001
    send = """import os, socket, sys
server = socket.create_server((sys.argv[2], int(sys.argv[3])))
connection, _ = server.accept()
with open(sys.argv[1], "rb") as file:
    size, offset = os.fstat(file.fileno()).st_size, 0
    while offset < size:
        offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)
"""
    receive = """import socket, sys
buffer = memoryview(bytearray(1 << 20))
with socket.create_connection((sys.argv[2], int(sys.argv[3]))) as connection, open(sys.argv[1], "wb", buffering=0) as out:
    while count := connection.recv_into(buffer):
        out.write(buffer[:count])
"""

    def side(self, side, script, path):
        return side.start(["/usr/bin/python3", "-c", script, path, SENDER, str(self.port)])

    def prepare(self, payload):
        super().prepare(payload)
        self.stop()
        self.side(self.sender, self.send, payload.path)
        wait_until(lambda: listening(self.port), 10, 0.01, "sendfile")

    def begin(self, payload):
        self.process = self.side(self.receiver, self.receive, self.got(payload))


class Nginx(Program):
    encrypted, verified = "TLS 1.3", "no"
    needs = ("nginx", "curl", "openssl")
    loads = ("file", "small", "resume")

    def version(self):
        return re.search(r"nginx/(\S+)", said(["nginx", "-v"])).group(1)

    def start(self, payload):
        self.certificate = f"{self.state}/certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=bench", "-addext", f"subjectAltName=IP:{SENDER}",
                        "-keyout", f"{self.state}/key.pem", "-out", self.certificate], check=True, capture_output=True)
        temporary = " ".join(f"{kind}_temp_path {self.state}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = write(f"{self.state}/nginx.conf", f"""daemon off; worker_processes 2; pid {self.state}/pid;
error_log {self.state}/errors; user root; events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; {temporary}
server {{ listen {SENDER}:8443 ssl; ssl_certificate {self.certificate}; ssl_certificate_key {self.state}/key.pem;
ssl_protocols TLSv1.3; root {os.path.dirname(payload.dir)}; }} }}""")
        self.sender.start(["nginx", "-p", self.state, "-c", configuration])
        wait_for_port(SENDER, 8443)

    def url(self, payload, name):
        return f"https://{SENDER}:8443/{os.path.basename(payload.dir)}/{name}"


@program
class Curl(Nginx):
    name = "nginx TLS, curl"

    def version(self):
        return f"{super().version()}, {said(['curl', '-V']).split()[1]}"

    def begin(self, payload):
        curl = ["curl", "-sS", "--cacert", self.certificate]
        if payload.files:
            wanted = write(f"{self.state}/wanted", "".join(
                f'url = "{self.url(payload, name)}"\noutput = "{self.got(payload)}/{name}"\n' for name in payload.names()))
            self.process = self.receiver.start([*curl, "--create-dirs", "-Z", "--parallel-max", "16", "-K", wanted])
        else:
            self.process = self.receiver.start([*curl, "-C", "-", "-o", self.got(payload), self.url(payload, payload.leaf)])


@program
class Aria(Nginx):
    name = "nginx TLS, aria2 ×4"
    needs = (*Nginx.needs, "aria2c")

    def version(self):
        return f"{super().version()}, {said(['aria2c', '--version']).split()[2]}"

    def begin(self, payload):
        aria = ["aria2c", "-q", "--no-conf", "--file-allocation=none", "--allow-overwrite=true", "--auto-file-renaming=false",
                "--ca-certificate", self.certificate, "-d", self.target]
        if payload.files:
            wanted = write(f"{self.state}/wanted", "".join(
                f"{self.url(payload, name)}\n  out={payload.leaf}/{name}\n" for name in payload.names()))
            self.process = self.receiver.start([*aria, "-j16", "-i", wanted])
        else:
            self.process = self.receiver.start([*aria, "-x4", "-s4", "-c", "-o", payload.leaf, self.url(payload, payload.leaf)])


@program
class Sendme(Program):
    """iroh's program for one transfer."""
    name, needs, loads = "sendme", ("sendme",), ("file", "small", "resume")
    encrypted, verified = "TLS 1.3 in QUIC", "BLAKE3"

    def version(self):
        return said(["sendme", "--version"]).split()[1]

    def start(self, payload):
        since = time.monotonic()
        log = f"{self.state}/ticket"
        self.sender.start(["sendme", "send", "--relay", "disabled", "--no-progress", "--magic-ipv4-addr", f"{SENDER}:7100",
                           payload.path], cwd=self.state, stdout=open(log, "wb"), stderr=subprocess.STDOUT)
        ticket = wait_until(lambda: re.search(r"sendme receive (\S+)", open(log).read()), 300, 0.01, "a ticket")
        self.share_seconds = time.monotonic() - since
        self.ticket = ticket.group(1)

    def begin(self, payload):
        self.process = self.receiver.start(["sendme", "receive", "--relay", "disabled", "--no-progress", "--magic-ipv4-addr",
                                            f"{RECEIVER}:0", self.ticket], cwd=self.target)
