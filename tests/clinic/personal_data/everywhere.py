"""Two people of whom every column that the catalogue has holds something: a word that is nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import sqlalchemy as sa

from clinic.personal_data.catalogue import CATALOGUE
from clinic.record.database import Record
from clinic.record.schema import METADATA

NHS: Final = {1: "9990000018", 2: "9990000026"}
MOBILE: Final = {1: "+447700900101", 2: "+447700900102"}
_NOT_FILLED: Final = {"installation", "operation_writing", "sign_in", "governed_setting"}


@dataclass(frozen=True)
class Everywhere:
    """The words, by place: one for each column of text, of either."""

    words: dict[tuple[int, str], str]

    def of(self, person: int) -> dict[str, str]:
        """Place → word."""
        return {place: word for (one, place), word in self.words.items() if one == person}


def fill_everywhere(record: Record) -> Everywhere:
    """A row for each of the two in every table: all its numbers are theirs, and each text a word of its own."""
    words: dict[tuple[int, str], str] = {}
    with record.write() as connection:
        for table in METADATA.sorted_tables:
            if table.name in _NOT_FILLED:
                continue
            for person in (1, 2):
                row = {c.name: _value(c, person, words) for c in table.c}
                connection.execute(table.insert(), [row])
    return Everywhere(words)


def _value(column: sa.Column[Any], person: int, words: dict[tuple[int, str], str]) -> Any:
    place = f"{column.table.name}.{column.name}"
    given = _GIVEN.get(place, _GIVEN.get(column.name if column.name in _BY_NAME else "", None))
    if given is not None:
        value = given[person] if isinstance(given, dict) else given
        if isinstance(value, str) and "{word}" in value:
            word = _word(place, person, words)
            value = value.replace("{word}", word).replace("{nhs}", NHS[person])
        return value
    for key in column.foreign_keys:
        return _value(key.column, person, words)
    match column.type:
        case sa.Boolean():
            return False
        case sa.Integer() | sa.BigInteger():
            return person
        case sa.LargeBinary():
            return b"x"
        case sa.Date():
            return date(2020, 1, person)
        case sa.String() | sa.Text():
            return _word(place, person, words)
    return datetime(2026, 3, person, tzinfo=UTC)


def _word(place: str, person: int, words: dict[tuple[int, str], str]) -> str:
    if place.split(".")[0] not in CATALOGUE:
        return f"x{person}"
    return words.setdefault((person, place), f"zq{'ab'[person - 1]}{len(words):04}")


_BY_NAME: Final = {"address"}
_GIVEN: Final[dict[str, Any]] = {
    "address": MOBILE,
    "patient.address": "{word}",
    "outside_item.state": "saved",
    "outside_push.state": "done",
    "mesh_report.state": "sent",
    "patient.nhs_number": NHS,
    "patient.mobile": MOBILE,
    "list_row.cells": '["{word}"]',
    "list_row.patient_id": {1: None, 2: None},
    "cohort_list.columns": '["Note"]',
    "audit_act.subject": "patient",
    "audit_act.reason": "{word} {nhs}",
    "approval.reason": "{word} {nhs}",
    "approval.note": "{word} {nhs}",
    "approval.state": "waiting",
    "approval.decided_by": {1: "mia", 2: "mia"},
    "receipt_unread.body": "{word} {nhs}",
    "receipt_inbox.outcome": "delivered",
    "consent.decision": "opt_out",
    "address_decision.decision": "opt_out",
    "shared_decision.decision": "opt_out",
    "contact_hold.state": "held",
    "clinical_item.status": "sent",
    "campaign.save_when": "sent",
    "operation_chunk.state": "planned",
    "audit_block.holds": "act",
    "operator.role": "manager",
    "legal_hold.subject": "patient",
    "safe_contact.ended_at": {1: None, 2: None},
    "submission.state": "acked",
    "submission.gateway_class": "R",
    "field_edit.id": {1: 101, 2: 102},
    "audit_block.key_id": {1: None, 2: None},
}
