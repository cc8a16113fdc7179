"""The trail as people ask for it: by operation, patient, operator and date (ALC-41)."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.rows import audit_item
from clinic.govern.audit.trail import Act, record_act, stream_of
from clinic.govern.audit_read.person import identifiers
from clinic.govern.people.operators import Operator, find_operator
from clinic.govern.people.roles import may
from clinic.record.database import Record
from clinic.record.schema.change import operation
from clinic.record.schema.govern import approval, audit_act, audit_block, operator
from clinic.record.schema.messages import batch, campaign, message


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    Which part of the trail. What is None is not asked for.

    subject, subject_id: "operation" 7 with its approvals, "campaign" 3
    patient_id: acts that changed this patient's record
    operator: its requester or approver it
    since, until: from this instant on, and before this one
    """

    subject: str | None = None
    subject_id: int | None = None
    patient_id: int | None = None
    operator: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ActRow:
    """An act as stored; old_values and new_values are JSON texts."""

    stream: str
    number: int
    timestamp: datetime
    operator: str
    approver: str | None
    operation_type: str
    patients_affected: int
    old_values: str | None
    new_values: str | None
    reason: str | None
    subject: str
    subject_id: int | None
    outcome: str


# One act a thousand messages, or a block of receipts: a line each would leave no room for what people did
_OF_BATCHES: Final = (
    "campaign.sent", "campaign.receipts", "campaign.no-receipt", "campaign.unknown",
)  # fmt: skip


@dataclass(frozen=True)
class Folded:
    """An act, or the newest of several of one kind; `patients`: of all of them."""

    act: ActRow
    times: int
    patients: int


@dataclass(frozen=True)
class PatientChanged:
    """
    One patient of one chunk, with the act that tells who changed them and why; None: none is written yet.

    nhs_number, local_id: as the record has them now; no part of what is sealed
    """

    stream: str
    operation_id: int
    sealed_at: datetime
    patient_id: int
    old_values: str | None
    new_values: str | None
    act: ActRow | None
    nhs_number: str | None = None
    local_id: str | None = None


def acts(connection: Connection, asked: Asked, *, limit: int | None = None) -> list[ActRow]:
    """The acts asked for, the newest first."""
    c = audit_act.c
    query = sa.select(audit_act).where(*_conditions(connection, asked))
    query = query.order_by(c.timestamp.desc(), c.stream, c.number.desc()).limit(limit)
    return [ActRow(**row) for row in connection.execute(query).mappings()]


def folded(connection: Connection, asked: Asked, *, limit: int) -> tuple[list[Folded], int]:
    """
    The acts asked for, the newest first, those of one campaign's batches as one; how many acts that hides.

    The program's own templates and questionnaires are one each too.
    """
    c = audit_act.c
    kind = (c.stream, c.operation_type, c.operator, c.outcome)
    of_batches = c.operation_type.in_(_OF_BATCHES)
    of_program = c.operation_type.in_(("template.added", "questionnaire.added")) & (
        c.operator == "vendor"
    )
    newest_first = (c.timestamp.desc(), c.number.desc())
    each = (
        sa.select(
            audit_act,
            sa.func.count().over(partition_by=kind).label("acts"),
            sa.func.sum(c.patients_affected).over(partition_by=kind).label("patients"),
            sa.func.row_number().over(partition_by=kind, order_by=newest_first).label("place"),
            sa.case((of_batches | of_program, True), else_=False).label("folds"),
        )
        .where(*_conditions(connection, asked))
        .subquery()
    )
    e = each.c
    query = sa.select(each).where(sa.not_(e.folds) | (e.place == 1))
    query = query.order_by(e.timestamp.desc(), e.stream, e.number.desc()).limit(limit)
    found = []
    for row in connection.execute(query).mappings():
        act = ActRow(**{name: row[name] for name in ActRow.__dataclass_fields__})
        times, patients = (row["acts"], row["patients"]) if row["folds"] else (1, None)
        found.append(
            Folded(act, int(times), act.patients_affected if patients is None else int(patients))
        )
    return found, sum(one.times - 1 for one in found)


