"""What a tracker costs, beside other servers and the same generator (`benches/trackbench`): S8 to S15."""
import json
import os
import select
import shutil
import socket
import sqlite3
import subprocess
import time

from harness import Processes, Skip, median, resident_bytes, start_tracker, wait_for_port

REDIS_PORT, HUB_PORT, LIMIT_PORT, TLS_PORT = 6399, 1511, 7000, 7002
# Connections of the generator that share an address: a tracker limits them.
PER_SOURCE = 24
REGISTER = "register-user u{c} 4001"
ITEMS = 100
# How the row ends in which the tracker has its catalog in one piece.
ONE_PIECE = "in one piece"


def trackbench(bench, verb, *where, stay=False, **options):
    """Runs the generator; its figures. With `stay` also the process, which goes when its input is closed."""
    if not os.access(bench.args.trackbench, os.X_OK):
        raise Skip("benches/trackbench is not built: cargo build --release in its folder")
    argv = words(bench, verb, *where, stay=stay, **options)
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not stay:
        process.stdin.close()
        process.wait()
    if not line:
        raise RuntimeError(f"no figures from {' '.join(argv)}")
    figures = json.loads(line)
    if figures.get("errors"):
        print(f"  {figures['errors']} errors, the first: {figures['first_error']}", flush=True)
    return (figures, process) if stay else figures


def words(bench, verb, *where, **options):
    """A command line: `in_flight=16` is `--in-flight 16`, a list is given several times, True is a flag."""
    argv = [bench.args.trackbench, verb, *where]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        for each in value if isinstance(value, list) else [value]:
            if each is not False:
                argv += [option] if each is True else [option, str(each)]
    return argv


def leave(process):
    """Ends a generator that stays."""
    process.stdin.close()
    process.wait()


def start_redis(bench, processes):
    if not shutil.which("redis-server"):
        raise Skip("redis-server is not installed")
    server = processes.start(["redis-server", "--port", str(REDIS_PORT), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                              "no", "--maxclients", "15000", "--dir", bench.fresh("redis"), "--tcp-backlog", "4096"],
                             stdout=subprocess.DEVNULL)
    wait_for_port("127.0.0.1", REDIS_PORT)
    return server, f"127.0.0.1:{REDIS_PORT}"


def redis_version():
    return subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split("v=")[1].split()[0]


