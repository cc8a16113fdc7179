"""The desk as a program visits it, and its people."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

from starlette.testclient import TestClient

from clinic.clock import Clock
from clinic.govern.audit.key import unlock
from clinic.govern.people.roles import Role
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.settings import Settings
from desk.app import create_app
from desk.web.throttle import Throttle
from tasks.wiring import Wiring
from tests.staff import add_staff

SECRET: Final = "correct horse battery"
STAFF: Final[dict[str, Role]] = {
    "ada": "admin",
    "olwen": "operator",
    "tegan": "team_lead",
    "mair": "manager",
    "huw": "manager",
    "gwil": "auditor",
}
"""By name; each has SECRET."""
ORIGIN: Final = "http://127.0.0.1:4300"
TEMPLATES: Final = Path(tempfile.gettempdir()) / f"cohort-tests-{os.getuid()}" / "templates"
"""Compiled once for all tests, as for all visits of an installation."""
_TOKEN: Final = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


def parts_of(record: Record, clock: Clock, settings: Settings) -> Wiring:
    """The parts that a desk works with."""
    return Wiring(
        settings=settings, record=record, clock=clock, worker=Worker(settings.home / "workers")
    )


def add_people(record: Record, clock: Clock, home: Path) -> None:
    """The staff above, with a key for the trail."""
    unlock(record, home)
    add_staff(record, clock, STAFF, secret=SECRET)


class Visitor:
    """A browser without scripts: keeps its cookie, sends forms with their token, follows no other site."""

    def __init__(self, parts: Wiring, throttle: Throttle | None = None) -> None:
        self.client = TestClient(
            create_app(parts, templates=TEMPLATES, throttle=throttle),
            base_url=ORIGIN.replace("http:", "https:"),
            headers={"Sec-Fetch-Site": "same-origin"},
        )  # fmt: skip

    def sign_in(self, name: str, secret: str = SECRET) -> Any:
        """Through the form; the answer after it."""
        self.client.get("/sign-in")
        return self.send("/sign-in", {"name": name, "password": secret}, seen_at="/sign-in")

    def see(self, path: str) -> Any:
        """A page."""
        return self.client.get(path)

    def token(self, path: str) -> str:
        """The token of the forms of a page."""
        found = _TOKEN.search(self.client.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def send(self, path: str, values: dict[str, Any], *, seen_at: str = "/", **more: Any) -> Any:
        """A form of the page `seen_at`."""
        data = {"csrf_token": self.token(seen_at), **values}
        return self.client.post(path, data=data, **more)
