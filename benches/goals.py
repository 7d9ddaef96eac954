"""What Potok is to reach, as ratios within one run, and whether it does."""

from tables import markdown, number

SENDFILE = "limit: sendfile over TCP"
MET, MISSED, UNKNOWN = "met", "**not met**", "not measured"


class Ratio:
    """A figure of Potok's beside the same figure of another program."""

    def __init__(self, group, figure, program, at_least=None, at_most=None, unit="", ours="Potok", theirs=None):
        self.group, self.figure, self.theirs = group, figure, theirs or figure
        self.program, self.ours, self.unit = program, ours, unit
        self.at_least, self.at_most = at_least, at_most

    def measure(self, f):
        ours, theirs = f(self.group, self.figure, self.ours), f(self.group, self.theirs, self.program)
        ratio = ours / theirs
        met = ratio >= self.at_least if self.at_least else ratio <= self.at_most
        return f"{number(ours)} {self.unit}", f"{self.program.replace('limit: ', '')}: {number(theirs)}", f"{ratio:.2f}", met


class Most:
    """Figures of Potok's that have limits; another program's may stand beside the first."""

    def __init__(self, group, limits, unit, program=None, factor=1.0, ours="Potok"):
        self.group, self.limits, self.unit, self.program, self.factor = group, limits, unit, program, factor
        self.ours = ours

    def measure(self, f):
        ours = [f(self.group, name, self.ours) * self.factor for name in self.limits]
        beside, ratio = "", ""
        if self.program:
            theirs = f(self.group, next(iter(self.limits)), self.program) * self.factor
            beside, ratio = f"{self.program}: {number(theirs)}", f"{ours[0] / theirs:.2f}"
        met = all(figure <= limit for figure, limit in zip(ours, self.limits.values()))
        return f"{' / '.join(map(number, ours))} {self.unit}", beside, ratio, met


class Special:
    """A goal that is measured in a way of its own."""

    def __init__(self, measure):
        self.measure = measure


def beside_sendfile(f):
    ours, ratio, limit = (f("file", name) for name in ("megabytes_per_second", "of_limit", "limit_megabytes_per_second"))
    return f"{number(ours)} MB/s", f"sendfile, next to it: {number(limit)}", f"{ratio:.2f}", ratio >= 0.75


def bad_sources(f):
    names = ("megabytes_per_second", "of_good", "good_megabytes_per_second")
    ours, ratio, good = (f("sources", name, "two good, one slow, one liar") for name in names)
    return f"{number(ours)} MB/s", f"two good, next to it: {number(good)}", f"{ratio:.2f}", ratio >= 0.9


def small_files(f):
    ours, rqbit = f("small", "files_per_second"), f("small", "files_per_second", "rqbit")
    beside = f"rqbit: {number(rqbit)}" if rqbit else "rqbit was 25,000 on such a machine"
    return f"{number(ours)} files/s", beside, f"{ours / (rqbit or 25_000):.2f}", ours >= (rqbit or 25_000)


def after_kill(f):
    again, first = (f("resume", name, "Potok, one command") for name in ("again_mib", "first_byte_seconds"))
    gigabytes = f("share", "seconds") * f("share", "gigabytes_per_second")
    # A second, and reading half of the file at 2 GB/s.
    allowed = 1 + gigabytes / 2 / 2
    return f"{number(again)} MiB, {number(first)} s", f"allowed: 16 MiB, {allowed:.1f} s", "", again <= 16 and first <= allowed


def requests(f):
    names = ("per_second_50x16", "per_second_5000x1")
    ours, theirs = [f("requests", name) for name in names], [f("requests", name, "redis") for name in names]
    ratios = [mine / other for mine, other in zip(ours, theirs)]
    return (
        f"{' / '.join(map(number, ours))} a second",
        f"redis: {' / '.join(map(number, theirs))}",
        " / ".join(f"{ratio:.2f}" for ratio in ratios),
        min(ratios) >= 1.0,
    )


