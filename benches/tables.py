"""The tables of the document, each from the rows of a group."""


def number(value):
    """Three digits: a measurement has no more."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        digits = len(str(int(abs(value)))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table(group, head, columns, order=None, least=False):
    """A row a program; `columns` are names of figures or functions of a row. The first column orders it."""
    def draw(results):
        rows = results.group(group)
        if not rows:
            return "*Not measured.*"
        key = order or (lambda row: row["figures"].get(columns[0], 0) or 0)
        rows = sorted(rows, key=key, reverse=not least)
        cells = [[name_of(row), *(column(row) if callable(column) else number(row["figures"].get(column)) for column in columns)]
                 for row in rows]
        return markdown(["", *head], cells)
    return draw


def name_of(row):
    name = f"**{row['program']}**" if row["program"].startswith("Potok") else row["program"]
    files = row["settings"].get("files", 1)
    return f"{name} ({files:,} files)" if row["group"] == "small" and files < 1000 else name


def pair(first, second):
    return lambda row: f"{number(row['figures'].get(first))} / {number(row['figures'].get(second))}"


def setting(name):
    return lambda row: row["settings"].get(name, "")


def ratio_to(group, figure, program):
    """A table column cannot see other rows: this one draws the whole table itself."""
    def column(results):
        base = results.figure(group, figure, program)
        return lambda row: f"{row['figures'][figure] / base:.2f}" if base else ""
    return column


def with_ratio(group, head, columns, figure, program):
    """As `table`, with a last column: the ratio to `program`."""
    def draw(results):
        column = ratio_to(group, figure, program)(results)
        return table(group, [*head, f"ratio to {program.replace('limit: ', '')}"], [*columns, column])(results)
    return draw


def growth(group, point, columns):
    """A row a point, in order."""
    def draw(results):
        rows = sorted(results.group(group), key=lambda row: row["settings"][point])
        if not rows:
            return "*Not measured.*"
        cells = [[f"{row['settings'][point]:,}", *(number(row["figures"].get(figure)) for _, figure in columns)] for row in rows]
        return markdown([point, *(title for title, _ in columns)], cells)
    return draw


def turns(results):
    """A sentence where many transfers at once are slower than few."""
    speeds = dict(results.points("growth-transfers", "megabytes_per_second"))
    if not speeds or speeds[max(speeds)] > 0.7 * max(speeds.values()):
        return ""
    return ("A slot is kept for a quarter of a second after its last request, because the next is often on its way: where each wants one file, "
            f"that pause is most of the time ({number(speeds[max(speeds)])} MB/s with {max(speeds)}).")


def reach(results):
    """A row a pair, a column a length of the line."""
    rows = results.group("reach")
    if not rows:
        return "*Not measured.*"
    lengths = sorted({row["settings"]["round_trip_ms"] for row in rows})
    pairs = {}
    for row in rows:
        settings = row["settings"]
        pairs.setdefault((settings["from"], settings["to"], settings["way"]), {})[settings["round_trip_ms"]] = row

    def cells(row):
        if not row:
            return ["–", "–"]
        figures, trials = row["figures"], row["settings"]["trials"]
        both = [f"{figures[f'{what}_p50_seconds']:.2f} / {figures[f'{what}_max_seconds']:.2f}" for what in ("first_bytes", "first_block")]
        return [f"{figures['as_expected']} of {trials}: {both[0]}", both[1]]
    head = ["from, to", "way", *(title for length in lengths for title in (f"{length:g} ms: first bytes, s", "first block, s"))]
    return markdown(head, [[f"{first}, {second}", way, *(cell for length in lengths for cell in cells(found.get(length)))]
                           for (first, second, way), found in pairs.items()])


# Groups that another program measures.
COMMANDS = {"reach": "tests/homes.py --long --results benches/results.jsonl",
            "reach-rate": "tests/homes_rate.py --results benches/results.jsonl"}


def commands(results):
    """How each group was run, when."""
    cells = []
    for group in dict.fromkeys(row["group"] for row in results.rows.values()):
        rows = results.group(group)
        runs = sorted({row["run"][:16].replace("T", " ") for row in rows})
        # Some rows are measured together.
        minutes = sum({(row["run"], row["seconds"]): row["seconds"] for row in rows}.values()) / 60
        cells.append([f"`{COMMANDS.get(group, f'benches/run.py {group}')}`", ", ".join(runs), number(minutes), number(max(row["others"] for row in rows))])
    return markdown(["command", "run of", "minutes", "processors that others used, at most"], cells)


def instead(results):
    """What a user would pick instead, and by how much it is ahead or behind."""
    def times(group, figure, program, short):
        mine, theirs = results.figure(group, figure), results.figure(group, figure, program)
        if not mine or not theirs:
            return None
        return f"Potok {number(mine / theirs)} × as fast" if mine >= theirs else f"{short} {number(theirs / mine)} × as fast"

    def compared(program, short):
        large = times("file", "of_limit", program, short)
        small = times("small", "files_per_second", program, short)
        parts = [f"one large file: {large}" if large else "", f"many small ones: {small}" if small else ""]
        return "; ".join(part for part in parts if part) or "not measured here"
    rows = [
        ["one's own folders, the same on all one's computers", "Syncthing", compared("Syncthing", "Syncthing"),
         "Syncthing keeps folders the same in both directions, has relays that everybody may use, and runs on telephones. "
         "Potok does none of that; it shows what everybody has and takes what one wants"],
        ["a file for anybody who has a link, over the web", "nginx with TLS", compared("nginx TLS, aria2 ×4", "aria2"),
         "a web server needs no program on the other side but a browser; it does not say who asks, verifies nothing, and one "
         "server bears it all"],
        ["something large for very many strangers", "BitTorrent (qBittorrent)", compared("qBittorrent", "qBittorrent"),
         "swarms of thousands, no tracker needed; plain text or RC4, and anybody in the swarm sees who "
         "takes what. By default it tries uTP first and is much slower than here"],
        ["the same, by a program in Rust", "rqbit", compared("rqbit", "rqbit"), "as above"],
        ["a group that shares folders and searches in them", "Direct Connect (ncdc, uhub)", compared("ncdc, uhub", "ncdc"),
         "the closest kin: chat, hubs with thousands of users, decades of clients. Names are not bound to keys, a small file "
         "costs half a second, and a hub's cost grows with the square of its users"],
        ["one file for one person, far away, once", "magic-wormhole, sendme", compared("sendme", "sendme"),
         "a code to say on the telephone, a relay where no direct way is found, no tracker to run. Potok's relay is off unless the owner of the network offers it"],
    ]
    return markdown(["what for", "instead", "speed, this run", "what else speaks for and against it"], rows)


TABLES = {
    "file": table("file", ["MB/s", "processor s a GB, sending / receiving", "MiB, sending / receiving", "encrypted", "verified",
                           "of sendfile, next to it"],
                  ["megabytes_per_second", pair("sending_cpu_s_per_gb", "receiving_cpu_s_per_gb"),
                   pair("sending_mib", "receiving_mib"), setting("encrypted"), setting("verified"), "of_limit"],
                  order=lambda row: row["figures"].get("of_limit", 1)),
    "small": with_ratio("small", ["files/s", "seconds", "time to share, s"], ["files_per_second", "seconds", "share_seconds"],
                        "files_per_second", "limit: cp"),
    "sources": table("sources", ["MB/s", "bytes on the wire, of the file", "processor s a GB, receiving", "of two good, next to it"],
                     ["megabytes_per_second", "wire", "receiving_cpu_s_per_gb", "of_good"]),
    "resume": table("resume", ["MiB moved again", "first new byte, s", "seconds until complete", "cut at"],
                    ["again_mib", "first_byte_seconds", "seconds", "cut_at"], least=True),
    "share": table("share", ["GB/s", "seconds"], ["gigabytes_per_second", "seconds"]),
    "restart": table("restart", ["seconds", "files/s", "sharing them the first time, s"],
                     ["seconds", "files_per_second", "first_share_seconds"]),
    "shares": table("shares", ["share and hash, s", "look again, s", "stop one by one, s", "share again, s", "rename, s",
                               "others waited at most, ms"],
                    ["share_seconds", "look_seconds", "stop_seconds", "share_again_seconds", "rename_seconds", "waited_ms"],
                    least=True),
    "newcomers": table("newcomers", ["sign on, p50, ms", "worst, ms", "the tracker has at most, MiB"],
                       ["p50_ms", "max_ms", "peak_mib"], least=True),
    "requests": table("requests", ["50 connections × 16, a second", "p99, ms", "5,000 × 1, a second", "p99, ms"],
                      ["per_second_50x16", "p99_ms_50x16", "per_second_5000x1", "p99_ms_5000x1"]),
    "announce": table("announce", ["100 a line, files/s", "p99, ms", "1 a line, files/s", "p99, ms", "bytes a file"],
                      ["files_per_second_100_a_line", "p99_ms_100_a_line", "files_per_second_1_a_line", "p99_ms_1_a_line",
                       "bytes_a_file_100_a_line"]),
    "waits": table("waits", ["p50, ms", "p99", "p99.9", "worst"], ["p50_ms", "p99_ms", "p999_ms", "max_ms"], least=True),
    "search": table("search", ["p50, ms", "p99", "worst", "p99 while 2,000 a second come and go", "50 askers, a second",
                               "bytes a file"],
                    ["p50_ms", "p99_ms", "max_ms", "p99_ms_while_they_come_and_go", "per_second_50_askers", "bytes_a_file"], least=True),
    "search-10m": table("search-10m", ["p50, ms", "p99", "worst", "p99 while 2,000 a second come and go", "50 askers, a second",
                                       "bytes a file"],
                        ["p50_ms", "p99_ms", "max_ms", "p99_ms_while_they_come_and_go", "per_second_50_askers", "bytes_a_file"],
                        least=True),
    "users": table("users", ["10,000 register, s", "bytes each", "5,000 who all watch, s", "bytes each"],
                   ["seconds", "bytes_a_user", "watching_seconds", "bytes_a_watcher"], least=True),
    "notices": table("notices", ["one change: telling, ms", "until the last has it, ms", "50 at once: deliveries/s",
                                 "until the last has them, ms"],
                     ["telling_ms_one", "last_ms_one", "per_second_fifty", "last_ms_fifty"], least=True),
    "sign-on": table("sign-on", ["with a ping, a second", "processor µs of the server", "with a name, a second", "bytes each"],
                     ["per_second_ping", "server_cpu_us_ping", "per_second_register", "bytes_a_user_ping"]),
    "window": table("window", ["p50, ms", "p99, ms", "worst, ms", "first frame, ms", "of it processor time, ms"],
                    ["p50_ms", "p99_ms", "max_ms", "first_frame_ms", "processor_ms"]),
    "large-network": table("large-network", ["received, KB", "until there are rows, ms", "p50, ms", "p99", "worst",
                                             "processor s of the window", "processors of the tracker", "KB a window a minute"],
                           ["received_kb", "rows_ms", "p50_ms", "p99_ms", "max_ms", "processor_seconds", "tracker_processors",
                            "kb_a_window_a_minute"]),
    "growth-users": growth("growth-users", "users", [
        ("MiB", "resident_mib"), ("all register, s", "register_seconds"), ("files announced a second", "announced_per_second"),
        ("`list-users`, ms", "list_users_ms"), ("search, ms", "search_ms"), ("telling one change, ms", "notice_telling_ms")]),
    "growth-files": growth("growth-files", "files", [
        ("MiB", "resident_mib"), ("bytes a file", "bytes_a_file"), ("announced a second", "announced_per_second"),
        ("search p50, ms", "search_p50_ms"), ("p99, ms", "search_p99_ms"), ("a page of 10,000, ms", "page_ms"),
        ("whole list, s", "list_seconds")]),
    "growth-transfers": growth("growth-transfers", "transfers", [
        ("MB/s in all", "megabytes_per_second"), ("MiB, sending", "sending_mib"), ("MiB, each receiver", "receiving_mib")]),
    "growth-window": growth("growth-window", "files", [
        ("MiB", "resident_mib"), ("its own", "own_mib"), ("first frame, ms", "first_frame_ms"), ("a frame, p50, ms", "frame_p50_ms"),
        ("p99, ms", "frame_p99_ms"), ("worst, ms", "frame_max_ms"), ("processor ms in 10 s of rest", "processor_ms_at_rest")]),
    "reach": reach,
    "reach-rate": table("reach-rate", ["MB/s", "plain TCP over one line", "of it", "buffers, MiB"],
                        ["megabytes_per_second", "plain_megabytes_per_second", "of_plain",
                         lambda row: number(row["settings"]["buffers"] / 2**20)]),
    "commands": commands,
    "instead": instead,
}
