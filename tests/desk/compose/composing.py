"""Somebody who composes a bulk message at the desk, without scripts, and the helper that does what is due."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.campaigns import draft
from clinic.record.schema.messages import campaign
from clinic.settings import Settings
from tasks.asking.drafts import do_next
from tasks.asking.starting import Started
from tasks.wiring import Wiring
from tests.desk.visitors import Visitor
from tests.main_job import nhs

TEXT = {"what": "text", "channel": "sms", "body": "Flu clinic on Friday.", "purpose": "care"}


class Composer:
    """One person and their draft. `started`: campaigns that a worker was asked to send."""

    def __init__(self, parts: Wiring, name: str = "olwen") -> None:
        # Without a gateway: what is sent is kept in the outbox
        parts.settings = parts.settings.model_copy(update={"outbox": True})
        self.parts, self.visitor = parts, Visitor(parts)
        self.visitor.sign_in(name)
        self.number = 0
        self.started: list[int] = []

    @property
    def at(self) -> str:
        """The draft's address."""
        return f"/messages/drafts/{self.number}"

    def begin(self) -> Composer:
        """Press "Start a new message"."""
        answer = self.visitor.send("/messages/new", {}, seen_at="/messages/new")
        found = re.search(r"/drafts/(\d+)/list", str(answer.url))
        assert found, answer.url
        self.number = int(found[1])
        return self

    def send(self, part: str, values: dict[str, Any], **more: Any) -> Any:
        """The form of a page of the draft; the page after it."""
        return self.visitor.send(f"{self.at}/{part}", values, seen_at="/messages/new", **more)

    def see(self, part: str = "") -> Any:
        """A page of the draft."""
        return self.visitor.see(self.at + (f"/{part}" if part else ""))

    def upload(self, content: bytes, name: str = "flu.csv") -> Any:
        """Choose a file."""
        return self.send(
            "list", {"list_name": "Flu 2026", "source": "file"}, files={"file": (name, content)}
        )

    def list_of(self, *patients: int) -> Any:
        """Upload a list of these patients."""
        lines = ["NHS Number", *(nhs(n) for n in patients)]
        return self.upload("\n".join(lines).encode())

    def ready(self, *patients: int, **text: Any) -> Composer:
        """As far as the review."""
        self.begin().list_of(*patients)
        self.send("text", {**TEXT, **text})
        self.send("when", {"timing": "now"})
        self.help()
        return self

    def help(self) -> None:
        """Do all that is due."""
        for _ in range(10):
            if not do_next(self.parts, start=self._start):
                return
        raise AssertionError("the helper finds no end")

    def _start(self, _record: Record, _settings: Settings, number: int) -> Started:
        self.started.append(number)
        return Started("away", "No server answers.", worker=False)

    def say_yes(self, **more: Any) -> Any:
        """Press the button of the review."""
        return self.send("send", {"campaign": self.row().campaign_id, **more})

    def row(self) -> Any:
        """The draft as it stands."""
        with self.parts.record.read() as connection:
            return connection.execute(sa.select(draft).where(draft.c.id == self.number)).one()

    def campaigns(self) -> list[Any]:
        """All campaigns of the record, with their states."""
        with self.parts.record.read() as connection:
            query = sa.select(campaign.c.id, campaign.c.state).order_by(campaign.c.id)
            return [tuple(row) for row in connection.execute(query)]
