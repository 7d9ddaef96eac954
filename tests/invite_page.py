#!/usr/bin/env python3
"""The page of the invite as a browser shows it. Needs Chromium (Debian: chromium); run it after `cargo build`.

    tests/invite_page.py [--bin target/debug] [--picture FILE.png]
"""

import argparse
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

NAME = "<b>Our</b> & \"house\" <script>document.title='taken'</script>"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def browse(browser, url, *options):
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                   "--virtual-time-budget=3000", *options, url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="target/debug", type=pathlib.Path)
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        sys.exit("there is no Chromium here: apt-get install chromium")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        quoted = NAME.replace("\\", "\\\\").replace('"', '\\"')
        pathlib.Path(folder, "config.toml").write_text(
            f'listen = "127.0.0.1:0"\nlocal_discovery = false\nobserve = "127.0.0.1:{port}"\ninvite_page = true\n'
            f'network_name = "{quoted}"\nmessage_of_the_day = ["Hello <img src=x>"]\npublic_address = "tracker.example.org"\n')
        tracker = subprocess.Popen([arguments.bin / "potok-tracker", "--data-dir", folder],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            tracker.stdout.readline()
            link = tracker.stdout.readline().strip()
            page = browse(browser, f"http://127.0.0.1:{port}/", "--dump-dom")
            title = re.search(r"<title>(.*?)</title>", page, re.S).group(1)
            checks = {
                "the name is text, and no script ran": "&lt;script&gt;" in title and "taken" != title,
                "the page has its style": "/style.css" in page,
                "the link is there": page.count(link.replace("&", "&amp;")) >= 2,
                "the picture is there": page.count("<svg") == 1,
                "what was written is no element": "<img" not in page and "<b>" not in page,
                "it says how to get Potok": "Install Potok" in page,
            }
            if arguments.picture:
                browse(browser, f"http://127.0.0.1:{port}/", f"--screenshot={arguments.picture}", "--window-size=700,1000")
        finally:
            tracker.terminate()
            tracker.wait()
    for what, holds in checks.items():
        print("ok  " if holds else "FAIL", what)
    sys.exit(not all(checks.values()))


if __name__ == "__main__":
    main()
