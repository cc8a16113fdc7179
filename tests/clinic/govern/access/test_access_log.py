"""Written before anything is shown, kept as it was written, and found again by patient."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, RecordUnsafe
from clinic.govern.access.log import Looker, note_look
from clinic.govern.access.look import Look, at_all, at_patient, at_some, known_as, of_rows
from clinic.govern.access.reasons import REASONS, Reason, read_reason
from clinic.govern.access.who_saw import who_saw
from clinic.record.database import Record
from clinic.record.schema.govern import access_log, access_patient
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.record.sqlite import library
from clinic.settings import Settings
from tests.clinic.change.practice import staff
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.selections import select_ids

ANN = Looker("ann", "patient", proven=True)


def rows(record: Record, table: sa.Table = access_log) -> list[sa.Row[tuple[object, ...]]]:
    with record.read() as connection:
        return list(connection.execute(sa.select(table)))


@pytest.fixture
def practice(record: Record, clock: FakeClock) -> Record:
    """Six patients; campaign 1 has the first four; Ann and Mia work here."""
    staff(record)
    add_patients(record, 6)
    with record.write() as connection:
        connection.execute(
            sa.update(patient)
            .where(patient.c.id == 2)
            .values(nhs_number="9990000018", given_name="Siân", family_name="Lloyd-Jones")
        )
        connection.exec_driver_sql("UPDATE patient SET local_id = 'L' || id")
    add_campaign(record, clock, 4)
    return record


def test_a_look_is_a_row_that_nobody_changes(practice: Record, clock: FakeClock) -> None:
    """NEW-37: person, role, device, command, reason, and the patient by key."""
    why = read_reason("complaint: letter of Monday")
    note_look(practice, clock, ANN, at_patient(2), reason=why)
    (row,) = rows(practice)
    assert (row.person, row.role, row.proven, row.command) == ("ann", "operator", True, "patient")
    assert (row.at, row.subject, row.subject_id, row.patients) == (clock.now(), "patient", 2, 1)
    assert (row.reason, row.words, row.refused) == ("complaint", "letter of Monday", None)
    assert row.host
    assert row.account
    (of,) = rows(practice, access_patient)
    assert (of.access_id, of.patient_id) == (row.id, 2)
    for statement in (
        sa.update(access_log).values(person="mia"),
        sa.delete(access_log),
        sa.update(access_patient).values(patient_id=3),
        sa.delete(access_patient),
    ):
        with pytest.raises(sa.exc.DBAPIError, match="what was recorded stays"):
            with practice.write() as connection:
                connection.execute(statement)


def test_who_saw_finds_looks_at_what_a_patient_was_in(practice: Record, clock: FakeClock) -> None:
    """NEW-37: lists and campaigns too; and whether they were certainly among what was shown."""
    taken = select_ids(practice, clock, Settings(), ["L2", "L5"], source="ids", taken_by="ann")
    looks: list[Look] = [
        at_patient(2),
        at_patient(3),
        at_all("campaign", 1, 4),
        at_all("campaign", 1, 2),  # a part of it, nobody knows of whom
        at_some("campaign", [1, 4], 1),  # a part, known: not of patient 2
        at_some("replies", [2, 6]),
        at_all("selection", taken.id, 2),
        at_all("selection", 77, 2),
        at_some("groups", []),
    ]
    for look in looks:
        note_look(practice, clock, ANN, look)
        clock.sleep(60)

    def saw(key: int) -> list[tuple[str, int | None, bool]]:
        with practice.read() as connection:
            return [(s.subject, s.of_all, s.certainly) for s in who_saw(connection, key)]

    assert saw(2) == [
        ("selection", 2, True), ("replies", None, True), ("campaign", 4, False),
        ("campaign", 4, True), ("patient", None, True),
    ]  # fmt: skip
    assert saw(4) == [("campaign", None, True), ("campaign", 4, False), ("campaign", 4, True)]
    assert saw(5) == [("selection", 2, True)]
    assert saw(6) == [("replies", None, True)]


def test_a_report_shows_only_what_was_sent_before_it(practice: Record, clock: FakeClock) -> None:
    """NEW-37: as it was then: who was messaged after the look was not seen by it."""
    sent = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with practice.write() as connection:
        connection.execute(sa.update(message).where(message.c.patient_id == 1).values(sent_at=sent))
    day, hour = timedelta(days=1), timedelta(hours=1)
    reports = {
        "all": Look("report", None, 1),
        "that day": Look("report", None, 1, sent_from=sent - hour, sent_before=sent + hour),
        "the day after": Look("report", None, 1, sent_from=sent + day),
        "the day before": Look("report", None, 1, sent_before=sent),
        "delivered": Look("report-part", None, 1),
    }
    clock.time = sent - hour
    for look in reports.values():  # nothing was sent yet
        note_look(practice, clock, ANN, look)
    clock.time = sent + hour
    for command, look in reports.items():
        note_look(practice, clock, Looker("ann", command, proven=True), look)
    with practice.read() as connection:
        seen = who_saw(connection, 1)
        assert [(one.command, one.certainly) for one in seen] == [
            ("delivered", False),
            ("that day", True),
            ("all", True),
        ]
        assert who_saw(connection, 2) == []
        assert [one.command for one in who_saw(connection, 1, limit=1)] == ["delivered"]
        assert who_saw(connection, 1, since=clock.now() + hour) == []
        assert who_saw(connection, 1, until=sent) == []


def test_a_refused_look_is_found_and_says_so(practice: Record, clock: FakeClock) -> None:
    nobody = Looker("eve", "patient", proven=False)
    note_look(practice, clock, nobody, at_patient(2), refused="sign-in-needed")
    with practice.read() as connection:
        (seen,) = who_saw(connection, 2)
    assert (seen.person, seen.role, seen.proven, seen.refused) == (
        "eve", None, False, "sign-in-needed",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "access-reason"),
        ("curious", "access-reason"),
        ("other", "access-reason"),
        ("other: x", "access-reason"),
        ("care: " + "a" * 201, "access-reason"),
        ("asked: rang, Mrs LLOYD-JONES", "access-reason-names"),
        ("asked: siân rang", "access-reason-names"),
        ("asked: about 999 000 0018", "access-reason-names"),
        ("asked: rang from 07700900123", "access-reason-names"),
    ],
)
def test_a_reason_that_is_none_or_names_the_patient_is_refused(
    practice: Record, clock: FakeClock, typed: str, code: str
) -> None:
    """NEW-37: nothing is written, since nothing is shown; and it is not repeated."""
    with pytest.raises(NotAllowed) as refused:
        note_look(practice, clock, ANN, at_patient(2), reason=read_reason(typed))
    assert refused.value.code == code
    assert "Lloyd" not in str(refused.value).title()
    assert rows(practice) == []


def test_every_reason_of_the_list_is_one(practice: Record, clock: FakeClock) -> None:
    for code in REASONS:
        words = "asked by the coroner, 3 May" if code == "other" else ""
        assert read_reason(f" {code.upper()} : {words}") == Reason(code, words)
        note_look(practice, clock, ANN, at_patient(2), reason=Reason(code, words))
    assert [row.reason for row in rows(practice)] == [*REASONS]


def test_without_a_log_there_is_no_look(practice: Record, clock: FakeClock) -> None:
    """NEW-37: a database that takes nothing: refused, and half a row is none."""
    with practice.write() as connection:
        connection.exec_driver_sql("DROP TABLE access_patient")
    with pytest.raises(RecordUnsafe, match="nothing is shown") as refused:
        note_look(practice, clock, ANN, at_patient(2))
    assert (refused.value.code, refused.value.exit_code) == ("access-not-logged", 5)
    assert rows(practice) == []


@pytest.fixture
def locked(sqlite_record: Record, clock: FakeClock) -> Iterator[Record]:
    """Another program writes and does not end."""
    add_patients(sqlite_record, 2)
    sqlite_record.close()

    @sa.event.listens_for(sqlite_record.engine, "connect")
    def _impatient(connection: Any, _: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    other = library().connect(sqlite_record.engine.url.database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield sqlite_record
    other.close()


def test_a_locked_database_shows_nobody(locked: Record, clock: FakeClock) -> None:
    """NEW-37."""
    with pytest.raises(RecordUnsafe, match="access-not-logged: nothing is shown"):
        note_look(locked, clock, ANN, at_patient(1))


def test_patients_are_known_by_what_was_shown_of_them(practice: Record) -> None:
    with practice.read() as connection:
        assert known_as(connection, ["9990000018", None, "L4", "nobody"]) == {2, 4}
        assert known_as(connection, []) == frozenset()
        assert of_rows(connection, 1, [2, 3, 99]) <= {1, 2, 3, 4}