def waits(f):
    ours, worst, theirs = f("waits", "p999_ms"), f("waits", "max_ms"), f("waits", "p999_ms", "redis")
    return (
        f"{number(ours)} ms, worst {number(worst)}",
        f"redis: {number(theirs)}",
        f"{ours / theirs:.2f}",
        ours <= 2 * theirs and worst <= 20,
    )


def registering(f):
    seconds, up, asked = (f("users", name) for name in ("seconds", "up", "asked"))
    theirs = f("users", "seconds", "redis")
    return (
        f"{number(seconds)} s, {up:,} of {asked:,}",
        f"redis, connecting only: {number(theirs)} s",
        f"{seconds / theirs:.2f}",
        seconds <= 1 and up == asked,
    )


def idle_sessions(f):
    plain, tls = f("users", "bytes_a_user") / 1024, f("sign-on", "bytes_a_user_register") / 1024
    return f"{number(plain)} / {number(tls)} KiB", "", "", plain <= 2 and tls <= 32


def window_memory(f):
    ours, empty = (f("growth-window", "resident_mib", "Potok", files) for files in (1_000_000, 0))
    return f"{number(ours)} MiB", f"an empty network: {number(empty)}", f"{ours / empty:.2f}", ours <= 1.15 * empty


# Its name, what it is about, what is to be reached, how it is measured.
GOALS = [
    (
        "S1",
        "one file of 4 GiB, encrypted and verified, into a fresh file",
        "≥ 0.75 × sendfile over TCP",
        Special(beside_sendfile),
    ),
    (
        "S1",
        "",
        "≥ 1.0 × aria2 from nginx with TLS, which verifies nothing",
        Ratio("file", "of_limit", "nginx TLS, aria2 ×4", at_least=1.0, unit="of sendfile"),
    ),
    ("S1", "", "≥ 1.8 × Syncthing", Ratio("file", "of_limit", "Syncthing", at_least=1.8, unit="of sendfile")),
    (
        "S2",
        "processor time of it, sending / receiving",
        "≤ 0.45 / 1.1 s a GB",
        Most("file", {"sending_cpu_s_per_gb": 0.45, "receiving_cpu_s_per_gb": 1.1}, "s a GB"),
    ),
    (
        "S3",
        "memory for it, sending / receiving",
        "≤ 30 MiB each",
        Most("file", {"sending_mib": 30, "receiving_mib": 30}, "MiB"),
    ),
    (
        "S4",
        "10,000 files of 4 KiB as a folder, each durable before it is called finished",
        "≥ 1.0 × rqbit in plain text",
        Special(small_files),
    ),
    (
        "S5",
        "four sources, one slow and one that lies",
        "≥ 0.9 × the good ones alone",
        Special(bad_sources),
    ),
    (
        "S6",
        "after a kill at half: moved again; the first new byte",
        "≤ 16 MiB; ≤ 1 s and reading at 2 GB/s",
        Special(after_kill),
    ),
    ("S7", "time to share it", "≥ 0.9 × b3sum", Ratio("share", "gigabytes_per_second", "b3sum", at_least=0.9, unit="GB/s")),
    ("S7", "100,000 unchanged files after a restart, checked and announced", "≤ 2 s", Most("restart", {"seconds": 2}, "s")),
    (
        "S8",
        "announce, 100 files a line",
        "≥ 0.35 × redis SADD",
        Ratio("announce", "files_per_second_100_a_line", "redis", at_least=0.35, unit="files/s"),
    ),
    (
        "S8",
        "announce, 1 a line",
        "≥ 0.4 × redis SADD",
        Ratio("announce", "files_per_second_1_a_line", "redis", at_least=0.4, unit="files/s"),
    ),
    (
        "S9",
        "memory of an announced file, searchable (redis: not)",
        "≤ 180 bytes",
        Most("announce", {"bytes_a_file_100_a_line": 180}, "bytes", "redis"),
    ),
    (
        "S10",
        "search in 1,000,000, first 100 by path, p99, while 2,000 a second come and go",
        "≤ 1 ms",
        Most("search", {"p99_ms_while_they_come_and_go": 1}, "ms"),
    ),
    ("S10", "the same in 10,000,000", "≤ 10 ms", Most("search-10m", {"p99_ms_while_they_come_and_go": 10}, "ms")),
    (
        "S10",
        "50 askers",
        "≥ 10 × the server that scans",
        Ratio("search", "per_second_50_askers", "limit: scan", at_least=10, unit="a second"),
    ),
    ("S11", "10,000 users register", "≤ 1 s, none lost", Special(registering)),
    ("S11", "5,000 who all watch", "≤ 0.1 × uhub", Ratio("users", "watching_seconds", "uhub", at_most=0.1, unit="s")),
    ("S11", "memory of an idle session, plain / TLS", "≤ 2 / 32 KiB", Special(idle_sessions)),
    (
        "S12",
        "one change told to 10,000, the last one, besides the wait to merge",
        "≤ 1.1 × redis PUBLISH",
        Ratio("notices", "telling_ms_one", "redis", at_most=1.1, unit="ms", theirs="last_ms_one"),
    ),
    (
        "S12",
        "50 changes at once",
        "≥ 1.0 × redis",
        Ratio("notices", "per_second_fifty", "redis", at_least=1.0, unit="deliveries/s"),
    ),
    ("S13", "request and reply: 50 connections, 16 in flight / 5,000, one", "≥ 1.0 × redis, both", Special(requests)),
    ("S14", "a reply while 1,000,000 files come in, p99.9", "≤ 2 × redis, none over 20 ms", Special(waits)),
    (
        "S15",
        "TLS sign-ons",
        "≥ 0.7 × bare rustls",
        Ratio("sign-on", "per_second_ping", "limit: rustls", at_least=0.7, unit="a second"),
    ),
    (
        "S16",
        "a window at 300,000 files while a stranger shares one a second, for a minute: received",
        "≤ 200 KB",
        Most("large-network", {"received_kb": 200}, "KB", ours="a file a second"),
    ),
    (
        "S16",
        "opening Browse at 1,000,000 files: received; until there are rows",
        "≤ 1,000 KB; ≤ 500 ms",
        Most("large-network", {"received_kb": 1000, "rows_ms": 500}, "KB, ms", ours="opening"),
    ),
    (
        "S16",
        "a word is typed beside 1,000,000 files and 100 changes a second: until there are its rows, p99",
        "≤ 100 ms",
        Most("large-network", {"p99_ms": 100}, "ms", ours="typing"),
    ),
    ("S16", "memory of the window at 1,000,000 files", "≤ 1.15 × an empty network's", Special(window_memory)),
    (
        "S16",
        "500 windows at 1,000,000 files and 20 changes a second: the tracker's processor",
        "≤ 0.5 of one",
        Most("large-network", {"tracker_processors": 0.5}, "", ours="500 windows"),
    ),
]