def acts_of_patient(
    record: Record, clock: Clock, asked: Asked, *, by: Operator, limit: int
) -> list[ActRow]:
    """
    The acts that changed a patient; that somebody looked is written to the trail.

    Raises:
        NotAllowed: the role may not
    """
    tell_reading(record, clock, "audit.read", asked, by=by)
    with record.read() as connection:
        return acts(connection, asked, limit=limit)


def read_operation(
    record: Record, clock: Clock, asked: Asked, *, by: Operator, limit: int
) -> tuple[list[ActRow], list[PatientChanged]]:
    """
    Acts, and the first `limit` patients with old and new values; that somebody looked is written too.

    Raises:
        NotAllowed: the role may not
    """
    tell_reading(record, clock, "audit.read", asked, by=by)
    with record.read() as connection:
        return acts(connection, asked), list(itertools.islice(changes(connection, asked), limit))


def tell_reading(
    record: Record,
    clock: Clock,
    what: str,
    asked: Asked,
    *,
    by: Operator,
    outcome: str = "done",
    says: Mapping[str, Any] | None = None,
) -> None:
    """
    Write to the trail who takes which part of it (ALC-41), before they get it.

    Raises:
        NotAllowed: the role may not read old and new values
    """
    if not may(by.role, "audit"):
        raise NotAllowed("audit-role", "old and new values in the audit trail are for a manager")
    given = {name: str(value) for name, value in vars(asked).items() if value is not None}
    act = Act(
        operator=by.name,
        operation_type=what,
        subject="audit",
        new_values={**given, **(says or {})},
        outcome=outcome,
    )
    with record.write() as connection:
        record_act(connection, clock, act)


def changes(connection: Connection, asked: Asked) -> Iterator[PatientChanged]:
    """
    The patients changed by what is asked for, in the order they were sealed. One chunk in memory.

    """
    b = audit_block.c
    wanted = acts(connection, asked)
    by_stream: dict[str, ActRow] = {}
    for each in wanted:
        by_stream.setdefault(each.stream, each)  # the newest act of an operation tells how it ended
    blocks = sa.select(b.stream, b.chunk, b.operation_id, b.sealed_at).where(b.holds == "items")
    blocks = blocks.where(*_of_patient(asked.patient_id)).order_by(b.stream, b.number)
    for stream, chunk, operation_id, sealed_at in connection.execute(blocks).all():
        act = by_stream.get(stream)
        if act is None and not _is_asked_without_act(asked, stream):
            continue
        items = _items(connection, operation_id, chunk, asked.patient_id)
        known = identifiers(connection, [who for who, _, _ in items])
        for who, old, new in items:
            told = known.get(who, (None, None))
            yield PatientChanged(stream, operation_id, sealed_at, who, old, new, act, *told)


def _items(
    connection: Connection, operation_id: int, chunk: int, patient_id: int | None
) -> list[tuple[int, str | None, str | None]]:
    """patient_id, old_values, new_values of a chunk, or of one patient in it."""
    i = audit_item.c
    query = sa.select(i.patient_id, i.old_values, i.new_values).where(
        i.operation_id == operation_id, i.chunk == chunk
    )
    if patient_id is not None:
        query = query.where(i.patient_id == patient_id)
    return [tuple(row) for row in connection.execute(query.order_by(i.patient_id))]


def _is_asked_without_act(asked: Asked, stream: str) -> bool:
    """An operation that has not ended yet may have patients but no act to choose it by."""
    if (asked.operator, asked.since, asked.until) != (None, None, None):
        return False
    return asked.subject is None or stream == stream_of(asked.subject, asked.subject_id)


def _of_patient(patient_id: int | None) -> list[ColumnElement[bool]]:
    b = audit_block.c
    if patient_id is None:
        return []
    return [b.first_patient <= patient_id, b.last_patient >= patient_id]


def _conditions(connection: Connection, asked: Asked) -> list[ColumnElement[bool]]:
    c = audit_act.c
    found: list[ColumnElement[bool]] = []
    if asked.subject is not None:
        found.append(_about(asked.subject, asked.subject_id))
    if asked.patient_id is not None:
        found.append(c.stream.in_(_streams_of(connection, asked.patient_id)))
        found.append(_not_of_others(connection, asked.patient_id))
    if asked.operator is not None:
        found.append(sa.or_(c.operator == asked.operator, c.approver == asked.operator))
    if asked.since is not None:
        found.append(c.timestamp >= asked.since)
    if asked.until is not None:
        found.append(c.timestamp < asked.until)
    return found


