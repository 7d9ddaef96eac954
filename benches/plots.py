"""The pictures of how cost grows, and where one machine ends: by arithmetic from the largest point that was measured."""
import math
import os

from plot import plot, short


def draw(results, folder):
    for name, make in (("users", users), ("files", files), ("transfers", transfers), ("window", window)):
        if len(results.group(f"growth-{name}")) > 1:
            make(results, lambda part, name=name: os.path.join(folder, f"{name}-{part}.svg"))


def memory_bytes(results):
    """What one machine has, a fifth left to its system."""
    return max(row["machine"]["memory_gib"] for row in results.rows.values()) * 2**30 * 0.8


def points(results, group, figure, factor=1.0):
    return [(x, y * factor) for x, y in results.points(f"growth-{group}", figure)]


def users(results, path):
    by_memory = points(results, "users", "added_mib")
    (first, base), (last, most) = by_memory[0], by_memory[-1]
    ends = memory_bytes(results) / ((most - base) * 2**20 / max(last - first, 1))
    plot(path("memory"), "A tracker with 100,000 files: memory by users", "users", "MiB resident",
         {"resident": points(results, "users", "resident_mib")}, vertical=[(ends, f"memory ends at {short(float(f'{ends:.1g}'))}")])
    telling = points(results, "users", "notice_telling_ms")
    # Everybody changes something once an hour and everybody is told, all the time: n x (n/3600) x time of one = 1.
    count, milliseconds = telling[-1]
    ends = math.sqrt(3600 / (milliseconds / 1000 / count))
    plot(path("time"), "A tracker with 100,000 files: times by users", "users", "milliseconds", {
        "all register": points(results, "users", "register_seconds", 1000),
        "telling all of a change": telling,
        "list-users": points(results, "users", "list_users_ms"),
        "search": points(results, "users", "search_ms"),
        "announcing 1,000 files": [(x, 1e6 / y) for x, y in points(results, "users", "announced_per_second")],
    }, vertical=[(ends, f"a change an hour each: {short(float(f'{ends:.1g}'))}")])


def files(results, path):
    each = points(results, "files", "bytes_a_file")
    ends = memory_bytes(results) / each[-1][1]
    mark = [(ends, f"memory ends at {short(float(f'{ends:.1g}'))}")]
    plot(path("memory"), "A tracker: memory by announced files", "files", "MiB resident",
         {"resident": points(results, "files", "resident_mib")}, vertical=mark)
    plot(path("time"), "A tracker: times by announced files", "files", "milliseconds", {
        "announcing all": [(x, x / y * 1000) for x, y in points(results, "files", "announced_per_second")],
        "listing all": points(results, "files", "list_seconds", 1000),
        "listing 10,000": points(results, "files", "page_ms"),
        "search, p99": points(results, "files", "search_p99_ms"),
        "search, p50": points(results, "files", "search_p50_ms"),
    }, vertical=mark)


def transfers(results, path):
    speed = points(results, "transfers", "megabytes_per_second")
    best = max(y for _, y in speed)
    plot(path("speed"), "One sender: speed by transfers at once", "transfers at once", "MB/s in all", {"all together": speed},
         horizontal=[(best, f"one machine ends at {best:,.0f} MB/s")])
    plot(path("memory"), "One sender: memory by transfers at once", "transfers at once", "MiB resident", {
        "the sender": points(results, "transfers", "sending_mib"), "each receiver": points(results, "transfers", "receiving_mib")})


def window(results, path):
    plot(path("memory"), "The window: memory by files that are known", "files", "MiB resident", {
        "resident": points(results, "window", "resident_mib"), "its own": points(results, "window", "own_mib")},
        horizontal=[(150, "goal: 150 MiB")])
    plot(path("frames"), "The window: own work of a frame while they are listed", "files", "milliseconds", {
        "worst": points(results, "window", "frame_max_ms"), "p99": points(results, "window", "frame_p99_ms"),
        "p50": points(results, "window", "frame_p50_ms")}, horizontal=[(16.7, "a frame at 60 a second")])
