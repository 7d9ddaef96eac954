"""What Potok is to reach, as ratios within one run, and whether it does."""
from tables import markdown, number

MET, MISSED, UNKNOWN = "met", "**not met**", "not measured"


class Goal:
    """One goal: which figures, what is beside them, from where it is met; and what limits it where it is not."""

    def __init__(self, name, what, goal, measure, limit=""):
        self.name, self.what, self.goal, self.measure, self.limit = name, what, goal, measure, limit

    def row(self, results):
        try:
            ours, beside, ratio, met = self.measure(results.figure)
        except (TypeError, ZeroDivisionError):
            return [self.name, self.what, "", "", "", self.goal, UNKNOWN]
        return [self.name, self.what, ours, beside, f"{ratio:.2f}" if ratio is not None else "", self.goal, MET if met else MISSED]


def speed(ours, others, unit, at_least, name):
    """Ours is to be at least so much of theirs."""
    ratio = ours / others
    return f"{number(ours)} {unit}", f"{name}: {number(others)}", ratio, ratio >= at_least


def below(ours, others, unit, at_most, name):
    """Ours is to be at most so much of theirs."""
    ratio = ours / others
    return f"{number(ours)} {unit}", f"{name}: {number(others)}", ratio, ratio <= at_most


def absolute(ours, unit, most):
    shown = " / ".join(number(figure) for figure in ours)
    return f"{shown} {unit}", "", None, all(figure <= limit for figure, limit in zip(ours, most))


def rate_of(program):
    return lambda f: (f("file", "megabytes_per_second"), f("file", "megabytes_per_second", program))


def s4(f):
    ours, rqbit = f("small", "files_per_second"), f("small", "files_per_second", "rqbit")
    beside = f"rqbit: {number(rqbit)}" if rqbit else "rqbit on such a machine: 25,000"
    return f"{number(ours)} files/s", beside, ours / (rqbit or 25_000), ours >= (rqbit or 25_000)


def s6(f):
    again, first = f("resume", "again_mib", "Potok, one command"), f("resume", "first_byte_seconds", "Potok, one command")
    # Half of the file is read again, at 2 GB/s.
    allowed = 1 + (f("share", "seconds", "Potok") is not None) * f("share", "seconds") * f("share", "gigabytes_per_second") / 2 / 2
    return f"{number(again)} MiB, {number(first)} s", f"allowed: {allowed:.1f} s", None, again <= 16 and first <= allowed


def s13(f):
    pairs = [(f("requests", name), f("requests", name, "redis")) for name in ("per_second_50x16", "per_second_5000x1")]
    ratios = [ours / theirs for ours, theirs in pairs]
    return (" / ".join(number(ours) for ours, _ in pairs) + " a second", "redis: " + " / ".join(number(theirs) for _, theirs in pairs),
            min(ratios), min(ratios) >= 1.0)


def s14(f):
    ours, worst, theirs = f("waits", "p999_ms"), f("waits", "max_ms"), f("waits", "p999_ms", "redis")
    return f"{number(ours)} ms, worst {number(worst)}", f"redis: {number(theirs)}", ours / theirs, ours <= 2 * theirs and worst <= 20


def s10(f):
    ours, group = f("search", "p99_ms_while_they_come_and_go"), f("search", "p99_ms", "SQLite FTS5")
    return f"{number(ours)} ms", f"SQLite FTS5, in the process: {number(group)}", ours / group, ours <= 1


def s10_large(f):
    ours, theirs = f("search-10m", "p99_ms_while_they_come_and_go"), f("search-10m", "p99_ms", "SQLite FTS5")
    return (f"{number(ours)} ms", f"SQLite FTS5, in the process: {number(theirs)}" if theirs else "", ours / theirs if theirs else None,
            ours <= 10)


def s11(f):
    seconds, up, asked = f("users", "seconds"), f("users", "up"), f("users", "asked")
    return f"{number(seconds)} s, {up:,} of {asked:,}", f"redis: {number(f('users', 'seconds', 'redis'))} s", None, seconds <= 1 and up == asked


