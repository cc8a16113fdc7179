"""Evenings of a practice whose appointments and opt-outs come from a source."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from clinic.message.campaign.said import said_of
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.record.schema.people import appointment
from clinic.record.systems.sync_runs import begin_run, note_run
from clinic.settings import Settings, SourceSettings
from clinic.settings.sync import Sync
from data_checks.cohort import check_cohort
from tests.main_job import Practice

BOTH = {"appointments": "slots*.csv", "consents": "opt-outs*.csv"}


def settings(practice: Practice, *, hours: float = 24, **patterns: str) -> Settings:
    source = SourceSettings(type="files", folder=str(practice.folder), patterns=patterns or BOTH)  # type: ignore[arg-type]
    return practice.settings.model_copy(
        update={"sources": {"emis": source}, "sync": Sync(reminder_hours=hours)}
    )


def imported(
    practice: Practice, kind: str, *, hours_ago: float, state: str = "imported", code: str = ""
) -> None:
    at = practice.clock.now() - timedelta(hours=hours_ago)
    with practice.record.write() as connection:
        number = begin_run(connection, "emis", kind, at)
        note_run(connection, number, state=state, as_of=at, ended_at=at, code=code)


def night(practice: Practice, given: Settings, key: str = "tonight", **more: Any) -> str:
    """Check the evening's reminders; how it ended."""
    request = ReminderRequest(days=2, requested_by="nia", **more)
    number = begin_reminders(
        practice.record, practice.clock, given, request, request_key=key, gateway="fake", batch_limit=1000
    )  # fmt: skip
    outcome = check_cohort(practice.record, practice.clock, given, number).outcome
    with practice.record.read() as connection:
        codes = [said.code for said in said_of(connection, number)]
    return " ".join([outcome, *codes])


def book(practice: Practice) -> None:
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(appointment).values(
                patient_id=1, place="Room 4", starts_at=practice.clock.now() + timedelta(hours=40)
            )
        )
