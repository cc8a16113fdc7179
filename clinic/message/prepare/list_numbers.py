"""
Where a list's number is another than the record's: examples for the review, and taking them over (NEW-24).

The check marks such rows; the numbers themselves stand where they stood, in the list and on the patient, and
are read together only here. A person sees the last three digits of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.rows import get_list
from clinic.govern.audit.trail import Act, record_act
from clinic.message.campaign.campaign import get_campaign
from clinic.message.eligibility.numbers import DIFFERS
from clinic.record.bulk import update_rows
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import recipient
from clinic.record.schema.people import patient
from clinic.settings import Phones
from clinic.values.phone import judge_for


@dataclass(frozen=True)
class Difference:
    """A row whose number is not the record's. `listed`, `recorded`: as far as a person is shown them."""

    row_number: int
    listed: str
    recorded: str


class _Differing(NamedTuple):
    """As the list and the record have it. seen: the patient's version at the check, if it was noted."""

    row_number: int
    patient_id: int
    listed: str
    recorded: str
    version: int
    seen: int | None


def shown_part(address: str) -> str:
    """The last three digits of a number; of an e-mail address its first sign and where it is."""
    name, at, place = address.strip().rpartition("@")
    return f"{name[:1]}…@{place}" if at else f"…{address.strip()[-3:]}"


def read_differences(record: Record, campaign_id: int, *, limit: int = 3) -> list[Difference]:
    """The first rows of the campaign's list whose number is not the record's."""
    with record.read() as connection:
        found = _differing(connection, campaign_id, limit=limit)
    return [
        Difference(one.row_number, shown_part(one.listed), shown_part(one.recorded))
        for one in found
    ]


def take_over(record: Record, clock: Clock, campaign_id: int, phones: Phones, *, by: str) -> int:
    """
    Write the list's numbers to the record, for the patients whose record had another at the check; how many.

    Again: nothing. Only a number that can be used is written, and not over one that somebody wrote since.
    """
    with record.write() as connection:
        own = get_campaign(connection, campaign_id)
        rows = _frame(_differing(connection, campaign_id, limit=None, lock=True))
        email = own.channel == "email"
        now, then = (judge_for(own.channel, rows[name], phones) for name in ("listed", "recorded"))
        other = (now["address"] != "") & (now["address"] != then["address"])
        chosen = rows[other & (rows["version"] == rows["seen"].fillna(rows["version"]))]
        field = "email" if email else "mobile"
        since = {} if email else {"mobile_confirmed_on": clock.now().date()}
        written = update_rows(
            connection,
            patient,
            ["id", field, "version", *since],
            [
                (key, text.strip(), version + 1, *since.values())
                for key, text, version in zip(
                    chosen["patient_id"].tolist(),
                    chosen["listed"].tolist(),
                    chosen["version"].tolist(),
                    strict=True,
                )
            ],
        )
        if written:
            act = Act(
                operator=by,
                operation_type="list.numbers-taken-over",
                subject="campaign",
                subject_id=campaign_id,
                patients_affected=written,
                new_values={"field": field, "list": own.list_id, "patients": written},
            )
            record_act(connection, clock, act)
    return written


def _differing(
    connection: Connection, campaign_id: int, *, limit: int | None, lock: bool = False
) -> list[_Differing]:
    """A row of the list each; without pandas, which a review of few rows should not have to import."""
    own = get_campaign(connection, campaign_id)
    source = get_list(connection, own.list_id)
    email = own.channel == "email"
    place = source.fields.get("email" if email else "mobile")
    recorded = patient.c.email if email else patient.c.mobile
    query = (
        sa.select(
            recipient.c.row_number, recipient.c.patient_id, list_row.c.cells, recorded,
            patient.c.version, recipient.c.record_version,
        )
        .join(patient, patient.c.id == recipient.c.patient_id)
        .join(
            list_row,
            (list_row.c.list_id == own.list_id)
            & (list_row.c.row_number == recipient.c.row_number),
        )
        .where(recipient.c.campaign_id == campaign_id, recipient.c.detail == DIFFERS, list_row.c.cells != "[]")
        .order_by(recipient.c.row_number)
        .limit(limit)
    )  # fmt: skip
    query = query.with_for_update(of=patient) if lock else query
    if place is None:
        return []
    return [
        _Differing(row, patient_id, orjson.loads(cells)[place], known or "", version, seen)
        for row, patient_id, cells, known, version, seen in connection.execute(query)
    ]


def _frame(found: list[_Differing]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": [one.patient_id for one in found],
            "listed": pd.Series([one.listed for one in found], dtype="str"),
            "recorded": pd.Series([one.recorded for one in found], dtype="str"),
            "version": pd.array([one.version for one in found], dtype="Int64"),
            "seen": pd.array([one.seen for one in found], dtype="Int64"),
        }
    )
