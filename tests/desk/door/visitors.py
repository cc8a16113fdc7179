"""The door as a patient's browser visits it, without scripts."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from starlette.testclient import TestClient

from desk.door.app import create_door
from desk.web.throttle import Throttle
from tests.desk.visitors import TEMPLATES
from tests.main_job import Practice

ORIGIN: Final = "https://msg.example.org"


class Patient:
    """Somebody with a link; sends what the page's form sends."""

    def __init__(self, practice: Practice, throttle: Throttle | None = None) -> None:
        self.client = TestClient(
            create_door(
                practice.settings, practice.record, practice.clock, templates=TEMPLATES, throttle=throttle
            ),
            base_url=ORIGIN, headers={"Sec-Fetch-Site": "same-origin"}, raise_server_exceptions=False,
        )  # fmt: skip

    def see(self, path: str, **headers: str) -> Any:
        """A page."""
        return self.client.get(path, headers=headers, follow_redirects=False)

    def try_born(self, token: str, born: date, **more: Any) -> Any:
        """A date of birth; the answer itself."""
        said = {"day": born.day, "month": born.month, "year": born.year}
        return self.type(token, said, **more)

    def type(self, token: str, said: dict[str, Any], **more: Any) -> Any:
        """Whatever is typed into the three fields."""
        data = {f"born[{name}]": str(value) for name, value in said.items()}
        return self.client.post(f"/p/{token}", data=data, follow_redirects=False, **more)
