"""An installation in which there is something of every class that goes when its time is over."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from clinic.gateway.outbox import Outbox
from clinic.message.campaign.campaign import refuse
from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.message.outcomes.report import list_campaigns
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import clinical_item
from clinic.record.schema.receipts import reply
from clinic.retention.night import plan, purge
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs


class Kept:
    """An installation in which a list was sent, one refused, one never used; with outbox, files and replies."""

    def __init__(self, practice: Practice, clock: FakeClock) -> None:
        self.practice, self.record, self.clock = practice, practice.record, clock
        self.begun = practice.clock.now()
        practice.patients(5)
        practice.gateway = Outbox(practice.record, "sms", clock=practice.clock)
        rows = [f"{nhs(n)},07700900{n:03}" for n in range(1, 6)]
        sent = practice.file(
            *rows, nhs(199) + ",07700900199", heading="NHS Number,Mobile", name="a.csv"
        )
        practice.run(sent)
        wrong = practice.begin(
            practice.file(nhs(1), name="b.csv"), request_key="b", list_name="Wrong"
        )
        refuse(practice.record, wrong, "list-refused")
        practice.begin(practice.file(nhs(2), name="c.csv"), request_key="c", list_name="Looked at")
        for name in (
            "not-accepted/campaign-1.csv",
            "exports/export-1.xlsx",
            "before-upgrade/record.db",
        ):
            path = practice.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("a patient")
            os.utime(path, (self.begun.timestamp(),) * 2)
        self.reply("I have moved", "e1", "+447700900001")
        self.reply("Thank you", "e2", "+447700900002")

    def reply(self, text: str, event: str, address: str) -> None:
        with self.record.write() as connection:
            connection.execute(
                sa.insert(reply).values(
                    gateway="fake", event_id=event, channel="sms", address=address, text=text,
                    happened_at=self.begun, received_at=self.begun, patients=1, state="done",
                )
            )  # fmt: skip

    def later(self, **by: float) -> None:
        """The clock stands so long after the beginning."""
        self.clock.time = self.begun + timedelta(**by)

    def night(self) -> dict[str, int]:
        return purge(self.record, self.clock, self.practice.settings)

    def due(self) -> dict[str, int]:
        found = plan(self.record, self.practice.settings, self.clock.now())
        return {one.what: one.things for one in found}

    def cells(self, list_id: int) -> list[list[str]]:
        with self.record.read() as connection:
            query = sa.select(list_row.c.cells).where(list_row.c.list_id == list_id)
            return [
                orjson.loads(text)
                for text in connection.scalars(query.order_by(list_row.c.row_number))
            ]

    def files(self) -> set[str]:
        folders = ("not-accepted", "exports", "before-upgrade")
        return {path.name for name in folders for path in (self.practice.folder / name).iterdir()}

    def replies(self) -> list[str]:
        with self.record.read() as connection:
            return list(connection.scalars(sa.select(reply.c.text).order_by(reply.c.id)))

    def counts(self, *campaigns: int) -> dict[str, Any]:
        """Everything that reports count; of campaign 1, or of these."""
        numbers = campaigns or (1,)
        with self.record.read() as connection:
            outcomes = [count_outcomes(connection, number) for number in numbers]
            tables = {
                table.name: connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in (list_row, recipient, message, clinical_item, reply, cohort_list)
            }
        rows = [
            (number, row.row_number, row.code)
            for number in numbers
            for row in outcome_rows(self.record, number)
        ]
        lines = [(line.id, line.rows) for line in list_campaigns(self.record)]
        return {"outcomes": outcomes, "rows": rows, "lines": lines, **tables}
