"""
What an operation on the record *is*: the one shape that every kind has.

A kind says what it needs to be told (`require`) and, as SELECTs, who would change from what to what
and who cannot and why (`items`). All else is common to every kind: the digest and the approval, locks,
applying in chunks with version check and audit, progress, undo and rerun. So the next operation is one
small module with a `Kind`, one line in clinic/change/kinds/table.py, and one small flow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.change.core.locks import holder_of
from clinic.change.core.outcomes import (
    ALREADY_SO,
    DECEASED,
    LOCKED,
    RESTRICTED,
    SELECTED,
    WILL_CHANGE,
)
from clinic.govern.restricted import is_restricted
from clinic.record.schema.change import operation_item, selection_row
from clinic.record.schema.people import patient
from clinic.settings import Settings

Parameters = Mapping[str, Any]
Items = sa.Select[Any]

ITEM_COLUMNS: Final = tuple(column.name for column in operation_item.c)


@dataclass(frozen=True)
class Plan:
    """What a kind's `items` go by."""

    operation_id: int
    selection_id: int
    parameters: Parameters
    now: datetime
    settings: Settings


@dataclass(frozen=True)
class Reason:
    """Why a patient cannot be changed. `detail`: an operation's number or a code."""

    when: ColumnElement[bool]
    outcome: str
    detail: ColumnElement[str] | None = None


@dataclass(frozen=True)
class FollowUp:
    """Something that people must still do (ALC-23); `subject`: a facility's or provider's code."""

    code: str
    count: int
    subject: str = ""


def no_follow_ups(_connection: Connection, _plan: Plan) -> Sequence[FollowUp]:
    """Most kinds leave nothing to do."""
    return ()


def _never(_parameters: Parameters) -> bool:
    return False


@dataclass(frozen=True)
class Words:
    """What people read of a patient before and after: the record is not always what changes."""

    will: str = "will be changed"
    done: str = "changed"


@dataclass(frozen=True)
class Kind:
    """
    One kind of operation.

    name: its key in clinic/govern/people/roles.py
    title: as people call it
    flow: its flow and deployment in Prefect, of prefect.yaml
    fields: what it writes, of clinic/change/fields.py
    require: checks parameters against the record and gives them back complete; raises MendableError
    items: SELECTs of ITEM_COLUMNS, each inserted before the next is asked for
    follow_ups: what remains to be done once it is through
    undoable: False where there is nothing that could be put back (ALC-39)
    private: parameters that may be a patient's value: shown in the terminal, never in Prefect
    notice: what everybody must be reminded of when they ask for it, decide it or sees its result (ALC-28)
    words: of its review and its result
    dead_stay: who is deceased after the review is left out when it is applied
    by_version: whether any change of a patient since the review is a conflict: the new value was made
        from more than the field that is written
    """

    name: str
    title: str
    flow: str
    fields: tuple[str, ...]
    require: Callable[[Connection, Settings, Parameters], Parameters]
    items: Callable[[Connection, Plan], Iterator[Items]]
    follow_ups: Callable[[Connection, Plan], Sequence[FollowUp]] = no_follow_ups
    undoable: bool = True
    private: tuple[str, ...] = ()
    notice: str = ""
    words: Words = Words()
    dead_stay: bool = True
    by_version: Callable[[Parameters], bool] = _never


def chosen_patients(plan: Plan) -> Items:
    """The selected patients; add columns to it."""
    return (
        sa.select()
        .select_from(selection_row.join(patient, patient.c.id == selection_row.c.patient_id))
        .where(selection_row.c.selection_id == plan.selection_id)
        .where(selection_row.c.outcome == SELECTED)
    )


def held_by_another(patient_id: ColumnElement[int]) -> Reason:
    """Two operations on one patient never mix: says which one holds the lock."""
    holder = holder_of(patient_id)
    return Reason(holder.is_not(None), LOCKED, sa.cast(holder, sa.Text))


def restricted(patient_id: ColumnElement[int]) -> Reason:
    """NEW-36: whose data are kept and not used."""
    return Reason(is_restricted(patient_id), RESTRICTED)


def has_died() -> Reason:
    """Nobody's care is re-arranged after their death."""
    return Reason(patient.c.death_date.is_not(None), DECEASED)


def patient_items(
    plan: Plan,
    *,
    field: str,
    old: ColumnElement[Any],
    new: ColumnElement[Any],
    reasons: Sequence[Reason] = (),
    subject: ColumnElement[int] | None = None,
    source: Items | None = None,
) -> Items:
    """
    Items for one field of the selected patients.

    Args:
        reasons: in order; the first that holds is the patient's. A lock comes before all
        source: `chosen_patients`, if it has been joined with more
    """
    every = (held_by_another(patient.c.id), restricted(patient.c.id), *reasons)
    return item_columns(
        chosen_patients(plan) if source is None else source,
        operation_id=plan.operation_id,
        patient_id=patient.c.id,
        field=field,
        subject=sa.literal(0) if subject is None else subject,
        old=old,
        new=new,
        version=patient.c.version,
        reasons=every,
    )


def item_columns(
    source: Items,
    *,
    operation_id: int,
    patient_id: ColumnElement[int],
    field: str,
    subject: ColumnElement[int],
    old: ColumnElement[Any],
    new: ColumnElement[Any],
    version: ColumnElement[int],
    reasons: Sequence[Reason],
) -> Items:
    """`source` with ITEM_COLUMNS: the first reason that holds, else already so, else will change."""
    same = old.is_not_distinct_from(new)
    outcome = sa.case(
        *((reason.when, sa.literal(reason.outcome)) for reason in reasons),
        (same, sa.literal(ALREADY_SO)),
        else_=sa.literal(WILL_CHANGE),
    )
    nothing = sa.cast(sa.null(), sa.Text)
    details = [(r.when, nothing if r.detail is None else r.detail) for r in reasons]
    detail = sa.case(*details, else_=nothing) if details else nothing
    return source.add_columns(
        sa.literal(operation_id),
        patient_id,
        sa.literal(field),
        subject,
        outcome,
        detail,
        sa.cast(old, sa.Text),
        sa.cast(new, sa.Text),
        version,
    ).order_by(patient_id, subject)