def start_hub(bench, processes):
    if not shutil.which("uhub"):
        raise Skip("uhub is not installed")
    folder = bench.fresh("hub")
    for name in ("users", "plugins"):
        open(f"{folder}/{name}", "w").close()
    with open(f"{folder}/uhub.conf", "w") as out:
        out.write(f"server_bind_addr=127.0.0.1\nserver_port={HUB_PORT}\nserver_listen_backlog=4096\nmax_users=15000\n"
                  f"file_acl={folder}/users\nfile_plugins={folder}/plugins\nflood_ctl_interval=1\nflood_ctl_chat=0\n"
                  "flood_ctl_connect=0\nflood_ctl_search=0\nflood_ctl_update=0\nflood_ctl_extras=0\n"
                  "max_send_buffer=33554432\nmax_send_buffer_soft=33554432\n")
    server = processes.start(["uhub", "-c", f"{folder}/uhub.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_port("127.0.0.1", HUB_PORT)
    return server, f"127.0.0.1:{HUB_PORT}"


def hub_version():
    return subprocess.run(["uhub", "-V"], capture_output=True, text=True).stdout.split("/")[1].split("-")[0]


def start_limit(bench, processes, command="limit", port=LIMIT_PORT):
    server = processes.start([bench.args.trackbench, command, f"127.0.0.1:{port}"])
    wait_for_port("127.0.0.1", port)
    return server, f"127.0.0.1:{port}"


def start(bench, processes, program):
    """A server; its process, address, version, and how the generator speaks to it."""
    if program == "redis":
        return *start_redis(bench, processes), redis_version(), {"language": "resp"}
    if program.startswith("limit"):
        return *start_limit(bench, processes), "", {}
    how = {"per_source": PER_SOURCE, "login": [REGISTER]}
    # As many shards as it chooses for itself, or its catalog in one piece.
    settings = {"shards": 1} if program.endswith(ONE_PIECE) else {}
    return *start_tracker(bench, processes, **settings), bench.version("potok-tracker"), how


def announcing(program, items):
    """The command that announces so many files."""
    return {"redis": f"SADD files {{names:{items}}}", "Potok": f"register-files u{{c}} {{items:{items}}}"}.get(
        program.split(",", maxsplit=1)[0], f"put {{names:{items}}}")


def requests(bench, program):
    """The cheapest command: `ping` for all."""
    figures = {}
    for name, connections, in_flight, commands in (("50x16", 50, 16, 3_000_000), ("5000x1", 5000, 1, 400_000)):
        with Processes() as processes:
            server, address, version, how = start(bench, processes, program)
            result = trackbench(bench, "load", address, **how, connections=min(connections, bench.args.users), in_flight=in_flight,
                                commands=commands * bench.args.names // 1_000_000, pid=server.pid,
                                command="PING" if program == "redis" else "ping")
            figures[f"per_second_{name}"] = result["commands_per_second"]
            figures[f"p99_ms_{name}"] = result["milliseconds"]["p99"]
            figures[f"lost_{name}"] = result["lost"] + result["errors"]
    bench.add("requests", program, figures, version)


def announce(bench, program):
    """Announcing files of 53-byte names on 50 connections, 16 commands in flight; memory of each."""
    figures = {}
    for name, items in (("100_a_line", ITEMS), ("1_a_line", 1)):
        with Processes() as processes:
            server, address, version, how = start(bench, processes, program)
            result, stays = trackbench(bench, "load", address, **how, connections=50, in_flight=16, items=items, pid=server.pid,
                                       commands=bench.args.names // items, command=announcing(program, items), stay=True)
            figures[f"files_per_second_{name}"] = result["items_per_second"]
            figures[f"p99_ms_{name}"] = result["milliseconds"]["p99"]
            figures[f"errors_{name}"] = result["errors"]
            if program.startswith("Potok"):
                time.sleep(2)
                added = resident_bytes(server.pid) - result["resident_before_kib"] * 1024
                figures[f"bytes_a_file_{name}"] = added / bench.args.names
            leave(stays)
    if program == "redis":
        with Processes() as processes:
            server, address, version, how = start(bench, processes, program)
            result = trackbench(bench, "load", address, **how, connections=8, in_flight=64, commands=bench.args.names,
                                command="HSET files {name} {size}:{hash}:{c}", pid=server.pid)
            figures["bytes_a_file_100_a_line"] = result["resident_bytes_per_item"]
    bench.add("announce", program, figures, version, names=bench.args.names)


def waits(bench, program):
    """What a `ping` waits for its reply, a thousand a second, while all files are announced, 100 a line."""
    with Processes() as processes:
        server, address, version, how = start(bench, processes, program)
        argv = words(bench, "load", address, **how, connections=50, commands=bench.args.names // ITEMS,
                     command=announcing(program, ITEMS), stay=True)
        announcer = processes.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        asker = Asker(address, "PING\r\n" if program == "redis" else "ping\n")
        waited = []
        while not select.select([announcer.stdout], [], [], 0)[0]:
            waited.append(asker.ask() * 1000)
            time.sleep(0.001)
        leave(announcer)
    waited.sort()
    figures = {f"{name}_ms": waited[int(len(waited) * share)] for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}
    bench.add("waits", program, {**figures, "max_ms": waited[-1], "asked": len(waited)}, version, names=bench.args.names)


class Asker:
    """One connection, one question at a time."""

    def __init__(self, address, question):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.question = question.encode()
        self.ask()

    def ask(self):
        """Seconds until the reply."""
        since = time.monotonic()
        self.socket.sendall(self.question)
        while (line := self.file.readline()).startswith(b"*"):
            pass
        if not line.startswith((b"OK", b"+PONG")):
            raise RuntimeError(f"the server said {line!r}")
        return time.monotonic() - since


def needles(bench, names):
    path = bench.path(f"needles{names}")
    if not os.path.exists(path):
        with open(path, "wb") as out:
            subprocess.run([bench.args.trackbench, "needles", "--names", str(min(names, 1_000_000))], stdout=out, check=True)
    return path


def search(bench, program, names=None, group="search"):
    """Any needle of 3 to 8 letters: a third rare, a third common, a third nowhere. While files come and go."""
    names = names or bench.args.names
    needles_path = needles(bench, names)
    if program.startswith("SQLite"):
        return search_sqlite(bench, program, names, group, needles_path)
    with Processes() as processes:
        server, address, version, how = start(bench, processes, program)
        potok = program.startswith("Potok")
        # A user announces a hundred thousand files at most.
        loaded, stays = trackbench(bench, "load", address, **how, connections=max(10, names // 90_000 + 1), items=ITEMS,
                                   commands=names // ITEMS, command=announcing(program, ITEMS), pid=server.pid, seconds=600,
                                   stay=True)
        time.sleep(2)

        def ask(connections, commands):
            command = "search {needle} limit=100" if potok else "search {needle}"
            return trackbench(bench, "load", address, **how, connections=connections, commands=commands, command=command,
                              first_user=100_000, needles=needles_path)

        figures = times(ask(1, 3600 if potok else 360))
        if potok:
            # A thousand files a second come, a thousand go.
            come_and_go = ["register-files u{c} {items:50}", "unregister-files u{c} {paths:50}"]
            argv = words(bench, "load", address, **how, connections=1, first_user=200_000, first=names, rate=40, seconds=100,
                         command=come_and_go)
            churn = processes.start(argv, stdout=subprocess.DEVNULL)
            time.sleep(1)
            figures |= {f"{name}_while_they_come_and_go": figure for name, figure in times(ask(1, 3600)).items()}
            processes.stop(churn)
        many = ask(50, 20_000 if potok else 2000)
        figures["per_second_50_askers"] = many["commands_per_second"]
        figures["p99_ms_50_askers"] = many["milliseconds"]["p99"]
        figures["loaded_files_per_second"] = loaded["items_per_second"]
        figures["bytes_a_file"] = loaded["resident_bytes_per_item"]
        leave(stays)
    bench.add(group, program, figures, version, names=names)


def times(figures):
    return {f"{name}_ms": figures["milliseconds"][name] for name in ("p50", "p99", "max")}


def search_sqlite(bench, program, names, group, needles_path):
    """SQLite within the process: without a socket, and in the order of insertion."""
    path = f"{bench.fresh('sqlite')}/names.db"
    database = sqlite3.connect(path)
    try:
        database.executescript("pragma journal_mode=off; pragma synchronous=off; "
                               "create virtual table names using fts5(name, tokenize='trigram')")
    except sqlite3.OperationalError as error:
        raise Skip(f"this SQLite has no trigrams: {error}") from None
    listing = subprocess.Popen([bench.args.trackbench, "names", str(names)], stdout=subprocess.PIPE, text=True)
    database.executemany("insert into names values(?)", ((line.rstrip("\n"),) for line in listing.stdout))
    listing.wait()
    database.execute("insert into names(names) values('optimize')")
    database.commit()
    size = os.path.getsize(path) / names
    database.execute("pragma cache_size=-2000000")
    waited = []
    with open(needles_path) as lines:
        for word in lines.read().split():
            since = time.perf_counter()
            database.execute("select name from names where names match ? limit 100", (f'"{word}"',)).fetchall()
            waited.append((time.perf_counter() - since) * 1000)
    database.close()
    waited.sort()
    bench.add(group, program, {"p50_ms": median(waited), "p99_ms": waited[len(waited) * 99 // 100], "max_ms": waited[-1],
                               "bytes_a_file": size}, sqlite3.sqlite_version, names=names)


def search_10m(bench, program):
    search(bench, program, 10 * bench.args.names, "search-10m")


def users(bench, program):
    """Users who register and stay; and half as many who all watch, so that everybody is told of everybody."""
    count = bench.args.users
    figures = {"asked": count}
    if program != "uhub":
        with Processes() as processes:
            server, address, version, how = start(bench, processes, program)
            held = trackbench(bench, "hold", address, **{"login": ["PING"], **how}, connections=count, pid=server.pid)["held"]
            figures |= {"seconds": held["seconds"], "up": held["up"], "bytes_a_user": held["resident_bytes_per_user"]}
    if program != "redis":
        with Processes() as processes:
            if program == "uhub":
                server, address = start_hub(bench, processes)
                version, how = hub_version(), {"language": "adc"}
            else:
                server, address, version, how = start(bench, processes, program)
                how["login"] = [REGISTER, "watch"]
            held = trackbench(bench, "hold", address, **how, connections=count // 2, pid=server.pid)["held"]
            figures |= {"watching_seconds": held["settled_seconds"], "watching_up": held["open"],
                        "bytes_a_watcher": held["resident_bytes_per_user"]}
    bench.add("users", program, figures, version, users=count)


def notices(bench, program):
    """A change of one told to everybody; and 50 changes at once."""
    figures = {}
    for name, at_once, rounds in (("one", 1, 20), ("fifty", 50, 5)):
        told, version = tell(bench, program, bench.args.users, at_once, rounds)
        figures |= {f"{figure}_{name}": value for figure, value in told.items()}
    bench.add("notices", program, figures, version, users=bench.args.users)


def tell(bench, program, count, at_once, rounds):
    """Potok waits for more changes of the same user before it tells; redis does not. `telling` is without that wait."""
    with Processes() as processes:
        server, address, version, how = start(bench, processes, program)
        if program == "Potok":
            how |= {"login": [REGISTER, "watch"], "change": 'register-files u{c} "{name}"', "notice": "* shared"}
        else:
            how |= {"login": ["SUBSCRIBE changes"], "own_speaker": True, "change": "PUBLISH changes EVT:u1:{name}", "notice": "EVT"}
        told = trackbench(bench, "hold", address, **how, connections=count, rounds=rounds, at_once=at_once, pid=server.pid)["told"]
    return {"last_ms": told["last_milliseconds"]["p50"], "telling_ms": told["spread_milliseconds"]["p50"],
            "per_second": told["deliveries_per_second"], "lost": told["expected"] - told["delivered"]}, version


def sign_on(bench, program):
    """TLS handshakes with keys on both sides, and a first command; on the same two processors as those who sign on."""
    figures, version = {}, ""
    count = min(bench.args.users // 2, 5000)
    for name, command in (("ping", "ping"), ("register", REGISTER)):
        with Processes() as processes:
            if program == "Potok":
                # All of them before they have names.
                server, address = start_tracker(bench, processes, unregistered_sessions=count + 10)
                version = bench.version("potok-tracker")
            else:
                server, address = start_limit(bench, processes, "tls-server", TLS_PORT)
            result = trackbench(bench, "tls", address, connections=count, window=64, login=command, pid=server.pid)
            figures |= {f"per_second_{name}": result["users_per_second"], f"failed_{name}": result["failed"],
                        f"server_cpu_us_{name}": result["server_cpu_microseconds_per_user"],
                        f"bytes_a_user_{name}": result["resident_bytes_per_user"]}
    bench.add("sign-on", program, figures, version, users=count)


# Group: what measures it, the rows, whether it is part of the quick form.
GROUPS = {
    "requests": (requests, ["redis", "limit: epoll", "Potok"], True),
    "announce": (announce, ["redis", "Potok", f"Potok, {ONE_PIECE}"], True),
    "waits": (waits, ["redis", "Potok", f"Potok, {ONE_PIECE}"], True),
    "search": (search, ["SQLite FTS5", "limit: scan", "Potok", f"Potok, {ONE_PIECE}"], True),
    "search-10m": (search_10m, ["SQLite FTS5", "Potok"], False),
    "users": (users, ["redis", "uhub", "Potok"], True),
    "notices": (notices, ["redis", "Potok"], True),
    "sign-on": (sign_on, ["limit: rustls", "Potok"], True),
}
