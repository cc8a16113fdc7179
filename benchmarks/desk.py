"""
What the staff desk costs: processor time a page, memory, and what a browser loads.

A practice with 60 bulk messages, one of them of 100,000 rows; the desk is a process of its own, asked over one
connection. The floor is the page of one's sessions: the same guards and look, with next to no content.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from clinic.clock import SystemClock
from clinic.govern.audit.key import unlock
from clinic.record.database import Record
from tests.ledgers import add_campaign, add_patients
from tests.ports import free_port
from tests.staff import add_staff

SECRET: Final = "correct horse battery"
ASKED: Final = 60
"""Times that each page is asked for: the system counts processor time by hundredths of a second."""
BARS: Final = {"list": 20.0, "poll": 10.0, "today": 30.0}
_SMALL: Final = 59


@dataclass(frozen=True)
class Desk:
    """The process, and a browser that is signed in."""

    pid: int
    browser: httpx2.Client
    large: int

    def cpu_ms(self, path: str) -> float:
        """Milliseconds of the desk's processor for one answer; the first few are not counted."""
        for _ in range(3):
            self.browser.get(path).raise_for_status()
        before = _cpu(self.pid)
        for _ in range(ASKED):
            self.browser.get(path)
        return (_cpu(self.pid) - before) * 1000 / ASKED

    def memory_mb(self) -> float:
        """Resident memory of the process now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def weights_kb(self, path: str) -> tuple[float, float]:
        """What a browser loads, packed: at its first page, and at each later one."""
        page = self.browser.get(path).text
        later = len(gzip.compress(page.encode()))
        files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)) | {
            "/static/nhsuk-frontend.js"
        }
        first = sum(len(gzip.compress(self.browser.get(each).content)) for each in files)
        return (later + first) / 1e3, later / 1e3


@contextlib.contextmanager
def running(home: Path, rows: int) -> Iterator[Desk]:
    """A desk before a practice with so many rows in its largest bulk message."""
    environment = {
        **os.environ,
        "COHORT_HOME": str(home),
        "COHORT_CONFIG": str(home / "cohort.toml"),
    }
    program = str(Path(sys.executable).with_name("cohort"))
    subprocess.run([program, "init"], env=environment, cwd=home, check=True, capture_output=True)
    record = Record.open(f"sqlite:///{home / 'record.db'}")
    unlock(record, home)
    clock = SystemClock()
    add_patients(record, rows)
    for _ in range(_SMALL):
        add_campaign(record, clock, 10)
    large = add_campaign(record, clock, rows)
    add_staff(record, clock, {"ada": "admin", "mair": "manager"}, secret=SECRET)
    record.close()
    port = free_port()
    with subprocess.Popen(
        [program, "desk", "serve", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            with _browser(f"http://127.0.0.1:{port}") as browser:
                yield Desk(process.pid, browser, large)
        finally:
            process.terminate()


@contextlib.contextmanager
def _browser(url: str) -> Iterator[httpx2.Client]:
    headers = {"Sec-Fetch-Site": "same-origin"}
    with httpx2.Client(base_url=url, headers=headers, timeout=60, follow_redirects=True) as browser:
        page = _when_it_answers(browser)
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
        form = {"csrf_token": token, "name": "mair", "password": SECRET}
        # Secure, and this is http: a browser keeps it on this machine, a library does not
        browser.headers["Cookie"] = page.headers["set-cookie"].split(";")[0]
        answer = browser.post("/sign-in", data=form, follow_redirects=False)
        browser.headers["Cookie"] = answer.headers["set-cookie"].split(";")[0]
        yield browser


def _when_it_answers(browser: httpx2.Client) -> httpx2.Response:
    for _ in range(600):
        with contextlib.suppress(httpx2.ConnectError):
            return browser.get("/sign-in")
        time.sleep(0.1)
    raise RuntimeError("the desk did not answer within a minute")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