def limit_of_one_file(f):
    ours = f("file", "sending_cpu_s_per_gb") + f("file", "receiving_cpu_s_per_gb")
    least = f("file", "sending_cpu_s_per_gb", SENDFILE) + f("file", "receiving_cpu_s_per_gb", SENDFILE)
    rate = f("file", "megabytes_per_second") / 1000
    return (
        f"sender and receiver share two processors. Copying alone costs {number(least)} s a GB on both sides together (sendfile, "
        "and filling fresh pages of the destination). What Potok adds at least is AES-GCM twice and BLAKE3 twice, since the sender "
        "checks each block before it leaves: at 5 and 4.5 GB/s a thread, as such processors have them alone, that is 0.85 s, so "
        f"with nothing else lost two processors end at {number(2 / (least + 0.85))} GB/s. Potok uses {number(ours)} s a GB, which "
        f"ends at {number(2 / ours)} GB/s, and reaches {number(rate)} GB/s, {rate * ours / 2:.0%} of that"
    )


def limit_of_small_files(f):
    files = f("small", "files_per_second")
    gigabytes = 4096 / 1e9
    sending, receiving = (f("small", name) * gigabytes * 1e6 for name in ("sending_cpu_s_per_gb", "receiving_cpu_s_per_gb"))
    return (
        f"a file takes {number(1e6 / files)} µs, in which the sender works {number(sending)} µs and the receiver {number(receiving)} "
        "µs: it is created, written, checked, synced, renamed and noted in the database, and its folder is synced, before it is "
        "called finished. curl, aria2 and BitTorrent sync nothing"
    )


