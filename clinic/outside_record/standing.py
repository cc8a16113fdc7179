"""How it stands with what is saved outside: counts, what was refused and why, and asking once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.outside_record.patients import forget_patients
from clinic.outside_record.problems import GONE, SAYS
from clinic.outside_record.side import Side, ask_at_once, side_now
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.systems.outside_record import outside_item, outside_push

SIDE = "fhir"


@dataclass(frozen=True)
class NotSaved:
    """Something that is not saved: what, of which row of which campaign, why, and since when."""

    number: int
    kind: str
    state: str
    campaign_id: int | None
    row_number: int | None
    code: str
    says: str
    since: datetime


@dataclass(frozen=True)
class Standing:
    """
    By kind how many wait, are saved, were refused; the side; and the first of what is not saved.

    differ: by operation how many patients it changed there and not here, and could not put back there
    """

    counts: dict[str, Counter[str]]
    side: Side
    problems: list[NotSaved]
    differ: dict[int, int]


def standing(record: Record, *, limit: int = 50) -> Standing:
    """How it stands now; `limit`: most that are listed of what was refused or could not be saved yet."""
    o, m = outside_item.c, message.c
    with record.read() as connection:
        counted = connection.execute(
            sa.select(o.kind, o.state, sa.func.count()).group_by(o.kind, o.state)
        ).all()
        rows = connection.execute(
            sa.select(
                o.id, o.kind, o.state, m.campaign_id, m.row_number, o.problem, o.problem_says, o.changed_at,
            )
            .outerjoin(message, (o.kind == "message") & (m.id == o.item_id))
            .where(o.state != "saved", o.problem.is_not(None))
            .order_by(o.state, o.id)
            .limit(limit)
        ).all()  # fmt: skip
        p = outside_push.c
        differ = connection.execute(
            sa.select(p.operation_id, sa.func.count())
            .where(p.state == "differs")
            .group_by(p.operation_id)
            .order_by(p.operation_id)
        ).tuples()
        differing = dict(differ.all())
    counts: dict[str, Counter[str]] = {}
    for kind, state, count in counted:
        counts.setdefault(kind, Counter())[state] = count
    problems = [
        NotSaved(
            row.id, row.kind, row.state, row.campaign_id, row.row_number, row.problem,
            _says(row.problem, row.problem_says), row.changed_at,
        )
        for row in rows
    ]  # fmt: skip
    return Standing(counts, side_now(record, SIDE), problems, differing)


def ask_again(
    record: Record, clock: Clock, *, numbers: Sequence[int], campaign_id: int | None, by: str
) -> int:
    """
    Let what was refused be asked for again, and nothing else; how many.

    Args:
        numbers: those of the list of what was refused; with no campaign and no numbers, all

    Raises:
        NotFound: nothing of that was refused
    """
    o = outside_item.c
    which = o.state == "refused"
    if campaign_id is not None:
        of = sa.select(message.c.id).where(message.c.campaign_id == campaign_id)
        which &= (o.kind == "message") & o.item_id.in_(of)
    if numbers:
        which &= o.id.in_(list(numbers))
    with record.write() as connection:
        rows = connection.execute(sa.select(o.id, o.patient_id).where(which)).all()
        if not rows:
            raise NotFound(
                "outside-nothing-refused",
                "nothing of that was refused, so nothing is asked for again; see: cohort record status",
            )
        forget_patients(connection, sorted({row.patient_id for row in rows if row.patient_id}))
        connection.execute(
            sa.update(outside_item)
            .where(which)
            .values(
                state="waiting", tries=0, not_before=None, problem=None, problem_says=None, has=None,
                version=None, changed_at=clock.now(),
                # What was taken away there is made anew
                remote_id=sa.case((o.problem == GONE, None), else_=o.remote_id),
            )
        )  # fmt: skip
        act = Act(
            operator=by, operation_type="outside.resent", subject="outside_record",
            patients_affected=len(rows), new_values={"items": len(rows), "campaign": campaign_id},
        )  # fmt: skip
        record_act(connection, clock, act)
    ask_at_once(record, SIDE)
    return len(rows)


def _says(code: str, words: str | None) -> str:
    return SAYS.get(code, code) + (f" ({words})" if words else "")
