"""What the scripts that drive the built programs have in common."""
import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What takes longer than this hangs.
SECONDS_MAX = 120


def options_of(description, name):
    """The options that all have: where the programs are, and where files may be."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=f"{ROOT}/target/debug")
    parser.add_argument("--dir", default=f"/dev/shm/potok-{name}-{os.getpid()}")
    return parser


@contextlib.contextmanager
def folder(path):
    """A new folder, which is gone afterwards."""
    os.makedirs(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def stop(process):
    """Asks a process to end, and ends it if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Program:
    """A running program. Its lines are kept with their times."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.news = [], threading.Condition()
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self.listen, args=(stream,), daemon=True).start()

    def listen(self, stream):
        for line in stream:
            with self.news:
                self.lines.append((time.monotonic(), line.rstrip("\n")))
                self.news.notify_all()

    def say(self, line):
        """Where in what it says the answer begins."""
        # The answer may be there before the next line of this function.
        heard = len(self.lines)
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return heard

    def hear(self, pattern, since=0, seconds_max=SECONDS_MAX):
        """The time of the first line that begins like this, and the line."""
        until = time.monotonic() + seconds_max
        with self.news:
            while True:
                for when, line in self.lines[since:]:
                    if re.match(pattern, line):
                        return when, line
                if not self.news.wait(until - time.monotonic()):
                    said = "\n".join(line for _, line in self.lines[-20:])
                    raise SystemExit(f"nothing like '{pattern}' was said in {seconds_max} s; it said:\n{said}")

    def ask(self, question, pattern, seconds_max=SECONDS_MAX):
        return self.hear(pattern, self.say(question), seconds_max)

    def stop(self):
        stop(self.process)
