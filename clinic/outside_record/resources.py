"""The resources of what waits: read from the record a block at a time, one statement a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.outside_record.communication import Said, communication
from clinic.outside_record.others import audit_event, consent_resource
from clinic.outside_record.waiting import Item
from clinic.record.bulk import is_any_of
from clinic.record.schema.govern import audit_act
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import clinical_item, consent

_REMINDERS: Final = "report"  # the source of a list of appointments (clinic/message/reminders)


def read_said(connection: Connection, items: Sequence[Item]) -> dict[int, Said]:
    """Of each item that is a message what there is to say of it, with the status that is wanted."""
    wanted = {item.item_id: item.wanted for item in items if item.kind == "message"}
    i, m, c = clinical_item.c, message.c, campaign.c
    rows = connection.execute(
        sa.select(
            i.id, i.campaign_id, i.channel, i.error_code, i.sent_at, i.status_at, i.snomed_codes,
            c.purpose, cohort_list.c.source, m.subject, m.body,
        )
        .join(message, m.id == i.id)
        .join(campaign, c.id == i.campaign_id)
        .join(cohort_list, cohort_list.c.id == c.list_id)
        .where(is_any_of(i.id, list(wanted)))
    ).all()  # fmt: skip
    return {
        row.id: Said(
            message_id=row.id,
            campaign_id=row.campaign_id,
            channel=row.channel,
            status=wanted[row.id],
            error_code=row.error_code,
            sent_at=row.sent_at,
            status_at=row.status_at,
            snomed_codes=row.snomed_codes,
            purpose=row.purpose,
            reminder=row.source == _REMINDERS,
            subject=row.subject,
            body=row.body,
        )
        for row in rows
    }


def build(
    connection: Connection, items: Sequence[Item], *, system: str, patients: Mapping[int, str]
) -> dict[int, dict[str, Any]]:
    """The resources by the items' own ids; none of what the record has no more, or whose patient is unknown."""
    said = read_said(connection, items)
    consents, acts = _consents(connection, items), _acts(connection, items)
    made: dict[int, dict[str, Any] | None] = {}
    for item in items:
        remote = patients.get(item.patient_id or 0)
        patient = f"Patient/{remote}"
        if item.kind == "act":
            act = acts.get((item.stream, item.item_id))
            made[item.id] = audit_event(act, system) if act else None
        elif remote and item.kind == "consent" and item.item_id in consents:
            made[item.id] = consent_resource(consents[item.item_id], system, patient)
        elif remote and item.item_id in said:
            made[item.id] = communication(said[item.item_id], system=system, patient=patient)
    return {key: resource for key, resource in made.items() if resource is not None}


def _consents(connection: Connection, items: Sequence[Item]) -> dict[int, Mapping[str, Any]]:
    ids = [item.item_id for item in items if item.kind == "consent"]
    if not ids:
        return {}
    rows = connection.execute(sa.select(consent).where(is_any_of(consent.c.id, ids)))
    return {row["id"]: dict(row) for row in rows.mappings()}


def _acts(
    connection: Connection, items: Sequence[Item]
) -> dict[tuple[str, int], Mapping[str, Any]]:
    wanted = {(item.stream, item.item_id) for item in items if item.kind == "act"}
    if not wanted:
        return {}
    a = audit_act.c
    rows = connection.execute(
        sa.select(audit_act).where(
            a.stream.in_({stream for stream, _ in wanted}),
            is_any_of(a.number, [number for _, number in wanted]),
        )
    )
    return {(row["stream"], row["number"]): dict(row) for row in rows.mappings()}
