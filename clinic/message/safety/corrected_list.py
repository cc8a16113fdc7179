"""The list of a correction: who got the wrong text, and the address that it went to."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.list_trail import tell_taken
from clinic.cohort.rows import CORRECTION
from clinic.message.safety.corrected_by import corrections_of, criteria
from clinic.record.bulk import insert_rows
from clinic.record.safe_numbers import HIDDEN
from clinic.record.schema.lists import cohort_list, list_row


class Reached(NamedTuple):
    """
    Somebody who got it. patient_id: below 0: minus the NHS number of who is not in the record

    shown: the address, but for a number that is or was safe for them; told: the message that they got
    """

    row_number: int
    patient_id: int
    address: str
    shown: str
    nhs_number: str | None
    state: str
    campaign_id: int
    told: int


def write_list(
    connection: Connection, campaign_id: int, rows: list[Reached], *, channel: str, **values: Any
) -> int:
    """Write the list of a correction; its id. `values`: of the list, such as who took it in."""
    field, heading = ("email", "E-mail") if channel == "email" else ("mobile", "Mobile")
    whom = ",".join(str(row.patient_id) for row in rows)
    # Those of whom an earlier one failed may be the same again, and are not that list once more by mistake
    before = len(corrections_of(connection, campaign_id))
    list_id = connection.execute(
        sa.insert(cohort_list)
        .values(
            source=CORRECTION,
            sha256=hashlib.sha256(
                f"correction {before} of {campaign_id}: {whom}".encode()
            ).hexdigest(),
            columns=orjson.dumps(["NHS Number", heading]).decode(),
            fields=orjson.dumps({"nhs_number": "NHS Number", field: heading}).decode(),
            criteria=criteria(campaign_id),
            rows=len(rows),
            **values,
        )
        .returning(cohort_list.c.id)
    ).scalar_one()
    insert_rows(
        connection,
        list_row,
        ("list_id", "row_number", "patient_id", "cells"),
        (
            (
                list_id, row.row_number, row.patient_id if row.patient_id > 0 else None,
                orjson.dumps([_nhs_number(row), _listed(row)]).decode(),
            )
            for row in rows
        ),
    )  # fmt: skip
    tell_taken(connection, int(list_id), values["taken_at"])
    return int(list_id)


def _nhs_number(row: Reached) -> str:
    return row.nhs_number or (f"{-row.patient_id:010}" if row.patient_id < 0 else "")


def _listed(row: Reached) -> str:
    """The address as the list has it: one that is safe for the patient is on no list; the check knows it."""
    return "" if row.shown == HIDDEN else row.address
