"""NEW-41: who got what of a campaign, by what address and whose it is, equal to the gateway's own log."""

from __future__ import annotations

import csv
import io
import time
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from clinic.gateway.outbox import Outbox, read_outbox
from clinic.govern.access.log import Looker, note_look
from clinic.govern.access.look import at_all
from clinic.message.campaign.override import apply_override, keep_override
from clinic.message.outcomes.incident import write_incident
from clinic.message.outcomes.incident_cover import cover_of
from clinic.message.prepare import control
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id


def sent(record: Record, clock: FakeClock, folder: Path, count: int) -> None:
    """A campaign to so many patients, taken by a gateway that keeps a log; its last batch is cancelled."""
    add_patients(record, count)
    add_campaign(record, clock, count, batch_size=count // 2, gateway="outbox", requested_by="ann")
    deliver(make_ledger(record, clock, folder), Outbox(record, "sms", clock=clock), 1, 1, 1)
    control.cancel(record, clock, 1, by="ann", reason="wrong text")


def report(record: Record) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    write_incident(record, 1, file, said, by="ann")
    return list(csv.DictReader(io.StringIO(file.getvalue())))


def said(at: datetime | None) -> str:
    return f"{at:%d.%m.%Y}" if at else ""


def test_it_equals_the_gateways_own_log_and_takes_seconds(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-41: 10,000 messages in under ten seconds; whom the gateway never heard of is not in it."""
    sent(sqlite_record, clock, tmp_path, 20_000)
    began = time.perf_counter()
    rows = report(sqlite_record)
    assert time.perf_counter() - began < 10
    log = read_outbox(sqlite_record, limit=20_000)
    assert len(log) == 10_000
    assert all(one.same for one in log), "each is what the gateway took, by the gateway's own mark"
    base = message_id(1, 0)
    assert sorted((int(r["Row"]), r["Address"].lstrip("'"), r["Text"]) for r in rows) == sorted(
        (one.reference - base, one.to, one.body) for one in log
    )
    assert {row["Address now"] for row in rows} == {"the patient's"}


def test_it_says_whose_the_address_is_now_and_what_makes_it_graver(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-41: a number that another has now, one that two have; somebody has died; words are sensitive."""
    sent(record, clock, tmp_path, 8)
    with record.write() as connection:
        for key, values in (
            (1, {"mobile": "07700 900999"}),
            (2, {"death_date": date(2026, 1, 2)}),
            (5, {"mobile": "+447700900001", "nhs_number": "9990000018"}),
            (6, {"mobile": "07700 900003", "local_id": "L6"}),
        ):
            connection.execute(patient.update().where(patient.c.id == key).values(**values))
        connection.execute(message.update().where(message.c.patient_id == 4).values(sensitive=True))
    rows = report(record)
    assert [row["Address now"] for row in rows] == [
        "that of 9990000018", "the patient's", "the patient's, and that of L6", "the patient's",
    ]  # fmt: skip
    assert [row["Marks"] for row in rows] == ["", "deceased", "", "sensitive words"]


def test_the_cover_says_who_asked_and_who_answered_for_what(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-41: and of which list, by its digest."""
    sent(record, clock, tmp_path, 4)
    keep_override(record, clock, 1, by="mia", reason="the branch has closed")
    with record.write() as connection:
        apply_override(connection, clock, 1, {"suite": "list"}, rows=4)
        sha256 = connection.scalar(
            sa.select(cohort_list.c.sha256).join(campaign, campaign.c.list_id == cohort_list.c.id)
        )
        cover = dict(cover_of(connection, 1, said))
    assert cover["Asked for by"].startswith("ann, ")
    assert cover["Approved by"] == "nobody: no second approver was needed"
    assert "by mia" in cover["Checks overridden"]
    assert cover["SHA-256 of the list"] == sha256


def test_the_cover_says_who_opened_it_and_who_was_refused(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-41: by the access log, each with their command, how often, and from when to when."""
    sent(record, clock, tmp_path, 4)
    with record.read() as connection:
        before = dict(cover_of(connection, 1, said))
    assert before["Opened by"] == "nobody, by the access log"
    for name, refused in (("ann", None), ("ann", None), ("tia", "other-facility")):
        looker = Looker(name, "outcomes", proven=True)
        note_look(record, clock, looker, at_all("campaign", 1, 4), refused=refused)
    note_look(record, clock, Looker("max", "show", proven=True), at_all("campaign", 2, 4))
    with record.read() as connection:
        lines = [line for line in cover_of(connection, 1, said) if "open" in line[0].lower()]
    day = said(clock.now())
    assert lines == [
        ("Opened by", f"ann: cohort outcomes, 2 ×, {day} to {day}"),
        ("Refused to open it", f"tia: cohort outcomes, 1 ×, {day} (other-facility)"),
    ]
