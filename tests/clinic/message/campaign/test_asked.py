"""What is asked for of a campaign is said once, and whatever repeats it is held against that."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from clinic.govern.audit.key import unlock
from clinic.message.campaign.asked import Terms, names_in
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.prepare.manifest import manifest_of
from clinic.message.prepare.review import request_of
from clinic.record.database import Record
from clinic.record.schema.door.links import attachment
from clinic.record.schema.messages import campaign
from tests.fakes import FakeClock
from tests.main_job import Practice

LEAFLET = "5" * 64
# Each field of a request, with something that is not its default
EVERYTHING: dict[str, Any] = {
    "list_name": "Reviews of June",
    "template": "plain",
    "template_version": 1,
    "channel": "email",
    "snomed_codes": ["699237001", "73211009"],
    "save_to_record": False,
    "save_when": "delivered",
    "dry_run": True,
    "outbox": True,
    "again": True,
    "override_gate": "The dates are right.",
    "accept": {"name_differs": "The names are in Arabic."},
    "recall_by": date(2027, 2, 1),
    "recall_owner": "managers",
    "recall_codes": ["73211009"],
    "covers": ["status:active", "code:73211009"],
    "start_at": datetime(2027, 1, 5, 9, tzinfo=UTC),
    "stagger_days": 4,
    "per_second": 5,
    "per_hour": 700,
    "per_day": 9_000,
    "fallback": "sms",
    "fallback_after": 12,
    "fallback_template": "plain",
    "attachment_sha256": LEAFLET,
    "workers": 3,
    "requested_by": "mia",
    "request_key": "june-1",
}
# Settled once the campaign is made, and no part of how it goes on
SETTLED = {"cohort", "again", "override_gate", "accept", "save_to_record", "outbox"}


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    unlock(record, tmp_path)
    practice = Practice(record, clock, tmp_path)
    practice.patients(2)
    with record.write() as connection:
        kept = {
            "sha256": LEAFLET,
            "name": "x.pdf",
            "kind": "pdf",
            "pages": 1,
            "size": 1,
            "content": b"x",
        }
        connection.execute(attachment.insert().values(**kept, taken_at=clock.now(), taken_by="nia"))
    return practice


def test_of_a_campaign_is_optional_what_may_be_empty_in_its_row() -> None:
    hints = get_type_hints(Campaign)
    optional = {name for name, hint in hints.items() if type(None) in get_args(hint)}
    assert optional == {column.name for column in campaign.c if column.nullable}


def test_every_field_of_a_request_reaches_the_campaign_and_comes_back(practice: Practice) -> None:
    """NEW-3: what is carried on with is what was asked for, whole."""
    assert EVERYTHING.keys() | {"cohort"} == MessageRequest.model_fields.keys()
    asked = practice.request(practice.everybody(2), **EVERYTHING)
    defaults = MessageRequest(
        list_name="x", template="x", cohort=CohortChoice(group="x")
    ).model_dump()
    assert [name for name, value in EVERYTHING.items() if value == defaults.get(name)] == []
    number = practice.begin(practice.everybody(2), **EVERYTHING)
    again = request_of(practice.record, number)
    assert again.model_dump(exclude=SETTLED) == asked.model_dump(exclude=SETTLED)
    assert again.list_name == asked.list_name


def test_whatever_was_agreed_on_is_in_what_is_approved(practice: Practice) -> None:
    """NEW-1: another value of any term is another manifest."""
    number = practice.begin(practice.everybody(2))
    with practice.record.write() as connection:
        own = campaign.c.id == number
        (before,) = connection.execute(campaign.select().where(own)).mappings()
        job = Campaign(**before)
        seen = {manifest_of(connection, job, practice.settings)}
        terms = [name for name in names_in(Terms) if name != "batch_size"]
        for name in terms:
            changed = Campaign(**{**before, name: f"not {before[name]}"})
            seen.add(manifest_of(connection, changed, practice.settings))
    assert len(seen) == len(terms) + 1