GOALS = [
    Goal("S1", "one file of 4 GiB, encrypted and verified, into a fresh file", "≥ 0.75 × sendfile over TCP",
         lambda f: speed(*rate_of("limit: sendfile over TCP")(f), "MB/s", 0.75, "sendfile")),
    Goal("S1", "", "≥ 1.0 × nginx, TLS, aria2, which verifies nothing",
         lambda f: speed(*rate_of("nginx TLS, aria2 ×4")(f), "MB/s", 1.0, "aria2")),
    Goal("S1", "", "≥ 1.8 × Syncthing", lambda f: speed(*rate_of("Syncthing")(f), "MB/s", 1.8, "Syncthing")),
    Goal("S2", "processor time of it, sending / receiving", "≤ 0.45 / 1.1 s a GB",
         lambda f: absolute((f("file", "sending_cpu_s_per_gb"), f("file", "receiving_cpu_s_per_gb")), "s a GB", (0.45, 1.1))),
    Goal("S3", "memory for it, sending / receiving", "≤ 30 MiB each",
         lambda f: absolute((f("file", "sending_mib"), f("file", "receiving_mib")), "MiB", (30, 30))),
    Goal("S4", "10,000 files of 4 KiB as a folder, each durable before it is called finished", "≥ 1.0 × rqbit in plain text", s4),
    Goal("S5", "four sources, one slow and one that lies", "≥ 0.9 × the good ones only",
         lambda f: speed(f("sources", "megabytes_per_second", "two good, one slow, one liar"),
                         f("sources", "megabytes_per_second", "two good"), "MB/s", 0.9, "two good")),
    Goal("S6", "after a kill at half: bytes moved again; time to the first new one", "≤ 16 MiB; 1 s and reading at 2 GB/s", s6),
    Goal("S7", "time to share it", "≥ 0.9 × b3sum",
         lambda f: speed(f("share", "gigabytes_per_second"), f("share", "gigabytes_per_second", "b3sum"), "GB/s", 0.9, "b3sum")),
    Goal("S7", "100,000 unchanged files after a restart, checked and announced", "≤ 2 s",
         lambda f: absolute((f("restart", "seconds"),), "s", (2,))),
    Goal("S8", "announce, 100 files a line", "≥ 0.6 × redis SADD",
         lambda f: speed(f("announce", "files_per_second_100_a_line"), f("announce", "files_per_second_100_a_line", "redis"),
                         "files/s", 0.6, "redis")),
    Goal("S8", "announce, 1 a line", "≥ 0.7 × redis SADD",
         lambda f: speed(f("announce", "files_per_second_1_a_line"), f("announce", "files_per_second_1_a_line", "redis"), "files/s",
                         0.7, "redis")),
    Goal("S9", "memory of an announced file, searchable", "≤ 180 bytes",
         lambda f: (f"{number(f('announce', 'bytes_a_file_100_a_line'))} bytes",
                    f"redis, not searchable: {number(f('announce', 'bytes_a_file_100_a_line', 'redis'))}",
                    f("announce", "bytes_a_file_100_a_line") / f("announce", "bytes_a_file_100_a_line", "redis"),
                    f("announce", "bytes_a_file_100_a_line") <= 180)),
    Goal("S10", "search in 1,000,000, first 100 by path, p99, while 2,000 a second come and go", "≤ 1 ms", s10),
    Goal("S10", "the same in 10,000,000", "≤ 10 ms", s10_large),
    Goal("S10", "50 askers", "≥ 10 × the server that scans",
         lambda f: speed(f("search", "per_second_50_askers"), f("search", "per_second_50_askers", "limit: scan"), "a second", 10,
                         "scan")),
    Goal("S11", "10,000 users register", "≤ 1 s, none lost", s11),
    Goal("S11", "5,000 who all watch", "≤ 0.1 × uhub",
         lambda f: below(f("users", "watching_seconds"), f("users", "watching_seconds", "uhub"), "s", 0.1, "uhub")),
    Goal("S11", "memory of an idle session: plain / TLS", "≤ 2 / 32 KiB",
         lambda f: absolute((f("users", "bytes_a_user") / 1024, f("sign-on", "bytes_a_user_register") / 1024), "KiB", (2, 32))),
    Goal("S12", "one change told to 10,000, the last one, besides the wait to merge", "≤ 1.1 × redis PUBLISH",
         lambda f: below(f("notices", "telling_ms_one"), f("notices", "last_ms_one", "redis"), "ms", 1.1, "redis")),
    Goal("S12", "50 changes at once", "≥ 1.0 × redis",
         lambda f: speed(f("notices", "per_second_fifty"), f("notices", "per_second_fifty", "redis"), "deliveries/s", 1.0, "redis")),
    Goal("S13", "request and reply: 50 connections, 16 in flight / 5,000, one", "≥ 1.0 × redis, both", s13),
    Goal("S14", "a reply while 1,000,000 files come in, p99.9", "≤ 2 × redis, none over 20 ms", s14),
    Goal("S15", "TLS sign-ons", "≥ 0.7 × bare rustls",
         lambda f: speed(f("sign-on", "per_second_ping"), f("sign-on", "per_second_ping", "limit: rustls"), "a second", 0.7, "rustls")),
]


def table(results):
    return markdown(["goal", "what", "Potok", "beside it", "ratio", "to reach", ""], [goal.row(results) for goal in GOALS])


def missed(results):
    return [goal for goal in GOALS if goal.row(results)[-1] == MISSED]


# What limits a goal that is missed. Shown only as long as it is.
LIMITS = {}


def limits(results):
    shown = [f"- **{goal.name}**{': ' + goal.what if goal.what else ''}: {LIMITS[goal.name]}" for goal in missed(results)
             if goal.name in LIMITS]
    return "What limits those that are not met:\n\n" + "\n".join(dict.fromkeys(shown)) if shown else ""