def limit_of_announcing(f):
    ours, redis = (1e6 / f("announce", "files_per_second_100_a_line", program) for program in ("Potok", "redis"))
    return (
        f"redis takes {number(redis)} µs to keep a name, Potok {number(ours)} µs a file. It reads size and hash, checks the path "
        "(composed form, parts, directions), puts it into the order of paths and into the index of the search, and tells whoever "
        "watches. Two shards do that at the same time, and share these two processors with sessions and generator"
    )


def limit_of_requests(f):
    names = ("per_second_50x16", "per_second_5000x1")
    most = " and ".join(number(f("requests", name, "limit: epoll")) for name in names)
    return (
        f"server and generator share two processors, and one epoll thread that answers without reading reaches {most} beside the same "
        "generator. The rest is the lines' way through a task a session and back"
    )


def limit_of_sources(f):
    good, all_four = (f("sources", "receiving_cpu_s_per_gb", name) for name in ("two good", "two good, one slow, one liar"))
    return (
        "four senders and the receiver share two processors, and what the liar has sent is received, hashed and thrown away "
        f"before it is found out: the receiver works {number(all_four)} s a GB instead of {number(good)}"
    )


def limit_of_searching(f):
    worst, askers = (f("search", key) for key in ("p99_ms_while_they_come_and_go", "per_second_50_askers"))
    return (
        "a search that ends with fewer than 100 lines looks at every leaf of some 30 names that the index does not rule out: some "
        "450 of 45,000 for three rare letters, 900 for the worst of the needles. A leaf takes 0.55 µs, most of it waiting for "
        f"memory, and the way over the socket 150 more: {number(worst)} ms at p99. Fifty askers share two processors with their "
        f"tracker: {number(askers)} a second, and a third of that time is the way there and back"
    )


def limit_of_registering(f):
    ours, redis = (f("users", "seconds", program) / f("users", "asked", program) * 1e6 for program in ("Potok", "redis"))
    return (
        f"to be connected to costs redis {number(redis)} µs a user; Potok takes {number(ours)}, in which it also checks the name against "
        "all that could be confused with it and queues what others are told"
    )


# What limits a goal that is missed, with the arithmetic. Shown only as long as it is.
LIMITS = {
    "S1": limit_of_one_file,
    "S2": limit_of_one_file,
    "S4": limit_of_small_files,
    "S5": limit_of_sources,
    "S8": limit_of_announcing,
    "S9": lambda f: (
        "53 bytes of path, 32 of hash, 6 of size and 4 of owner are 95 without anything to find them by; the index of the search "
        "takes some 36, the rest is the order by path and by hash, and what an allocator leaves between. Each of two shards has an "
        "index of its own over its parts, which costs 2 bytes more than one piece"
    ),
    "S10": limit_of_searching,
    "S11": limit_of_registering,
    "S13": limit_of_requests,
    "S14": lambda f: (
        "generator and tracker share two processors, and a line of 100 files is done whole before the next is read"
    ),
}


def row(results, goal):
    name, what, to_reach, how = goal
    try:
        ours, beside, ratio, met = how.measure(results.figure)
    except TypeError:
        return [name, what, "", "", "", to_reach, UNKNOWN]
    return [name, what, ours, beside, ratio, to_reach, MET if met else MISSED]


def table(results):
    return markdown(["goal", "what", "Potok", "beside it", "ratio", "to reach", ""], [row(results, goal) for goal in GOALS])


def limits(results):
    missed = dict.fromkeys(goal[0] for goal in GOALS if row(results, goal)[-1] == MISSED)
    # Two goals may have one limit.
    names = {}
    for name in missed:
        try:
            names.setdefault(LIMITS[name](results.figure), []).append(name)
        except (KeyError, TypeError):
            continue
    shown = [f"- **{', '.join(of)}**: {text}." for text, of in names.items()]
    return "What limits those that are not met:\n\n" + "\n".join(shown) if shown else ""