def _not_of_others(connection: Connection, patient_id: int) -> ColumnElement[bool]:
    """Of the batches of a campaign, only those that a message of this patient was in."""
    c = audit_act.c
    batches = connection.execute(
        sa.select(batch.c.campaign_id, batch.c.number)
        .join(message, message.c.batch_id == batch.c.id)
        .where(message.c.patient_id == patient_id)
    ).all()
    own = [
        sa.and_(c.subject_id == row.campaign_id, c.new_values.like(f'%"batch":{row.number},%'))
        | sa.and_(c.subject_id == row.campaign_id, c.new_values.like(f'%"batch":{row.number}}}%'))
        for row in batches
    ]
    return sa.or_(c.operation_type != "campaign.sent", *own)


def require_subject(connection: Connection, subject: str, number: int) -> None:
    """
    Refuse to look for what there is not: an empty answer would be taken for "nothing was done".

    Raises:
        NotFound: there is no such operation or campaign, and the trail knows of none
    """
    table = {"operation": operation, "campaign": campaign}[subject]
    c = audit_act.c
    known = sa.select(c.number).where(c.subject == subject, c.subject_id == number).limit(1)
    there = sa.select(table.c.id).where(table.c.id == number)
    if connection.scalar(there) is None and connection.scalar(known) is None:
        see = "cohort operations list" if subject == "operation" else "cohort campaigns"
        raise NotFound(f"{subject}-unknown", f"there is no {subject} {number}; see: {see}")


def require_operator(connection: Connection, name: str) -> str:
    """
    The name as the trail has it, of an operator or of an account that acted without one.

    Raises:
        NotFound: nobody is called so, and nobody of this name acted: a slip, with the nearest names
    """
    c = audit_act.c
    if known_one := find_operator(connection, name):
        return known_one.name
    given = name.strip()
    acted = sa.select(c.number).where(sa.or_(c.operator == given, c.approver == given)).limit(1)
    if connection.scalar(acted) is not None:
        return given
    names = sa.union(
        sa.select(operator.c.name), sa.select(c.operator), sa.select(c.approver)
    ).subquery()
    known = connection.scalars(sa.select(names.c.name).where(names.c.name.is_not(None))).all()
    close = difflib.get_close_matches(given.lower(), known, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(close)}? or " if close else ""
    raise NotFound(
        "operator-unknown",
        f"nobody is called {given}, and nobody of this name acted; "
        f"{meant}see: cohort operators list",
    )


def _about(subject: str, subject_id: int | None) -> ColumnElement[bool]:
    """Acts on the subject itself, on its approvals, and on the list that a campaign was made from."""
    c = audit_act.c
    its_approvals = sa.select(approval.c.id).where(
        approval.c.subject == subject, approval.c.subject_id == subject_id
    )
    return sa.or_(
        sa.and_(c.subject == subject, c.subject_id == subject_id),
        sa.and_(c.subject == "approval", c.subject_id.in_(its_approvals)),
        *_of_its_list(subject, subject_id),
    )


def _of_its_list(subject: str, subject_id: int | None) -> list[ColumnElement[bool]]:
    if subject != "campaign":
        return []
    its_list = sa.select(campaign.c.list_id).where(campaign.c.id == subject_id)
    return [sa.and_(audit_act.c.subject == "list", audit_act.c.subject_id.in_(its_list))]


def _streams_of(connection: Connection, patient_id: int) -> list[str]:
    """The operations that changed this patient, and the campaigns that had a message for them."""
    i = audit_item.c
    query = sa.select(i.stream).where(i.patient_id == patient_id).distinct()
    messaged = sa.select(message.c.campaign_id).where(message.c.patient_id == patient_id).distinct()
    campaigns = [f"campaign-{number}" for number in connection.scalars(messaged)]
    return [*connection.execute(query).scalars(), *campaigns]
